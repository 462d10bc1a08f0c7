"""How a step of a stack's canary is judged: its settings, turned into the gate of the step and its instruments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx

from checks.alerts import AlertWatch
from checks.analysis.bounds import required_sample
from checks.analysis.canary_analysis import CanaryAnalysis
from checks.analysis.forecast import forecast
from checks.analysis.limits import Limits, StepDemand
from checks.background import Background
from checks.key_metrics import (
    PodLimits,
    PrometheusShareWatch,
    connection_limit,
    connection_query,
    memory_limit,
    memory_query,
    pods_of,
)
from checks.prometheus import Prometheus
from checks.traffic import TrafficMeter
from checks.verdict import Verdict
from checks.waiting import Clock
from cluster.api import Cluster
from cluster.canary.pods import StepPlan
from cluster.canary.step import Instruments
from cluster.names import CANARY, Names
from concerns.analysis import AnalysisSettings, PrometheusSettings
from concerns.quantity import amount
from settings import Settings

# The pods are read once a look; one that hangs must not hold up what the others tell.
METRICS_TIMEOUT_SECONDS = 0.8
PROMETHEUS_INTERVAL_SECONDS = 5.0
SEVERITIES = ("critical", "warning")


@dataclass(frozen=True)
class Canary:
    """The canary of one stack whose settings have what a canary needs (settings.py has seen to that).

    Prometheus is asked through a `client`.
    """

    settings: Settings
    analysis: AnalysisSettings
    prometheus: PrometheusSettings
    client: Callable[[], httpx.Client] = httpx.Client

    @classmethod
    def of(cls, settings: Settings) -> Canary:
        """Return the canary of the stack. Raises ValueError where its strategy is another."""
        if settings.analysis is None or settings.prometheus is None:
            message = f"strategy '{settings.rollout.strategy}' has no canary"
            raise ValueError(message)
        return cls(settings, settings.analysis, settings.prometheus)

    def step(self, percent: int) -> StepPlan:
        """Return the step of this share. Its pods may take what the gates leave of the rollout's time-out."""
        rollout, analysis = self.settings.rollout, self.analysis
        measuring = len(rollout.steps) * analysis.maximum_seconds
        return StepPlan(
            percent=percent,
            last=percent == rollout.steps[-1],
            capacity=rollout.capacity,
            replicas=rollout.replicas,
            ready_seconds=rollout.timeout_seconds - measuring,
            minimum_seconds=analysis.minimum_seconds,
            maximum_seconds=analysis.maximum_seconds,
            look_seconds=analysis.look_seconds,
            warm_up_seconds=analysis.warm_up_seconds,
        )

    @property
    def limits(self) -> Limits:
        """The limits of the analysis, as shares of 1."""
        analysis = self.analysis
        return Limits(
            error_share=analysis.error_percent / 100,
            slow_seconds=analysis.slow_seconds,
            slow_share=analysis.slow_percent / 100,
            false_abort=analysis.false_abort_percent / 100,
            promote_level=analysis.promote_doubt_percent / 100,
            slower_margin=analysis.slower_margin_percent / 100,
        )

    def demand(self, percent: int) -> StepDemand:
        """Return what the step of this share must rule out."""
        number = self.settings.rollout.steps.index(percent)
        return StepDemand(
            expected_share=percent / 100,
            rule_out_errors=self.analysis.rule_out_error_percent[number] / 100,
            rule_out_slow=self.analysis.rule_out_slow_percent[number] / 100,
        )

    def plan(self, percent: int, rate: float | None = None) -> str:
        """Return in one line what the step will do, and how long at `rate` requests a second where they are known."""
        rollout, demand, level = self.settings.rollout, self.demand(percent), self.limits.promote_level
        step = self.step(percent)
        needed = max(required_sample(demand.rule_out_errors, level), required_sample(demand.rule_out_slow, level))
        beside = f"{rollout.replicas} stable ones" if rollout.capacity == "surge" else f"a total of {rollout.replicas}"
        pods = (
            f"all {rollout.replicas} pods replaced, {rollout.max_surge} at a time"
            if step.last
            else f"{step.canary_pods(rollout.replicas)} canary pods beside {beside}"
        )
        line = (
            f"step {percent} %: {pods}; goes on once {needed:,} requests without a fault rule out"
            f" {100 * demand.rule_out_errors:g} % of errors and {100 * demand.rule_out_slow:g} % slower than"
            f" {self.analysis.slow_seconds:g} s, after {step.minimum_seconds:g} to {step.maximum_seconds:g} s"
        )
        if rate is None:
            return line
        return line + forecast(
            needed,
            demand.expected_share,
            rate,
            minimum_seconds=step.minimum_seconds,
            maximum_seconds=step.maximum_seconds,
        )

    @contextmanager
    def instruments(
        self, cluster: Cluster, percent: int, version: str, clock: Clock, began: datetime | None
    ) -> Iterator[Instruments]:
        """Give what the step of this share measures with, until the body ends.

        `began` is when the release was begun, None where nobody knows: alerts from before are not held against it.
        """
        analysis, application = self.analysis, self.settings.application
        names = Names(application.deployment, application.app)
        port = application.port
        memory, pods = float(amount(application.resources.memory_limit)), list[str]()
        connections_below = connection_limit(analysis.database_connections_percent)
        memory_below = memory_limit(analysis.memory_percent)
        # The pods of stable run the release too at the last step; a regular expression of both names finds all of it.
        found = f"({pods_of(names.canary)}|{pods_of(names.deployment)})"
        namespace = cluster.namespace
        with ExitStack() as stack:
            client = stack.enter_context(self.client())
            prometheus = stack.enter_context(
                Prometheus(str(self.prometheus.url), client, timeout_seconds=self.prometheus.timeout_seconds)
            )
            connections = PrometheusShareWatch(prometheus, connection_query(namespace, found), connections_below)
            memory_use = PrometheusShareWatch(prometheus, memory_query(namespace, found, memory), memory_below)
            alerts = AlertWatch(
                prometheus,
                target={"namespace": namespace},
                release={"track": CANARY, "version": version},
                severities=SEVERITIES,
                began=began,
            )
            looks: dict[str, Callable[[], Verdict]] = {
                "database connections": lambda: connections.look(tuple(pods)),
                "memory": lambda: memory_use.look(tuple(pods)),
                "alerts": alerts.look,
            }
            watches = {
                name: stack.enter_context(
                    Background(
                        look,
                        name=f"Prometheus ({name})",
                        interval_seconds=PROMETHEUS_INTERVAL_SECONDS,
                        fresh_seconds=2 * PROMETHEUS_INTERVAL_SECONDS + self.prometheus.timeout_seconds,
                        clock=clock,
                    )
                )
                for name, look in looks.items()
            }
            meter = stack.enter_context(
                TrafficMeter(cluster, port, timeout_seconds=METRICS_TIMEOUT_SECONDS, clock=clock)
            )
            yield Instruments(
                meter=meter,
                analysis=CanaryAnalysis(self.limits, self.demand(percent)),
                limits=PodLimits(connections=connections_below, memory=memory_below, allocated_bytes=memory),
                watches=watches,
                pods=pods,
            )
