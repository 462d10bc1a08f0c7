"""How a stack's release is verified: its settings, turned into the steps of the gate and the report on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from canary import Canary
from checks.key_metrics import connection_limit, memory_limit, pods_of
from checks.prometheus import Prometheus
from checks.reader import Unreachable
from checks.release_metrics import ReleaseMetrics
from checks.script import Script, ScriptRunner, without_engine
from checks.secret_mask import SecretMask
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.history.history import History
from cluster.migration.database_head import judge_database_head
from cluster.migration.planner import MigrationPlanner
from cluster.names import STABLE, Names
from cluster.release import Release
from cluster.verification.steps import FurtherStep, StepEnd
from concerns.analysis import PrometheusSettings
from concerns.quantity import amount
from concerns.secrets import secret_values
from concerns.verification import KeyMetricsSettings, ScriptSettings
from reports.courses import ChartLimits, charts_over_time
from reports.progress import Progress
from reports.record import ChartRecord
from reports.report import VerificationReport
from settings import Settings

PROJECT_DIRECTORY = Path(__file__).resolve().parent
# Prometheus learns nothing new in less; a burst of connections has to last for three looks.
METRICS_INTERVAL_SECONDS = 5.0
DATABASE_STEP, METRICS_STEP = "database at head", "key metrics"


@dataclass(frozen=True)
class Verifying:
    """The verification of one stack. Everything that it asks is bounded by the stack's settings."""

    settings: Settings
    cluster: Cluster
    names: Names
    clock: Clock
    progress: Progress
    client: Callable[[], httpx.Client] = httpx.Client

    @property
    def reporter(self) -> Reporter:
        """What every step tells through, so that its live lines show the list of steps."""
        return self.progress.reporter

    def further_steps(self, planner: Callable[[int], MigrationPlanner]) -> tuple[FurtherStep, ...]:
        """Return the steps behind pods, logs and health: the scripts, the database's head, the key metrics.

        `planner` gives what asks the release's image for its migrations within so many seconds.
        """
        wanted = self.settings.verification
        steps = list(script_steps(self.settings, self.reporter, self.clock))
        if wanted.database_at_head is not None:
            seconds = wanted.database_at_head.timeout_seconds
            steps.append((DATABASE_STEP, lambda release: judge_database_head(planner(seconds), release)))
        if wanted.key_metrics is not None:
            metrics = wanted.key_metrics
            steps.append((METRICS_STEP, lambda _release: self._key_metrics(metrics)))
        return tuple(steps)

    def report(self) -> VerificationReport:
        """Return what looks on at the verification and reports on it."""
        analysis = self.settings.analysis
        return VerificationReport(
            stack=self.settings.environment,
            namespace=self.cluster.namespace,
            directory=PROJECT_DIRECTORY,
            history=History(self.cluster, self.names.deployment),
            charts=self._charts,
            error_percent=None if analysis is None else analysis.error_percent,
            progress=self.progress,
        )

    def report_of_canary(self, percent: int) -> Callable[[Release, StepEnd, str, str], None]:
        """Return what reports on a release that ends in the step of this share, before it could be verified."""
        later = [f"step {step} %" for step in self.settings.rollout.steps if step > percent]

        def ended(release: Release, step: StepEnd, outcome: str, text: str) -> None:
            self.report().canary_ended(release, step, [*later, "verification"], outcome, text)

        return ended

    @property
    def _allocated_bytes(self) -> float:
        return float(amount(self.settings.application.resources.memory_limit))

    def _key_metrics(self, wanted: KeyMetricsSettings) -> Verdict:
        canary = Canary.of(self.settings)
        with self._asking(canary.prometheus) as prometheus:
            metrics = ReleaseMetrics(
                prometheus,
                namespace=self.cluster.namespace,
                pods=pods_of(self.names.deployment),
                allocated_bytes=self._allocated_bytes,
                limits=canary.limits,
                connections=connection_limit(canary.analysis.database_connections_percent),
                memory=memory_limit(canary.analysis.memory_percent),
                rate_minutes=wanted.rate_minutes,
            )

            def look() -> Verdict:
                try:
                    return metrics.look(self._serving())
                except (ClusterError, Unreachable) as error:
                    return Verdict(Kind.UNREACHABLE, str(error))

            return wait_for_verdict(
                look,
                waiting_for=METRICS_STEP,
                timeout_seconds=wanted.timeout_seconds,
                interval_seconds=METRICS_INTERVAL_SECONDS,
                reporter=self.reporter,
                clock=self.clock,
            )

    @contextmanager
    def _asking(self, wanted: PrometheusSettings) -> Iterator[Prometheus]:
        with self.client() as client, Prometheus(str(wanted.url), client, wanted.timeout_seconds) as prometheus:
            yield prometheus

    def _serving(self) -> list[str]:
        pods = self.cluster.pods(self.names.selector(STABLE))
        return [pod.metadata.name for pod in pods if not pod.ended and pod.metadata.deletion_timestamp is None]

    def _charts(self, start: float, end: float) -> Sequence[ChartRecord]:
        analysis, found = self.settings.analysis, self.settings.prometheus
        if found is None:
            return ()
        limits = ChartLimits(allocated_bytes=self._allocated_bytes)
        if analysis is not None:
            limits = ChartLimits(
                allocated_bytes=self._allocated_bytes,
                error_percent=analysis.error_percent,
                slow_milliseconds=1000 * analysis.slow_seconds,
                connections_percent=analysis.database_connections_percent,
                memory_percent=analysis.memory_percent,
            )
        with self._asking(found) as prometheus:
            return charts_over_time(prometheus, self.cluster.namespace, self.names, limits, start=start, end=end)


def script_steps(settings: Settings, reporter: Reporter, clock: Clock) -> tuple[FurtherStep, ...]:
    """Return the scripts of the settings as steps; each is told where to ask, whom to trust, and the version."""
    health = settings.health
    address = f"[{health.connect_to}]:" if ":" in health.connect_to else health.connect_to
    told = {"RELEASE_MANAGER_CONNECT_TO": address, "RELEASE_MANAGER_CA_FILE": health.ca_file}
    variables = {name: value for name, value in told.items() if value}
    # No script is given what the engine knows, and none may show it either, wherever it has found it.
    mask = SecretMask.of(os.environ, secret_values(settings))
    runner = ScriptRunner(PROJECT_DIRECTORY, without_engine(os.environ), reporter, clock, mask)

    def step(wanted: ScriptSettings) -> FurtherStep:
        script = Script(wanted.name, wanted.command, wanted.timeout_seconds)
        return script.name, lambda release: runner.run(
            script, {**variables, "RELEASE_MANAGER_EXPECTED_VERSION": release.version}
        )

    return tuple(step(script) for script in settings.verification.scripts)
