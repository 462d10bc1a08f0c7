"""The gate behind the migration Job: no pod changes before the database does."""

from __future__ import annotations

from dataclasses import dataclass

from checks.alembic import cause_of
from checks.job import judge_job
from checks.reader import Unreachable
from checks.verdict import Kind
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.api import Cluster
from cluster.errors import ClusterError, GateFailed

INTERVAL_SECONDS = 0.3


@dataclass(frozen=True)
class MigrationGate:
    """Waits for the migration Job and fails with its last log lines.

    A failed Job is deleted once its log has been read, so that the next update runs it again with nothing to do by
    hand. A Job that may still be running is left alone.
    """

    cluster: Cluster
    timeout_seconds: float
    reporter: Reporter
    clock: Clock

    def run(self, job: str, version: str) -> None:
        """Return when the Job is complete. Raises GateFailed with what is wrong, why, and what to do next."""
        started = self.clock.now()
        verdict = wait_for_verdict(
            lambda: judge_job(self.cluster, job),
            waiting_for="migration",
            timeout_seconds=self.timeout_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=self.reporter,
            clock=self.clock,
        )
        if verdict.kind is Kind.PASS:
            self.reporter.line(f"migration of {version}: done in {self.clock.now() - started:.1f} s")
            return
        next_step = self._clear(job) if verdict.kind is Kind.FAIL else "the same command looks at it again"
        lines = "".join(f"\n  | {line}" for line in verdict.details)
        cause = cause_of(verdict.details) if verdict.kind is Kind.FAIL else None
        why = f"{cause.what}. To mend it: {cause.mend}" if cause else verdict.reason
        raise GateFailed(
            f"migration of {version} failed in {self.cluster.namespace} ({verdict.kind}): {why}."
            f" No pod was changed; {next_step}.{lines}"
        )

    def _clear(self, job: str) -> str:
        try:
            self.cluster.delete_job(job)
        except (ClusterError, Unreachable) as error:
            by_hand = f"kubectl -n {self.cluster.namespace} delete job {job}"
            return f"its Job cannot be deleted ({error}), so before the next run: {by_hand}"
        return "the same command runs the migration again"
