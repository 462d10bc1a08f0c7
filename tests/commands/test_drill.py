"""`make drill`: only a release that was really taken back is a proof, and whatever else happens is none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.health import HealthCheck
from checks.script import Script
from checks.verdict import Kind, Verdict
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import ReleaseRecord
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from commands.drill import Drill
from evidence.checklist.drill_item import DrillProof, drill_record
from settings import OVERLAY
from tests.cluster.two_tracks import NAMES, TwoTracks, serving_template
from tests.fake_time import Told
from tests.stack_values import settings_of

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
FAULT = {"environment": {"FAULT_ERROR_RATE": "1"}}
FAILED = Verdict(Kind.FAIL, "'pulumi up' ended with status 255")


def release(version: str, configuration: str = "c0ffee") -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration=configuration, revision="abc")


@dataclass
class World:
    """Staging, where v1 serves and is verified. `update` is what the engine does to it."""

    server: TwoTracks = field(default_factory=TwoTracks)
    told: Told = field(default_factory=Told)
    settings: dict[str, Any] = field(default_factory=lambda: {"environment": "staging", "drill": FAULT})
    overlays: list[dict[str, Any]] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)
    now: datetime = NOW
    status: int = 200

    def __post_init__(self) -> None:
        VerifiedReleases(self.server.cluster(), NAMES.deployment).add(
            VerifiedRelease(release=release("v1"), verified_at=NOW, template=serving_template("v1"), records={})
        )

    def record(self) -> ReleaseRecord:
        made = ReleaseRecord(
            self.server.cluster(),
            NAMES.deployment,
            release("v1", "bad"),
            self.told.reporter,
            by="ann",
            run="one",
            wall_clock=lambda: self.now,
        )
        made.begin()
        return made

    def taken_back(self) -> Verdict:
        record = self.record()
        self.now += timedelta(seconds=40)
        record.append("rollback", cause="smoke tests: FAIL", outcome="PASS: v1 serves everything again", seconds=8.0)
        record.finish("failed", "smoke tests: FAIL")
        return FAILED

    def drill(self, ends: Callable[[], Verdict], version: str = "v1") -> list[str]:
        def update(script: Script, variables: Mapping[str, str]) -> Verdict:
            self.scripts.append(script)
            self.overlays.append(json.loads(Path(variables[OVERLAY]).read_text()))
            return ends()

        health = HealthCheck(
            "http://staging-api.internal/health",
            attempts=2,
            interval_seconds=1,
            timeout_seconds=1,
            client=httpx.Client(transport=httpx.MockTransport(self.health)),
            clock=self.server.time.clock,
            wall_clock=lambda: NOW,
        )
        return Drill(
            stack="staging",
            by="ann",
            settings=settings_of(**self.settings),
            cluster=self.server.cluster(),
            names=NAMES,
            update=update,
            health=health,
            reporter=self.told.reporter,
            wall_clock=lambda: self.now,
        ).run(version)

    def health(self, _request: httpx.Request) -> httpx.Response:
        oks = {"database": "ok", "cache": "ok", "message_queue": "ok"}
        body = {"status": "healthy", "version": "v1", "timestamp": NOW.isoformat(), "checks": oks}
        return httpx.Response(self.status, json=body)

    @property
    def proof(self) -> DrillProof | None:
        found = self.server.config_maps.get(drill_record(NAMES.deployment))
        return None if found is None else DrillProof.from_data(found["data"])


def test_a_bad_release_that_is_taken_back_is_the_proof_that_the_checklist_asks_for() -> None:
    world = World()
    lines = world.drill(world.taken_back)
    assert lines[0] == "the drill on staging passed: smoke tests: FAIL"
    proof = world.proof
    assert proof is not None
    assert (proof.passed, proof.stack, proof.version_good, proof.by) == (True, "staging", "v1", "ann")
    assert (proof.at, proof.seconds_to_safe) == (NOW + timedelta(seconds=40), 40.0)
    assert proof.version_bad == "v1 with FAULT_ERROR_RATE"


def test_the_fault_is_laid_over_what_this_machine_lays_over_the_stack_and_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "overlay.yaml"
    mine.write_text("application:\n  environment:\n    MOTTO: mine\ncluster:\n  context: sandbox\n")
    monkeypatch.setenv(OVERLAY, str(mine))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    world = World()
    world.drill(world.taken_back)
    assert world.overlays == [
        {
            "application": {"environment": {"MOTTO": "mine", "FAULT_ERROR_RATE": "1"}},
            "cluster": {"context": "sandbox"},
        }
    ]
    assert world.scripts[0].command[-2:] == ("--stack", "staging")
    assert "--policy-pack" in world.scripts[0].command
    assert [each.name for each in Path(tmp_path).iterdir() if "drill" in each.name] == []


def test_a_bad_release_that_is_verified_is_a_drill_that_failed() -> None:
    world = World()
    with pytest.raises(GateFailed, match="the bad release was verified"):
        world.drill(lambda: Verdict(Kind.PASS, "ended well"))
    assert world.proof is not None
    assert not world.proof.passed


def held(world: World) -> Verdict:
    world.record().finish("held", "errors")
    return FAILED


def other_serves(world: World) -> Verdict:
    world.taken_back()
    world.server.stable.template = serving_template("v2")
    return FAILED


def sick(world: World) -> Verdict:
    world.taken_back()
    world.status = 503
    return FAILED


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (lambda _world: FAILED, "before a gate could judge it"),
        (held, "was not taken back"),
        (other_serves, "serves afterwards"),
        (sick, "/health is not good"),
        (lambda _world: Verdict(Kind.NO_DATA, "gave no result within 60 s"), "gave no result within 60 s"),
    ],
)
def test_whatever_else_happens_is_no_proof(ends: Callable[[World], Verdict], why: str) -> None:
    world = World()
    with pytest.raises(GateFailed, match=why):
        world.drill(lambda: ends(world))
    assert world.proof is not None
    assert not world.proof.passed


@pytest.mark.parametrize(
    ("changes", "version", "why"),
    [
        ({"drill": None}, "v1", "does not say how its application is broken"),
        ({}, "v2", "staging runs v1, and a drill goes back to v2"),
    ],
)
def test_nothing_is_released_where_a_drill_makes_no_sense(changes: dict[str, Any], version: str, why: str) -> None:
    world = World()
    world.settings |= changes
    with pytest.raises(ClusterError, match=why):
        world.drill(world.taken_back, version)
    assert world.scripts == []
    assert world.proof is None
