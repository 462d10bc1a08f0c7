"""`make rollback` goes back to what a person means, says so first, and means the same when it is run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

import gates
from checks.health import HealthCheck
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import History, ReleaseRecord
from cluster.names import STABLE
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.rollback.pod_template import as_canary
from cluster.rollback.rollback import Rollback
from commands import __main__ as command_line
from commands.rollback import rollback
from settings import OVERLAY
from tests.cluster.api_server import config_map
from tests.cluster.two_tracks import NAMES, TwoTracks, serving_template
from tests.fake_time import Told
from tests.recorded import NAME

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
OKS = {"database": "ok", "cache": "ok", "message_queue": "ok"}
STEP = NAMES.step_record(10)
INTENTION = NAMES.record("going-back")


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


@dataclass
class World:
    """v0, v1 and v2 were verified one after the other; v2 serves."""

    server: TwoTracks = field(default_factory=TwoTracks)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        for minute, version in enumerate(("v0", "v1", "v2")):
            self.releases.add(
                VerifiedRelease(
                    release=release(version),
                    verified_at=NOW + timedelta(minutes=minute),
                    template=serving_template(version),
                    records={STEP: {"version": version}},
                )
            )
        self.runs("v2")
        self.server.config_maps[STEP] = config_map(STEP, {"version": "v2"})

    def runs(self, version: str) -> None:
        self.server.stable.template = serving_template(version)
        self.server.canary.template = as_canary(serving_template(version))
        self.server.pass_time(60)

    @property
    def releases(self) -> VerifiedReleases:
        return VerifiedReleases(self.server.cluster(), NAME)

    @property
    def serving(self) -> set[str]:
        self.server.pass_time(10)
        return set(self.server.serving())

    def run(self, to: str | None = None) -> list[str]:
        health = HealthCheck(
            "http://dev-api.internal/health",
            attempts=1,
            interval_seconds=0.5,
            timeout_seconds=2,
            client=httpx.Client(transport=httpx.MockTransport(self._health)),
            clock=self.server.time.clock,
            wall_clock=lambda: NOW,
        )
        back = Rollback(
            cluster=self.server.cluster(),
            names=NAMES,
            records=(STEP,),
            health=health,
            timeout_seconds=120,
            reporter=self.told.reporter,
            clock=self.server.time.clock,
        )
        return rollback(back, stack="dev", to=to, by="ana", wall_clock=lambda: NOW + timedelta(hours=1))

    def _health(self, _request: httpx.Request) -> httpx.Response:
        body = {"status": "healthy", "version": self.server.serving()[-1], "timestamp": NOW.isoformat(), "checks": OKS}
        return httpx.Response(200, json=body)


@pytest.fixture
def world() -> World:
    return World()


def test_it_goes_back_to_the_release_verified_before_the_one_that_serves(world: World) -> None:
    lines = world.run()
    assert world.serving == {"v1"}
    assert world.server.config_maps[STEP]["data"] == {"version": "v1"}
    assert lines[0].startswith("v1 serves again after ")
    assert lines[1].startswith("next: `pulumi preview` of v1 shows no change; of any other version")


def test_the_plan_is_shown_before_anything_is_changed(world: World) -> None:
    shown: list[str] = []

    def at_the_first_change(request: httpx.Request) -> None:
        if request.method != "GET" and not shown:
            shown.extend(world.told.lines)

    world.server.fails = at_the_first_change
    world.run()
    assert shown[0] == "rollback of dev by ana"
    assert "serves now     v2 (verified 2024-05-14 09:32:00 UTC)" in shown[1]
    assert "goes back to   v1 (verified 2024-05-14 09:31:00 UTC): the last verified release before" in shown[2]


def test_a_second_rollback_goes_one_further_and_not_forward_to_what_was_left(world: World) -> None:
    world.run()
    world.run()
    assert world.serving == {"v0"}
    with pytest.raises(ClusterError, match="v0 serves, and no verified release before it is on record"):
        world.run()


def test_a_named_release_is_gone_back_to_even_one_that_was_left(world: World) -> None:
    world.run("v0")
    assert world.serving == {"v0"}
    world.run("v2")
    assert world.serving == {"v2"}
    world.run(release("v1").identity)
    assert world.serving == {"v1"}


def test_a_release_that_was_never_verified_is_refused_with_the_list(world: World) -> None:
    world.server.requests.clear()
    with pytest.raises(ClusterError) as caught:
        world.run("v7")
    text = str(caught.value)
    assert text.startswith("'v7' is none of the verified releases, which are:\n")
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["v2", "v1", "v0"]
    assert world.server.written() == []


def test_a_canary_that_was_left_half_way_is_taken_away_and_what_serves_stays(world: World) -> None:
    world.server.release("v3", 3)
    world.run()
    assert world.serving == {"v2"}
    assert world.server.canary.replicas == 0
    assert world.server.canary.template == as_canary(serving_template("v2"))


def test_a_canary_that_was_only_told_its_template_is_half_way_too(world: World) -> None:
    world.server.canary.template = as_canary(serving_template("v3"))
    world.run()
    assert world.serving == {"v2"}
    assert world.server.canary.template == as_canary(serving_template("v2"))


def test_stable_that_was_left_half_way_goes_back_to_the_last_verified_release(world: World) -> None:
    world.server.release("v3", 3)
    world.server.move_stable("v3", 9)
    world.run()
    assert world.serving == {"v2"}


def test_after_an_undo_by_hand_the_rest_follows_and_nothing_goes_further_back(world: World) -> None:
    world.server.stable.template = serving_template("v1")
    world.server.pass_time(60)
    world.run()
    assert world.serving == {"v1"}
    assert world.server.config_maps[STEP]["data"] == {"version": "v1"}
    assert world.server.canary.template == as_canary(serving_template("v1"))


class Killed(BaseException):
    """The process ends here."""


def of_method(method: str, part: str) -> Callable[[httpx.Request], bool]:
    return lambda request: request.method == method and part in request.url.path


PHASES = {
    "before anything": of_method("PUT", STEP),
    "at the pods": of_method("PATCH", "/deployments/"),
    "while stable moves": of_method("PATCH", "/pods/"),
    "before the end": of_method("GET", "/endpointslices"),
    "at the list": of_method("PUT", f"{NAME}-releases"),
    "at the very end": of_method("DELETE", INTENTION),
}


@pytest.mark.parametrize("phase", PHASES)
def test_killed_and_run_again_it_means_the_same_release(world: World, phase: str) -> None:
    def kill(request: httpx.Request) -> None:
        if PHASES[phase](request):
            raise Killed

    world.server.fails = kill
    with pytest.raises(Killed):
        world.run()
    world.server.fails = lambda _request: None
    world.server.pass_time(60)
    world.run()
    assert world.serving == {"v1"}
    assert world.server.versions(STABLE) == ["v1"] * 10
    assert INTENTION not in world.server.config_maps
    last = world.releases.last()
    assert last is not None
    assert last.release.version == "v1"


def test_a_rollback_that_did_not_end_is_forgotten_once_another_release_is_verified(world: World) -> None:
    world.server.fails = lambda request: httpx.Response(403, json={}) if request.method == "PATCH" else None
    with pytest.raises(GateFailed, match="THE ROLLBACK FAILED TOO"):
        world.run()
    world.server.fails = lambda _request: None
    assert INTENTION in world.server.config_maps
    newer = VerifiedRelease(
        release=release("v3"), verified_at=NOW + timedelta(days=1), template=serving_template("v3"), records={}
    )
    world.releases.add(newer)
    world.runs("v3")
    world.run()
    assert world.serving == {"v2"}


def test_it_is_added_to_the_record_of_the_release_and_closes_one_that_is_open(world: World) -> None:
    record = ReleaseRecord(world.server.cluster(), NAME, release("v3"), world.told.reporter, "ben")
    record.begin()
    world.server.release("v3", 3)
    world.run()
    [attempt] = History(world.server.cluster(), NAME).read()
    assert [each.kind for each in attempt.entries] == ["started", "rollback", "finished"]
    assert (attempt.outcome, attempt.cause) == ("failed", "taken back by hand, by ana, to v2")
    assert attempt.entries[1].facts["by"] == "ana"


def test_a_record_that_cannot_be_written_does_not_fail_the_rollback(world: World) -> None:
    ReleaseRecord(world.server.cluster(), NAME, release("v2"), world.told.reporter, "ben").begin()
    refused = httpx.Response(403, json={"message": "no"})
    world.server.fails = lambda request: refused if f"{NAME}-release-1" in request.url.path else None
    assert world.run()[0].startswith("v1 serves again")
    assert any(line.startswith("history: the rollback is not recorded") for line in world.told.lines)


def test_nothing_that_was_verified_is_nothing_to_go_back_to() -> None:
    empty = World()
    del empty.server.config_maps[f"{NAME}-releases"]
    with pytest.raises(ClusterError, match="no release was ever verified here"):
        empty.run()


def test_a_cluster_that_cannot_be_reached_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)

    def unreachable(*_: object) -> object:
        raise ClusterError("the kubeconfig cannot be read", mend="set cluster.kubeconfig")

    monkeypatch.setattr(command_line, "connect", unreachable)
    assert command_line.main(["rollback", "--stack", "staging"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the kubeconfig cannot be read",
        "to mend it: set cluster.kubeconfig",
    ]


def test_the_release_is_held_while_it_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)
    made = World()
    held: list[bool] = []

    def note(back: Rollback, **_: object) -> list[str]:
        lease = made.server.leases["release-manager-staging"]["spec"]
        held.append("make rollback of staging" in lease["holderIdentity"])
        assert back.names.deployment == "release-manager-staging"
        return ["done"]

    monkeypatch.setattr(command_line, "connect", lambda *_: made.server.cluster())
    monkeypatch.setattr(command_line, "rollback", note)
    monkeypatch.setattr(gates, "trust", lambda _file: True)
    assert command_line.main(["rollback", "--stack", "staging", "--by", "ana"]) == 0
    assert held == [True]
    assert made.server.leases["release-manager-staging"]["spec"]["holderIdentity"] == ""
