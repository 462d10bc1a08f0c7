"""Two runs that meet at one Lease, in time that passes only when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from checks.waiting import Clock
from cluster.api import Cluster
from cluster.lease.held import HeldLease
from cluster.lease.lease import Lease, LeaseState
from cluster.lease.taking import LeaseTaking
from tests.cluster.api_server import ApiServer
from tests.fake_time import FakeTime, Told
from tests.recorded import NAME, Json

START = datetime(2026, 11, 23, 7, 1, 12, tzinfo=UTC)
OTHER = "ann@build-7 pid 4711 (pulumi up of prod, started 06:40:00Z)"
OURS = "bob@laptop pid 12 (pulumi up of prod, started 07:01:12Z)"
SINCE = "2026-11-23 06:40:01 UTC"


@dataclass
class World:
    """A cluster with one Lease, and what happens in it at which second."""

    server: ApiServer = field(default_factory=ApiServer)
    time: FakeTime = field(default_factory=FakeTime)
    told: Told = field(default_factory=Told)
    engine: bool = True
    silent: bool = False
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.fails = lambda _request: httpx.ConnectError("refused") if self.silent else None

    @property
    def cluster(self) -> Cluster:
        return self.server.cluster()

    @property
    def lease(self) -> Lease:
        return Lease(self.cluster, NAME)

    @property
    def spec(self) -> Json:
        found: Json = self.server.leases[NAME]["spec"]
        return found

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time.seconds, sleep=self.sleep)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time.passed)

    def sleep(self, seconds: float) -> None:
        """Let time pass, and happen what is due."""
        self.time.clock.sleep(seconds)
        for event in [each for each in self.events if each[0] <= self.time.passed]:
            self.events.remove(event)
            event[1]()

    def at(self, second: float, what: Callable[[], None]) -> None:
        self.events.append((second, what))

    def holds(self, holder: str = OTHER, *, token: int = 7, **spec: Any) -> None:
        """Let `holder` have taken the Lease, by a clock that is not ours."""
        stamp = "2026-11-23T06:40:01.000000Z"
        before = self.server.leases.get(NAME, {"metadata": {"resourceVersion": "40"}})
        self.server.leases[NAME] = {
            "metadata": {"name": NAME, "resourceVersion": str(int(before["metadata"]["resourceVersion"]) + 1)},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": 15,
                "leaseTransitions": token,
                "acquireTime": stamp,
                "renewTime": stamp,
            }
            | spec,
        }

    def renews(self) -> None:
        """Let whoever has the Lease give a sign of life."""
        found = self.server.leases[NAME]
        metadata = found["metadata"] | {"resourceVersion": str(int(found["metadata"]["resourceVersion"]) + 1)}
        spec = found["spec"] | {"renewTime": f"2026-11-23T06:41:{self.time.passed:09.6f}Z"}
        self.server.leases[NAME] = {"metadata": metadata, "spec": spec}

    def speaks(self) -> None:
        self.silent = False

    def falls_silent(self) -> None:
        self.silent = True

    def take(self, holder: str = OURS, **fields: Any) -> tuple[LeaseState, float]:
        taking = LeaseTaking(
            lease=fields.get("lease", self.lease),
            holder=holder,
            duration_seconds=15,
            alive=lambda: self.engine,
            reporter=self.told.reporter,
            clock=self.clock,
            wall_clock=self.now,
        )
        return taking.run()

    def held(self) -> HeldLease:
        """Return the Lease as taken by us."""
        state, taken_at = self.take()
        return HeldLease(self.lease, state, taken_at, alive=lambda: self.engine, clock=self.clock, wall_clock=self.now)

    def loses_the_answer_of(self, method: str, *, times: int = 1) -> None:
        """Let the next writes be made, but their answers be lost."""
        left = times

        def fails(request: httpx.Request) -> Exception | None:
            nonlocal left
            if request.method != method or not left:
                return None
            left -= 1
            kept = self.server.leases
            assert self.server._kept(request, NAME, kept).is_success
            return httpx.ReadTimeout("")

        self.server.fails = fails
