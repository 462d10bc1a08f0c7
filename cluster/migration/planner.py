"""Finds out what a migration would do, with the release's own image, inside the cluster."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.job import judge_job
from checks.migration_plan import MigrationPlan, read_plan
from checks.reader import Unreachable
from checks.verdict import Kind
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.migration.planning_job import KEPT_SECONDS, planning_job
from concerns.application import ApplicationSettings

INTERVAL_SECONDS = 0.3
# Beside the time-out that the cluster itself keeps, so that the cluster's own word comes first.
SLACK_SECONDS = 15
LONGEST_LOG_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class MigrationPlanner:
    """Runs a Job that only reads the database, returns what it found, and deletes it.

    `alembic` is how alembic is called in the image. Each look has a Job of its own name, so that two never share one.
    """

    cluster: Cluster
    application: ApplicationSettings
    alembic: Sequence[str]
    timeout_seconds: int
    reporter: Reporter
    clock: Clock
    token: Callable[[], str] = lambda: secrets.token_hex(4)

    def plan(self, image: str, version: str) -> MigrationPlan:
        """Return the plan of `image` (by digest). Changes nothing that outlives the call.

        Raises AlembicError, ClusterError or Unreachable, each with one line for a person.
        """
        name = f"{self.application.deployment}-plan-{self.token()}"
        self.cluster.create_job(
            planning_job(
                name,
                self.application,
                self.alembic,
                image=image,
                version=version,
                timeout_seconds=self.timeout_seconds,
            )
        )
        try:
            log = self._log(name)
        finally:
            self._delete(name)
        return read_plan(log, name)

    def _log(self, name: str) -> str:
        verdict = wait_for_verdict(
            lambda: judge_job(self.cluster, name),
            waiting_for="migration plan",
            timeout_seconds=self.timeout_seconds + SLACK_SECONDS,
            interval_seconds=INTERVAL_SECONDS,
            reporter=self.reporter,
            clock=self.clock,
        )
        if verdict.kind is not Kind.PASS:
            lines = "".join(f"\n  | {line}" for line in verdict.details)
            raise ClusterError(f"the pending migrations cannot be found out ({verdict.kind}): {verdict.reason}{lines}")
        job = self.cluster.job(name)
        pods = [] if job is None else self.cluster.pods(f"batch.kubernetes.io/controller-uid={job.metadata.uid}")
        if not pods:
            raise ClusterError(
                f"Job {name} is complete, but its pod is gone and its log with it", mend="run the same command again"
            )
        return self.cluster.whole_log(pods[-1].metadata.name, limit_bytes=LONGEST_LOG_BYTES)

    def _delete(self, name: str) -> None:
        try:
            self.cluster.delete_job(name)
        except (ClusterError, Unreachable) as error:
            # The answer is worth more than the tidying up, which the cluster does by itself.
            self.reporter.line(
                f"migration plan: Job {name} could not be deleted ({error}); the cluster deletes it {KEPT_SECONDS} s"
                " after its end"
            )
