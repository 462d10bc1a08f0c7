"""The gate before the migration Job in safe mode: nothing is migrated that nobody has approved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from checks.alembic import AlembicError
from checks.compatibility import Compatibility, judge_compatibility
from checks.migration_lint import Finding, Linter, LintError, lint, run_squawk
from checks.migration_plan import MigrationPlan
from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.approval.approvals import Approval, Approvals
from cluster.errors import ClusterError, GateFailed
from cluster.migration.planner import MigrationPlanner
from cluster.migration.record import MigrationRecord
from concerns.migration import MigrationWaiver

FINDINGS_SHOWN = 20


@dataclass(frozen=True)
class MigrationPlanGate:
    """Lets the migration Job be made if nothing is pending, or if exactly the pending SQL was approved.

    It stands right before the Job, each time that one is made: what was approved is compared with what the database
    and the image say at that moment. `stack` is named in the commands that a person is told; the SQL is written to
    `file`. Waivers count by the day of `wall_clock`, in UTC.
    """

    planner: MigrationPlanner
    approvals: Approvals
    record: MigrationRecord
    waivers: Sequence[MigrationWaiver]
    stack: str
    file: Path
    reporter: Reporter
    linter: Linter = run_squawk
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, image: str, version: str) -> None:
        """Return when the migration may run. Raises GateFailed with why not, and what to do next."""
        try:
            plan = self.planner.plan(image, version)
            if not plan.revisions:
                self.reporter.line(f"migration plan: nothing is pending, the database is at {plan.to_revision}")
                return
            self._judge(plan, image, version)
        except (AlembicError, LintError, ClusterError, Unreachable) as error:
            text = f"migration plan of {version} failed in {self._where}: {error}. Nothing was changed"
            raise GateFailed(text) from error

    @property
    def _where(self) -> str:
        return self.planner.cluster.namespace

    def _judge(self, plan: MigrationPlan, image: str, version: str) -> None:
        findings = lint(plan, self.linter)
        now = self.wall_clock()
        compatibility = judge_compatibility(plan, findings, self.waivers, now.date())
        approval = self.approvals.find("migration", plan.sha256)
        self._write(plan)
        self.record.write(
            plan,
            image=image,
            version=version,
            findings=findings,
            compatibility=compatibility,
            approval=approval,
            at=now,
        )
        if compatibility.refused:
            raise GateFailed(self._refusal(plan, version, compatibility))
        if approval is None:
            raise GateFailed(self._request(plan, version, findings, compatibility))
        self.reporter.line(f"migration plan: {plan.summary}; SQL {plan.sha256}, {_named(approval)}")
        for line in compatibility.lines:
            self.reporter.line(f"migration plan: {line}")

    def _write(self, plan: MigrationPlan) -> None:
        try:
            self.file.write_text(plan.sql, encoding="utf-8", newline="")
        except OSError as error:
            raise ClusterError(
                f"the SQL cannot be written to {self.file.name} ({error.strerror})",
                mend="make the project's directory writable",
            ) from error

    def _refusal(self, plan: MigrationPlan, version: str, compatibility: Compatibility) -> str:
        first = compatibility.refused[0]
        waiver = f"{{rule: {first.rule}, revision: '{first.revision}', by: <name>, until: <date>, reason: <why>}}"
        return (
            f"migration of {version} is refused in {self._where}: it would break the version that runs"
            f" ({_counted(compatibility.refused)} in {plan.summary}; SQL in {self.file.name} and ConfigMap"
            f" {self.record.name}). Nothing was changed. To mend it: expand in this release and contract in a later"
            f" one, or add to migration.waivers: {waiver}{_lines(compatibility.lines)}"
        )

    def _request(
        self, plan: MigrationPlan, version: str, findings: Sequence[Finding], compatibility: Compatibility
    ) -> str:
        waived = {each for each, _ in compatibility.waived}
        shown = [*compatibility.lines, *(f"lint: {each}" for each in findings if each not in waived)]
        return (
            f"migration of {version} waits for approval in {self._where}: {plan.summary}; SHA-256 {plan.sha256} of the"
            f" SQL in {self.file.name} and ConfigMap {self.record.name}; {_counted(findings)} of the linter."
            f" Nothing was changed. To approve exactly this SQL: make approve STACK={self.stack}"
            f" MIGRATION={plan.sha256} BY=<name>; then run the same command again{_lines(shown)}"
        )


def _named(approval: Approval) -> str:
    return f"approved by {approval.by} at {approval.at:%Y-%m-%d %H:%M:%S %Z}"


def _counted(findings: Sequence[Finding]) -> str:
    return f"{len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'}"


def _lines(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - FINDINGS_SHOWN} more"] if len(lines) > FINDINGS_SHOWN else []
    return "".join(f"\n  | {line}" for line in [*lines[:FINDINGS_SHOWN], *more])
