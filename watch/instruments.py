"""What a release is watched with: its pods, looked at directly, and what is slow to answer, asked beside it."""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from checks.alerts import AlertWatch
from checks.background import Background
from checks.key_metrics import connection_limit, memory_limit
from checks.objects import Pod
from checks.prometheus import Prometheus
from checks.reader import Unreachable
from checks.rollout import newest_hash, split_pods
from checks.traffic import TrafficMeter
from checks.verdict import Kind, Verdict
from checks.waiting import Clock
from checks.watching.bad_share import BadShare
from checks.watching.from_prometheus import CACHE, QUERY_LATENCY, CountedInPrometheus
from checks.watching.log_store import LogStore
from checks.watching.log_watch import LogWatch
from checks.watching.pods_watch import SIGNALS, PodLimitsOfWatch, PodsWatch
from checks.watching.sustained import Sustained
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.names import STABLE
from cluster.trust import trust_in
from concerns.quantity import amount
from watch.plan import WatchPlan

ALERTS, LOGS = "alerts", "logs"
SEVERITIES = ("critical", "warning")
METRICS_TIMEOUT_SECONDS = 2.0
PROMETHEUS_INTERVAL_SECONDS = 10.0
# No look asks for more than that many answers of one timeout each.
MOST_ANSWERS = 6
CHANCE_OF_ONE_LOOK = 0.001

ClientOf = Callable[[ssl.SSLContext, Mapping[str, str]], httpx.Client]


def client_of(trust: ssl.SSLContext, headers: Mapping[str, str]) -> httpx.Client:
    """Return a client that trusts and speaks so."""
    return httpx.Client(verify=trust, headers=dict(headers))


@dataclass
class WatchInstruments:
    """Looks at the pods and asks the watches that run beside for what they found last."""

    cluster: Cluster
    plan: WatchPlan
    pods_watch: PodsWatch
    beside: Mapping[str, Background]
    pods: list[str] = field(default_factory=list)

    def look(self) -> Mapping[str, Verdict]:
        """Return a verdict for each signal."""
        try:
            found = self._pods()
            self.pods[:] = [pod.metadata.name for pod in found if pod.ready]
            seen = self.pods_watch.look(found)
        except (ClusterError, Unreachable) as error:
            seen = {name: Verdict(Kind.UNREACHABLE, str(error)) for name in SIGNALS}
        return {**seen, **{name: watch.latest() for name, watch in self.beside.items()}}

    def _pods(self) -> Sequence[Pod]:
        names = self.plan.names
        selector = names.selector(STABLE)
        deployment = self.cluster.deployment(names.deployment)
        if deployment is None:
            raise ClusterError(f"Deployment {names.deployment} is gone")
        current, _ = split_pods(self.cluster.pods(selector), newest_hash(self.cluster, deployment, selector))
        return current


@dataclass(frozen=True)
class Opening:
    """Opens the instruments of a plan, as often as wanted; each begins to count anew.

    `deployed_at` says when the release was begun: the logs since then are compared with those of the hour before, and
    alerts from before are not held against it.
    """

    plan: WatchPlan
    cluster: Cluster
    deployed_at: Callable[[], datetime]
    clock: Clock
    wall_clock: Callable[[], datetime]
    client: ClientOf = client_of

    @contextmanager
    def open(self) -> Iterator[WatchInstruments]:
        """Give the instruments, until the body ends."""
        plan, pods = self.plan, list[str]()
        with ExitStack() as stack:
            meter = stack.enter_context(
                TrafficMeter(
                    self.cluster, plan.application.port, timeout_seconds=METRICS_TIMEOUT_SECONDS, clock=self.clock
                )
            )
            crashing = Sustained(plan.watch.sustained_seconds, self.clock)
            pods_watch = PodsWatch(self.cluster, meter, self._limits(), crashing, self.clock)
            beside = {
                name: stack.enter_context(each)
                for name, each in {**self._from_prometheus(stack, pods), **self._logs(stack)}.items()
            }
            yield WatchInstruments(self.cluster, plan, pods_watch, beside, pods)

    def _limits(self) -> PodLimitsOfWatch:
        watch, limits = self.plan.watch, self.plan.limits
        looks = max(2, math.ceil(watch.sustained_seconds / watch.look_seconds))

        def share(what: str, limit: float) -> BadShare:
            alarm = watch.false_alarm_percent / 100 / 2
            return BadShare(what, limit, alarm, watch.sustained_seconds, 60 * watch.minutes)

        return PodLimitsOfWatch(
            errors=share("ended with an error", limits.error_percent / 100),
            slow=share(f"took longer than {1000 * limits.slow_seconds:g} ms", limits.slow_percent / 100),
            slow_seconds=limits.slow_seconds,
            connections=connection_limit(limits.database_connections_percent, looks=looks),
            memory=memory_limit(limits.memory_percent, looks=looks),
            allocated_bytes=float(amount(self.plan.application.resources.memory_limit)),
        )

    def _from_prometheus(self, stack: ExitStack, pods: Sequence[str]) -> dict[str, Background]:
        plan, watch = self.plan, self.plan.watch
        seconds = plan.prometheus_timeout_seconds
        client = stack.enter_context(self.client(trust_in(""), {}))
        prometheus = stack.enter_context(Prometheus(plan.prometheus_url, client, seconds))
        counted = CountedInPrometheus(prometheus, plan.namespace, watch.rate_minutes, CHANCE_OF_ONE_LOOK)
        alerts = AlertWatch(
            prometheus,
            target={"namespace": plan.namespace},
            release={"version": plan.release.version},
            severities=SEVERITIES,
            began=self.deployed_at(),
        )
        limits = plan.limits
        # What a rate shows of a moment it shows for all its minutes.
        lasting = 60 * watch.rate_minutes + watch.sustained_seconds
        looks: dict[str, tuple[Callable[[], Verdict], float]] = {
            CACHE: (lambda: counted.cache(tuple(pods), least_hits=limits.cache_hit_percent / 100), lasting),
            QUERY_LATENCY: (
                lambda: counted.queries(
                    tuple(pods), slow_seconds=limits.query_seconds, slow_share=limits.query_slow_percent / 100
                ),
                lasting,
            ),
            ALERTS: (alerts.look, watch.sustained_seconds),
        }
        return {
            name: self._beside(f"Prometheus ({name})", look, lasts, PROMETHEUS_INTERVAL_SECONDS, seconds)
            for name, (look, lasts) in looks.items()
        }

    def _logs(self, stack: ExitStack) -> dict[str, Background]:
        wanted, how = self.plan.log_store, self.plan.watch.logs
        if wanted is None:
            return {}
        client = stack.enter_context(self.client(trust_in(self.plan.log_store_trust), wanted.sign_in))
        store = LogStore(
            self.plan.log_store_url,
            client,
            index=wanted.index,
            service=wanted.service,
            where=wanted.where,
            time_field=wanted.time_field,
            timeout_seconds=wanted.timeout_seconds,
        )
        stack.callback(store.close)
        watch = LogWatch(store, self.deployed_at(), how.new_errors, how.new_error_lines, self.wall_clock)
        every = how.every_seconds
        return {LOGS: self._beside("the log store", watch.look, every, every, wanted.timeout_seconds)}

    def _beside(
        self, name: str, look: Callable[[], Verdict], lasts: float, interval: float, timeout: float
    ) -> Background:
        sustained = Sustained(lasts, self.clock)
        return Background(
            lambda: sustained.judge(look()),
            name=name,
            interval_seconds=interval,
            fresh_seconds=2 * interval + MOST_ANSWERS * timeout,
            clock=self.clock,
        )
