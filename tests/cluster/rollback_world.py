"""Stable with v1, a canary of v2, and the rollback from the one to the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from checks.health import HealthCheck
from cluster.names import Names
from cluster.release import Release
from cluster.releases import VerifiedRelease
from cluster.rollback.outcome import Outcome
from cluster.rollback.pod_template import as_canary
from cluster.rollback.rollback import Rollback
from tests.cluster.api_server import config_map
from tests.cluster.two_tracks import NAMES, TwoTracks, serving_template
from tests.fake_time import Told
from tests.recorded import Json, job

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
OKS = {"database": "ok", "cache": "ok", "message_queue": "ok"}
STEPS = tuple(NAMES.step_record(step) for step in (10, 50, 100))
RECORDS = (NAMES.record("migration"), *STEPS)
VERIFIED = NAMES.record("verified")


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


def verified(version: str, template: Json | None = None) -> VerifiedRelease:
    records = {name: {"version": version} for name in STEPS}
    records[NAMES.record("migration")] = {"version": version, "job": f"job-of-{version}"}
    return VerifiedRelease(
        release=release(version),
        verified_at=NOW,
        template=template or serving_template(version),
        records=records,
    )


@dataclass
class World:
    """Stable with v1, a canary of v2, and the rollback from the one to the other."""

    server: TwoTracks = field(default_factory=TwoTracks)
    told: Told = field(default_factory=Told)
    least_share: float = 0.5
    replicas: int | None = None
    names: Names = NAMES
    silent: bool = False

    def __post_init__(self) -> None:
        self.server.config_maps[VERIFIED] = config_map(VERIFIED, release("v1").model_dump())
        self.server.jobs["job-of-v1"] = job()

    def passed(self, version: str, *steps: int) -> None:
        """Let the records say that these steps, and the migration, of a version are done."""
        for name in (NAMES.record("migration"), *(NAMES.step_record(step) for step in steps)):
            data = {"version": version, "job": f"job-of-{version}"} if name.endswith("migration") else {}
            self.server.config_maps[name] = config_map(name, {"version": version, **data})

    def back(self, to: VerifiedRelease | None) -> Outcome:
        return self.rollback().run(release("v2"), to)

    def rollback(self) -> Rollback:
        health = HealthCheck(
            "http://dev-api.internal/health",
            attempts=2,
            interval_seconds=0.5,
            timeout_seconds=2,
            client=httpx.Client(transport=httpx.MockTransport(self._health)),
            clock=self.server.time.clock,
            wall_clock=lambda: NOW,
        )
        return Rollback(
            cluster=self.server.cluster(),
            names=self.names,
            records=RECORDS,
            health=health,
            timeout_seconds=120,
            reporter=self.told.reporter,
            clock=self.server.time.clock,
            least_serving_share=self.least_share,
            replicas=self.replicas,
        )

    def _health(self, _request: httpx.Request) -> httpx.Response:
        serving = self.server.serving()
        if self.silent or not serving:
            return httpx.Response(502)
        body = {"status": "healthy", "version": serving[-1], "timestamp": NOW.isoformat(), "checks": OKS}
        return httpx.Response(200, json=body)

    def data(self, name: str) -> dict[str, str] | None:
        found = self.server.config_maps.get(name)
        return None if found is None else dict(found["data"])

    def is_as_before(self) -> None:
        assert self.server.stable.template == serving_template("v1")
        assert self.server.canary.template == as_canary(serving_template("v1"))
        assert self.server.canary.replicas == 0
        assert set(self.server.serving()) == {"v1"}
        assert len(self.server.serving()) == 10
        assert {name: self.data(name) for name in RECORDS} == verified("v1").records


def canary_of_v2() -> World:
    """Return a world in which a canary of v2 has the tenth part of the pods."""
    made = World()
    made.server.release("v2", 1)
    made.passed("v2", 10)
    made.server.requests.clear()
    return made
