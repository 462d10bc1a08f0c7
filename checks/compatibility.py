"""Whether a migration suits the version that runs: expand first, contract once nobody needs the old form.

A rolling update and a rollback both run the old version on the new schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from checks.migration_lint import Finding
from checks.migration_plan import MigrationPlan
from concerns.migration import MigrationWaiver

# The rules whose findings can make a statement of the running version fail, or read what it does not expect.
BREAKING = frozenset(
    {
        "adding-not-nullable-field",
        "adding-required-field",
        "ban-alter-identity",
        "ban-drop-column",
        "ban-drop-constraint",
        "ban-drop-database",
        "ban-drop-default",
        "ban-drop-domain",
        "ban-drop-extension",
        "ban-drop-function",
        "ban-drop-generated-expression",
        "ban-drop-not-null",
        "ban-drop-schema",
        "ban-drop-sequence",
        "ban-drop-table",
        "ban-drop-type",
        "ban-drop-view",
        "ban-revoke",
        "ban-set-schema",
        "ban-truncate-cascade",
        "changing-column-type",
        "renaming-column",
        "renaming-object",
        "renaming-table",
        # SQL that the linter cannot read may do any of these.
        "syntax-error",
    }
)


@dataclass(frozen=True)
class Compatibility:
    """The findings that break the running version: refused as they are, or waived by somebody.

    `expired` holds the waivers that would have covered a refused finding, had their day not passed.
    """

    refused: tuple[Finding, ...] = ()
    waived: tuple[tuple[Finding, MigrationWaiver], ...] = ()
    expired: dict[Finding, MigrationWaiver] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each finding, with the waiver that covers it or did."""
        refused = [f"refused: {each}{self._expiry(each)}" for each in self.refused]
        return (*refused, *(f"waived {_named(waiver)}: {each}" for each, waiver in self.waived))

    def _expiry(self, finding: Finding) -> str:
        waiver = self.expired.get(finding)
        return f" Its waiver has expired: it was given {_named(waiver)}" if waiver else ""


def judge_compatibility(
    plan: MigrationPlan, findings: Sequence[Finding], waivers: Iterable[MigrationWaiver], today: date
) -> Compatibility:
    """Sort out which findings break the running version, and which of them are waived on day `today`.

    On a database that nothing was migrated on yet no version runs, so nothing can break one.
    """
    if not plan.from_revision:
        return Compatibility()
    refused: list[Finding] = []
    waived: list[tuple[Finding, MigrationWaiver]] = []
    expired: dict[Finding, MigrationWaiver] = {}
    by_subject: dict[tuple[str, str], MigrationWaiver] = {}
    for waiver in sorted(waivers, key=lambda each: each.until):
        by_subject[waiver.rule, waiver.revision] = waiver
    for finding in findings:
        if finding.rule not in BREAKING:
            continue
        covering = by_subject.get((finding.rule, finding.revision))
        if covering is not None and today <= covering.until:
            waived.append((finding, covering))
            continue
        refused.append(finding)
        if covering is not None:
            expired[finding] = covering
    return Compatibility(tuple(refused), tuple(waived), expired)


def _named(waiver: MigrationWaiver) -> str:
    return f"by {waiver.by} until {waiver.until} ({waiver.reason})"
