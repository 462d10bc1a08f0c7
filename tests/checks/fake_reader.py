"""A cluster of recorded objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.objects import Deployment, Event, Job, Pod
from checks.reader import Unreachable
from tests.recorded import Json


def selects(selector: str, found: Json) -> bool:
    labels = found["metadata"].get("labels", {})
    pairs = (part.partition("=") for part in selector.split(","))
    return all(labels.get(key) == value for key, _, value in pairs)


@dataclass
class FakeReader:
    the_deployment: Json | None = None
    the_replica_sets: list[Json] = field(default_factory=list)
    the_job: Json | None = None
    the_pods: list[Json] = field(default_factory=list)
    the_events: list[Json] = field(default_factory=list)
    the_logs: dict[tuple[str, bool], list[str]] = field(default_factory=dict)
    away: bool = False
    logs_away: bool = False
    logs_asked: list[tuple[str, int, bool]] = field(default_factory=list)

    def deployment(self, name: str) -> Deployment | None:
        self._answer()
        assert name
        return None if self.the_deployment is None else Deployment.model_validate(self.the_deployment)

    def replica_sets(self, selector: str) -> Sequence[Deployment]:
        return [Deployment.model_validate(item) for item in self.the_replica_sets if selects(selector, item)]

    def job(self, name: str) -> Job | None:
        self._answer()
        assert name
        return None if self.the_job is None else Job.model_validate(self.the_job)

    def pods(self, selector: str) -> Sequence[Pod]:
        self._answer()
        return [Pod.model_validate(item) for item in self.the_pods if selects(selector, item)]

    def events(self, name: str) -> Sequence[Event]:
        events = [item for item in self.the_events if item["involvedObject"]["name"] == name]
        return [Event.model_validate({k: v for k, v in item.items() if v is not None}) for item in events]

    def logs(self, pod: str, *, lines: int, previous: bool = False) -> list[str]:
        self.logs_asked.append((pod, lines, previous))
        if self.logs_away:
            raise Unreachable("the kubelet gives no answer")
        return self.the_logs.get((pod, previous), [])[-lines:]

    def _answer(self) -> None:
        if self.away:
            raise Unreachable("the cluster at https://10.0.0.1:6443 gives no answer: timed out")
