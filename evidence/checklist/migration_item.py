"""Item 8: what the release does to the database was reviewed: exactly its SQL is approved, and the linter lets it.

Only the release's own image knows its migrations. To ask it takes a Job and seconds, and a preview changes nothing: so
the record of the last plan is read, which an update and `make migration-plan` write. The gate before the migration Job
plans anew, and lets nothing through that is not approved; what is proven here is that somebody has looked before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.compatibility import Compatibility, judge_compatibility
from checks.migration_lint import Finding, Linter, LintError, lint, run_squawk
from checks.migration_plan import MigrationPlan
from checks.reader import Unreachable
from cluster.api import Cluster
from cluster.approval.approvals import Approvals
from cluster.errors import ClusterError
from cluster.migration.record import SQL_KEY, MigrationRecord
from cluster.releases import VerifiedReleases
from concerns.migration import MigrationSettings
from evidence.checklist.migration_files import MigrationFiles
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import NONSENSE, duration, moment, unanswered

NAMED = 3


@dataclass(frozen=True)
class _Planned:
    """What the record says of one plan. `sha256` is that of the SQL as it was planned, whatever the record holds."""

    image: str
    plan: MigrationPlan
    sha256: str
    at: datetime | None


@dataclass(frozen=True)
class MigrationItem:
    """Judges the migration of one release. `image` is None where it is not built yet; `files` may be None, too."""

    settings: MigrationSettings
    cluster: Cluster
    deployment: str
    approvers: Sequence[str]
    stack: str
    version: str
    image: str | None
    files: MigrationFiles | None
    linter: Linter
    wall_clock: Callable[[], datetime]

    @property
    def _plan_it(self) -> str:
        return f"make migration-plan STACK={self.stack}"

    def prove(self) -> Proof:
        """Look once."""
        if self.settings.mode == "head":
            value = "mode head: it runs without a review, and suits the version before it by rule alone"
            return Proof(State.PROVEN, "migration.mode", value)
        source = f"ConfigMap {self.deployment}-migration-plan"
        try:
            return self._planned(source)
        except LintError as error:
            return unanswered("the linter of the SQL", error, "make the virtual environment anew")
        except (ClusterError, Unreachable, *NONSENSE) as error:
            return unanswered(source, error, f"see that the cluster answers, and plan anew: {self._plan_it}")

    def _planned(self, source: str) -> Proof:
        planned = _read(self.cluster.config_map(MigrationRecord(self.cluster, self.deployment).name))
        if planned is not None and planned.image == self.image:
            return self._judge(planned, source)
        if self.files is not None:
            last = VerifiedReleases(self.cluster, self.deployment).last()
            if last is not None and self.files.unchanged_since(last):
                value = f"the release changes no migration: git says so since {last.release.version}, verified last"
                return Proof(State.PROVEN, "git", value)
        # Only the release's own image knows its SQL, and only the update builds it: what is proven until then is that
        # the update stops there, with nothing deployed.
        value = "mode safe: the update itself stops at SQL that nobody has approved, before anything is deployed"
        return Proof(State.PROVEN, "migration.mode", value, seen="this release's SQL was not planned yet")

    def _judge(self, planned: _Planned, source: str) -> Proof:
        plan, now = planned.plan, self.wall_clock()
        seen = f"planned {duration(now - planned.at)} ago" if planned.at is not None else ""
        if not plan.revisions:
            value = f"nothing is pending, the database is at {plan.to_revision or 'no revision'}"
            return Proof(State.PROVEN, source, value, seen=seen)
        if plan.sha256 != planned.sha256:
            value = "it does not hold the SQL whose hash it names, so that nobody can review it"
            return Proof(State.MISSING, source, value, seen=seen, closes=f"plan anew: {self._plan_it}")
        findings = lint(plan, self.linter)
        compatibility = judge_compatibility(plan, findings, self.settings.waivers, now.date())
        if compatibility.refused:
            return self._refused(plan, compatibility, source, seen)
        approval = Approvals(self.cluster, self.deployment, self.approvers).find("migration", plan.sha256)
        if approval is None:
            value = f"SQL {plan.sha256[:12]} is not approved: {plan.summary}; {_linted(findings)}"
            closes = (
                f"read it ({self._plan_it}), then make approve STACK={self.stack} MIGRATION={plan.sha256} BY=<name>"
            )
            return Proof(State.MISSING, source, value, seen=seen, closes=closes)
        waived = f"; {'; '.join(compatibility.lines)}" if compatibility.waived else ""
        approved = f"approved by {approval.by} at {approval.at:%Y-%m-%d %H:%M} {approval.at:%Z}"
        value = f"SQL {plan.sha256[:12]} is {approved}: {plan.summary}; {_linted(findings)}{waived}"
        until = min((str(waiver.until) for _, waiver in compatibility.waived), default="")
        return Proof(State.PROVEN, source, value, seen=seen, until=until)

    def _refused(self, plan: MigrationPlan, compatibility: Compatibility, source: str, seen: str) -> Proof:
        closes = "expand in this release and contract in a later one, or waive it in migration.waivers"
        lines = compatibility.lines[: len(compatibility.refused)]
        more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
        value = f"it would break the version that runs ({plan.summary}): {'; '.join(lines[:NAMED])}{more}"
        expired = all(each in compatibility.expired for each in compatibility.refused)
        return Proof(State.EXPIRED if expired else State.MISSING, source, value, seen=seen, closes=closes)


def migration_prover(
    settings: MigrationSettings,
    *,
    cluster: Cluster,
    deployment: str,
    approvers: Sequence[str],
    stack: str,
    version: str,
    image: str | None,
    files: MigrationFiles | None,
    wall_clock: Callable[[], datetime],
    linter: Linter = run_squawk,
) -> Prover:
    """Return what proves that the migration of `version` was reviewed. `image` is its reference by digest, if built.

    With `files`, a release that changes none of them needs neither image nor plan.
    """
    item = MigrationItem(
        settings=settings,
        cluster=cluster,
        deployment=deployment,
        approvers=approvers,
        stack=stack,
        version=version,
        image=image,
        files=files,
        linter=linter,
        wall_clock=wall_clock,
    )
    return item.prove


def _read(found: Mapping[str, Any] | None) -> _Planned | None:
    """Return the plan on record, or None where none is. Raises as NONSENSE says where it is damaged."""
    data: Mapping[str, str] = {} if found is None else found.get("data") or {}
    if "sha256" not in data:
        return None
    revisions = tuple(str(each) for each in json.loads(data["revisions"]))
    plan = MigrationPlan(data["from"], data["to"], revisions, data[SQL_KEY])
    return _Planned(data["image"], plan, data["sha256"], moment(data.get("planned_at")))


def _linted(findings: Sequence[Finding]) -> str:
    return f"{len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'} of the linter"
