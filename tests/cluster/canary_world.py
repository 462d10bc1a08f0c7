"""Stable and canary of one application under a steady traffic, on a clock that only passes when somebody sleeps.

The world is a Cluster: scaling it makes pods that are ready a moment later, and each pod that serves answers its part
of the requests, in its own way. What a pod says in /metrics is worked out from that when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from checks.analysis.canary_analysis import CanaryAnalysis
from checks.analysis.limits import Limits, StepDemand
from checks.background import Background
from checks.key_metrics import PodLimits, connection_limit, memory_limit
from checks.objects import Deployment, Event, Pod
from checks.reader import Unreachable
from checks.traffic import TrafficMeter
from checks.verdict import Kind, Verdict
from cluster.api import Cluster
from cluster.canary.pods import StepPlan
from cluster.canary.step import Instruments
from cluster.names import NOT_SERVING, SERVING, Names
from cluster.trust import system_trust
from concerns.canary_shares import Capacity
from tests.fake_time import FakeTime
from tests.recorded import Json, container, pod, running, terminated

NAMES = Names("release-manager-prod", "release-manager")
OLD, NEW = "old", "new"
MEMORY_LIMIT = 256 * 2**20
REVISION = "deployment.kubernetes.io/revision"


@dataclass
class Behaviour:
    """How the pods of a version answer: shares of errors and of slow requests, and what else may be wrong.

    All requests of a pod's first `slow_for` seconds after it is ready are slow.
    """

    errors: float = 0.0
    slow: float = 0.0
    slow_for: float = 0.0
    ready: bool = True
    crashes_after: float | None = None
    memory_bytes_per_second: float = 0.0
    metrics: Callable[[], str | None] | None = None


def template(version: str) -> Json:
    env = [{"name": "RELEASE_VERSION", "value": version}]
    containers = [{"name": "api", "image": f"r@sha256:{version}", "env": env}]
    return {"metadata": {"labels": {"app": "release-manager"}}, "spec": {"containers": containers}}


@dataclass
class OnePod:
    name: str
    track: str
    version: str
    born: float
    answered: float = 0.0
    answered_cold: float = 0.0
    leaving: bool = False


@dataclass
class CanaryWorld(Cluster):
    """`rate` is requests a second over all pods; a pod is ready `start_seconds` after it was made."""

    time: FakeTime = field(default_factory=FakeTime)
    rate: float = 200.0
    start_seconds: float = 3.0
    stable_version: str = OLD
    behaviours: dict[str, Behaviour] = field(default_factory=lambda: {OLD: Behaviour(), NEW: Behaviour()})
    replicas: dict[str, int] = field(default_factory=lambda: {NAMES.deployment: 9, NAMES.canary: 0})
    scaled: list[tuple[str, int]] = field(default_factory=list)
    unreachable: bool = False
    canary_gets_traffic: bool = True
    maps: dict[str, Json] = field(default_factory=dict)
    taken_off: set[str] = field(default_factory=set)
    _pods: list[OnePod] = field(default_factory=list)
    _counted_at: float = 1000.0
    _made: int = 0

    def __post_init__(self) -> None:
        super().__init__(httpx.Client(base_url="https://10.0.0.1", verify=system_trust()), "production")
        self._settle(NAMES.deployment, "stable", self.stable_version)
        for each in self._pods:
            each.born = -1000.0

    def update_stable(self) -> None:
        """Do what the engine does before the last step; from now on the pods are replaced one at a time."""
        self.stable_version = NEW

    def scale(self, name: str, replicas: int) -> None:
        self._pass()
        self.scaled.append((name, replicas))
        self.replicas[name] = replicas
        track = "canary" if name == NAMES.canary else "stable"
        self._settle(name, track, NEW if track == "canary" else self.stable_version)

    def deployment(self, name: str) -> Deployment | None:
        self._must_answer()
        canary = name == NAMES.canary
        body: Json = {
            "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1, "annotations": {REVISION: "1"}},
            "spec": {"replicas": self.replicas[name]},
            "status": {"observedGeneration": 1, **self._counts(name)},
        }
        if not canary and self.stable_version == NEW:
            body["metadata"]["annotations"][REVISION] = "2"
        return Deployment.model_validate(body)

    def _counts(self, name: str) -> dict[str, int]:
        track, version = ("canary", NEW) if name == NAMES.canary else ("stable", self.stable_version)
        mine = [each for each in self._pods if each.track == track]
        new = [each for each in mine if each.version == version]
        ready = sum(self._is_ready(each) for each in new)
        return {"replicas": len(mine), "updatedReplicas": len(new), "availableReplicas": ready}

    def replica_sets(self, selector: str) -> Sequence[Deployment]:
        canary = "track=canary" in selector
        name = NAMES.canary if canary else NAMES.deployment
        found = [(NEW, "1")] if canary else [(OLD, "1"), (NEW, "2")]
        return [
            Deployment.model_validate(
                {
                    "metadata": {
                        "name": f"{name}-{version}",
                        "ownerReferences": [{"kind": "Deployment", "uid": f"uid-{name}"}],
                        "annotations": {REVISION: revision},
                        "labels": {"pod-template-hash": f"{version}-hash"},
                    }
                }
            )
            for version, revision in found
        ]

    def pods(self, selector: str) -> Sequence[Pod]:  # noqa: ARG002
        self._must_answer()
        self._pass()
        return [self._shown(each) for each in self._pods]

    def pod_metrics(self, name: str, port: int, *, timeout_seconds: float) -> str | None:  # noqa: ARG002
        self._must_answer()
        self._pass()
        found = next((each for each in self._pods if each.name == name), None)
        if found is None:
            return None
        behaviour = self.behaviours[found.version]
        return behaviour.metrics() if behaviour.metrics is not None else self._text(found, behaviour)

    def deployment_template(self, name: str) -> Json | None:
        return template(NEW if name == NAMES.canary else self.stable_version)

    def config_map(self, name: str) -> Json | None:
        self._must_answer()
        return self.maps.get(name)

    def config_maps(self, selector: str) -> list[Json]:  # noqa: ARG002
        return [found for found in self.maps.values() if found["metadata"].get("labels")]

    def write_config_map(
        self,
        name: str,
        data: Mapping[str, str],
        *,
        resource_version: str | None,
        labels: Mapping[str, str] | None = None,
    ) -> bool:
        self._must_answer()
        number = int(resource_version or "0") + 1
        metadata = {"name": name, "resourceVersion": str(number), "labels": dict(labels or {})}
        self.maps[name] = {"metadata": metadata, "data": dict(data)}
        return True

    def events(self, name: str) -> Sequence[Event]:  # noqa: ARG002
        return []

    def logs(self, pod: str, *, lines: int, previous: bool = False) -> list[str]:  # noqa: ARG002
        return [f"last words of {pod}"]

    def _must_answer(self) -> None:
        if self.unreachable:
            raise Unreachable("the cluster gives no answer")

    def _settle(self, name: str, track: str, version: str) -> None:
        mine = [each for each in self._pods if each.track == track]
        for each in mine[self.replicas[name] :]:
            self._pods.remove(each)
        for _ in range(self.replicas[name] - len(mine)):
            self._made += 1
            self._pods.append(OnePod(f"{name}-{self._made}", track, version, self.time.seconds))

    def _pass(self) -> None:
        """Share out the requests of the time that has passed, then replace a stable pod where one is due."""
        passed, self._counted_at = self.time.seconds - self._counted_at, self.time.seconds
        serving = [each for each in self._pods if self._serves(each)]
        for each in serving:
            each.answered += self.rate * passed / len(serving)
            if self.time.seconds - each.born <= self.start_seconds + self.behaviours[each.version].slow_for:
                each.answered_cold = each.answered
        old = [each for each in self._pods if each.track == "stable" and each.version != self.stable_version]
        young = [each for each in self._pods if each.track == "stable" and not self._is_ready(each)]
        if old and not young and passed:
            self._pods.remove(old[0])
            self._settle(NAMES.deployment, "stable", self.stable_version)

    def _is_ready(self, each: OnePod) -> bool:
        return self.behaviours[each.version].ready and self.time.seconds - each.born >= self.start_seconds

    def _serves(self, each: OnePod) -> bool:
        return self._is_ready(each) and (self.canary_gets_traffic or each.track != "canary")

    def _shown(self, each: OnePod) -> Pod:
        behaviour, ready = self.behaviours[each.version], self._is_ready(each)
        age = self.time.seconds - each.born
        crashed = behaviour.crashes_after is not None and age >= behaviour.crashes_after
        status = container(running(), ready=ready, last=terminated(1) if crashed else None, restarts=int(crashed))
        body = pod(each.name, status, template_hash=f"{each.version}-hash", ready=ready)
        serving = NOT_SERVING if each.name in self.taken_off else SERVING
        body["metadata"]["labels"] |= {"track": each.track, **serving}
        return Pod.model_validate(body)

    def _text(self, each: OnePod, behaviour: Behaviour) -> str:
        total = int(each.answered)
        errors = int(total * behaviour.errors)
        slow = int(total * behaviour.slow) if not behaviour.slow_for else int(each.answered_cold)
        memory = 80 * 2**20 + behaviour.memory_bytes_per_second * (self.time.seconds - max(each.born, 1000.0))
        buckets = [(0.005, 0), (0.1, total - slow), (0.5, total - slow), (1.0, total), ("+Inf", total)]
        name = "release_manager_request_duration_seconds_bucket"
        return "\n".join(
            [
                "# TYPE release_manager_requests_total counter",
                f'release_manager_requests_total{{method="GET",route="/releases",status="200"}} {total - errors}',
                f'release_manager_requests_total{{method="GET",route="/releases",status="500"}} {errors}',
                "# TYPE release_manager_request_duration_seconds histogram",
                *(f'{name}{{le="{bound}"}} {count}' for bound, count in buckets),
                f"release_manager_request_duration_seconds_count {total}",
                f"release_manager_request_duration_seconds_sum {total * 0.01}",
                "release_manager_db_connections_active 1",
                "release_manager_db_pool_size 10",
                f"process_resident_memory_bytes {memory}",
                f"process_start_time_seconds {max(each.born, 0.0)}",
                "",
            ]
        )


class Watch(Background):
    """A background look whose answer a test sets."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict

    def latest(self) -> Verdict:
        return self.verdict


GOOD = Verdict(Kind.PASS, "nothing is wrong")


@dataclass
class Measured:
    """The instruments of a step in the world, and what its slow watches say."""

    world: CanaryWorld
    demand: StepDemand = field(default_factory=lambda: StepDemand(0.1, 0.01, 0.05))
    watches: Mapping[str, Verdict] = field(default_factory=lambda: {"alerts": GOOD})

    @contextmanager
    def instruments(self) -> Iterator[Instruments]:
        clock = self.world.time.clock
        with TrafficMeter(self.world, 8080, timeout_seconds=2.0, clock=clock) as meter:
            yield Instruments(
                meter=meter,
                analysis=CanaryAnalysis(Limits(), self.demand),
                limits=PodLimits(
                    connections=connection_limit(80), memory=memory_limit(70), allocated_bytes=MEMORY_LIMIT
                ),
                watches={name: Watch(verdict) for name, verdict in self.watches.items()},
                pods=[],
            )


def step(percent: int = 10, *, fixed: int | None = None, **changes: float) -> StepPlan:
    """Return a step of a canary with steps 10, 50 and 100; `fixed` is the total that its capacity keeps."""
    times = {"ready_seconds": 60.0, "minimum_seconds": 15.0, "maximum_seconds": 120.0, "look_seconds": 1.0, **changes}
    capacity: Capacity = "surge" if fixed is None else "fixed"
    return StepPlan(percent=percent, last=percent == 100, capacity=capacity, replicas=fixed or 9, **times)
