"""What a stack asks of its cluster: pods, and the CPU and memory that they request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from concerns.quantity import amount

_CANARY_PODS = re.compile(r"^step \d+ %: (\d+) canary pods beside (a total of )?(\d+)")


@dataclass(frozen=True)
class Workload:
    """One Deployment: how many pods at rest, what each requests (CPUs and bytes), and how many may be added at once."""

    name: str
    pods: int
    cpu: Decimal
    memory: Decimal
    surge: int = 0


@dataclass(frozen=True)
class Demand:
    """Pods, and what they request together: whole CPUs, and bytes."""

    pods: int = 0
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)

    @classmethod
    def of(cls, workloads: Iterable[Workload]) -> Demand:
        """Return what the workloads request at rest."""
        demand = cls()
        for each in workloads:
            demand = demand.plus(each, each.pods)
        return demand

    def plus(self, workload: Workload, pods: int) -> Demand:
        """Return the demand with so many pods of the workload more."""
        return Demand(self.pods + pods, self.cpu + pods * workload.cpu, self.memory + pods * workload.memory)

    @property
    def text(self) -> str:
        """As a person says it."""
        mebibytes = self.memory / 2**20
        return f"{self.pods} pods, {_number(self.cpu)} CPU, {_number(mebibytes)} MiB"


@dataclass(frozen=True)
class Capacity:
    """At rest before and after the release, and at the most while it runs; None where no Deployment is known."""

    before: Demand | None = None
    after: Demand | None = None
    during: Demand | None = None

    @classmethod
    def of(cls, before: Sequence[Workload], after: Sequence[Workload], steps: Iterable[str]) -> Capacity:
        """Return the capacity of Deployments before and after; `steps` are the plan lines of the canary's steps."""
        if not before and not after:
            return cls()
        rest = Demand.of(after)
        largest = max(after, key=lambda each: each.pods, default=None)
        during = rest
        if largest is not None:
            # The canary keeps its pods while stable is replaced, one by one, beside it.
            beside = [int(found[1]) for line in steps if (found := _CANARY_PODS.match(line)) and not found[2]]
            during = rest.plus(largest, max(beside, default=0) + largest.surge)
        return cls(Demand.of(before) if before else None, rest, during)


NO_CAPACITY = Capacity()


def workload(urn: str, inputs: Mapping[str, Any]) -> Workload | None:
    """Return the Deployment that these inputs describe, or None where they describe none."""
    spec = inputs.get("spec")
    if not isinstance(spec, Mapping):
        return None
    containers = _at(spec, "template", "spec", "containers")
    requests = [_at(each, "resources", "requests") for each in containers] if isinstance(containers, list) else []
    wanted = [each for each in requests if isinstance(each, Mapping)]
    rolling = _at(spec, "strategy", "rollingUpdate", "maxSurge")
    replicas = spec.get("replicas", 1)
    return Workload(
        name=urn.rpartition("::")[2],
        pods=int(replicas) if isinstance(replicas, int | float) else 0,
        cpu=sum((_amount(each.get("cpu")) for each in wanted), Decimal(0)),
        memory=sum((_amount(each.get("memory")) for each in wanted), Decimal(0)),
        surge=int(rolling) if isinstance(rolling, int | float) else 0,
    )


def _at(value: object, *path: str) -> Any:  # noqa: ANN401
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _amount(value: object) -> Decimal:
    try:
        return amount(str(value)) if value is not None else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


def _number(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01')).normalize():f}"
