"""A cluster, the address of its pods, and the gate of one release after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from checks.health import HealthCheck
from checks.verdict import Verdict
from cluster.errors import GateFailed
from cluster.history.history import ReleaseRecord
from cluster.names import Names
from cluster.release import Release
from cluster.releases import VerifiedReleases
from cluster.rollback.rollback import Rollback
from cluster.verification.gate import VerificationGate
from cluster.verification.steps import Nobody, Onlooker
from tests.cluster.api_server import ApiServer, config_map, template
from tests.fake_time import FakeTime, Told
from tests.recorded import NAME, job

RECORD = f"{NAME}-migration"
NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
OKS = {"database": "ok", "cache": "ok", "message_queue": "ok"}


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


@dataclass
class World:
    """A cluster, the address of its pods, and the gate of one release after the other."""

    server: ApiServer = field(default_factory=ApiServer)
    time: FakeTime = field(default_factory=FakeTime)
    told: Told = field(default_factory=Told)
    sick: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    when_unknown: str = "rollback"
    automatic: bool = True
    recorded: bool = False
    further: dict[str, Verdict | Callable[[Release], Verdict]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    onlooker: Onlooker = field(default_factory=Nobody)
    lies: dict[str, Any] = field(default_factory=dict)
    pods_timeout_seconds: float | None = None

    def up(self, version: str, *, crash: bool = False, stuck: bool = False) -> None:
        """Do what an update does up to the gate, then run the gate."""
        wanted = template(version, crash=crash, stuck=stuck)
        self.server.config_maps[RECORD] = config_map(RECORD, {"version": version, "job": f"job-of-{version}"})
        self.server.jobs[f"job-of-{version}"] = job()
        self.server.deploy(wanted)
        self.again(version)

    def again(self, version: str) -> None:
        health = HealthCheck(
            "http://dev-api.internal/health",
            attempts=3,
            interval_seconds=2,
            timeout_seconds=2,
            client=httpx.Client(transport=httpx.MockTransport(self._health)),
            clock=self.time.clock,
            wall_clock=lambda: NOW,
        )
        rollback = Rollback(
            cluster=self.server.cluster(),
            names=Names(NAME, "release-manager"),
            records=(RECORD,),
            health=health,
            timeout_seconds=60,
            reporter=self.told.reporter,
            clock=self.time.clock,
        )
        record = ReleaseRecord(self.server.cluster(), NAME, release(version), self.told.reporter, "ana")
        VerificationGate(
            rollback=rollback,
            history=record if self.recorded else None,
            log_lines=100,
            rollback_when_unknown=self.when_unknown == "rollback",
            automatic=self.automatic,
            wall_clock=lambda: NOW,
            further=tuple((name, self._further(name)) for name in self.further),
            pods_timeout_seconds=self.pods_timeout_seconds,
            onlooker=self.onlooker,
        ).run(release(version), {**release(version).model_dump(), "from": "1"})

    def _further(self, name: str) -> Callable[[Release], Verdict]:
        def step(wanted: Release) -> Verdict:
            self.asked.append((name, wanted.version))
            found = self.further[name]
            return found if isinstance(found, Verdict) else found(wanted)

        return step

    def _health(self, _request: httpx.Request) -> httpx.Response:
        version = self.server.version
        if version in self.silent:
            return httpx.Response(502)
        status = "unhealthy" if version in self.sick else "healthy"
        body: dict[str, Any] = {"status": status, "version": version, "timestamp": NOW.isoformat(), "checks": OKS}
        if version != "v1":
            body |= self.lies
        return httpx.Response(200 if status == "healthy" else 503, json=body)

    def verified(self) -> list[str]:
        return [each.release.version for each in VerifiedReleases(self.server.cluster(), NAME).read()]

    def record(self) -> dict[str, str]:
        found: dict[str, str] = self.server.config_maps[RECORD]["data"]
        return found

    def fails(self, run: Callable[[], None]) -> str:
        with pytest.raises(GateFailed) as caught:
            run()
        return str(caught.value)
