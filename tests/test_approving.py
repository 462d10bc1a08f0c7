"""The gate before an update asks what item 10 of the checklist asks, of the release that its record names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import gates
from checklisting import Checklisting
from checks.waiting import Reporter
from cluster.api import Cluster
from cluster.approval.approvals import Approvals
from cluster.approval.built import BuiltImages
from cluster.approval.gate import Look
from cluster.errors import GateFailed
from cluster.lease.holding import Holding
from concerns.window import WindowSettings
from gates import Gates
from settings import Settings
from tests.cluster.api_server import ApiServer
from tests.evidence.checkouts import commit, git
from tests.fake_time import Told
from tests.recorded import NAME
from tests.stack_values import settings_of

NOW = datetime(2031, 5, 14, 9, 30, tzinfo=UTC)
VERSION = "v2031.05.14"
DIGEST, OTHER = f"sha256:{'d' * 64}", f"sha256:{'e' * 64}"
WINDOW = {"start": "22:00", "minutes": 30, "timezone": "UTC"}
GLASS = {"release": VERSION, "by": "Ana", "reason": "logins fail", "until": "2099-05-14", "items": "all"}


class Unheld(Holding):
    def take(self, cluster: Cluster, deployment: str, reporter: Reporter) -> Cluster:  # noqa: ARG002
        return cluster


class World:
    def __init__(self, place: Path) -> None:
        self.server, self.place = ApiServer(), place
        (place / "app").mkdir()
        (place / "app" / "Dockerfile").touch()
        git(place, "init", "-q", "-b", "main")
        commit(place)
        self.sha = git(place, "rev-parse", "HEAD")

    def settings(self, **changes: Any) -> Settings:
        approval = {"required": True, "approvers": ["ann"], **changes.pop("approval", {})}
        return settings_of(
            image__context=str(self.place / "app"),
            image__reuse=True,
            application__deployment=NAME,
            approval=approval,
            **changes,
        )

    def checklisting(self, **changes: Any) -> Checklisting:
        def nobody(_address: str) -> httpx.Client:
            raise AssertionError("nobody is asked")

        return Checklisting(self.settings(**changes), self.server.cluster(), nobody, wall_clock=lambda: NOW)

    def look(self, image: str = "", **changes: Any) -> Look:
        record = {"version": VERSION, "revision": self.sha, **({"image": f"r@{image}"} if image else {})}
        return self.checklisting(**changes).approval_gate(record, Told().reporter).look()

    def approve(self, *, commit_: str = "", digest: str = "") -> None:
        approvals = Approvals(self.server.cluster(), NAME, ("ann",))
        approvals.approve("release", VERSION, "ann", NOW, commit=commit_ or self.sha, digest=digest)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    return World(tmp_path)


def test_an_approval_of_the_commit_lets_the_release_build_its_image(world: World) -> None:
    assert not world.look().approved
    world.approve()
    found = world.look()
    assert found.approved
    assert found.text.startswith(f"{VERSION} was approved by ann")


def test_the_next_update_goes_on_with_what_this_one_built_and_with_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.approve()
    assert not world.look(DIGEST).approved, "nobody knows where it is from"
    monkeypatch.setattr(gates, "connect", lambda *_: world.server.cluster())
    built = {"version": VERSION, "revision": world.sha, "image": f"r@{DIGEST}"}
    Gates(world.settings(), Unheld("a test")).built(built, Told().reporter)
    assert world.look(DIGEST).approved
    assert not world.look(OTHER).approved
    assert BuiltImages(world.server.cluster(), NAME).digest(VERSION, world.sha) == DIGEST


def test_an_approval_of_an_image_is_of_that_one(world: World) -> None:
    world.approve(digest=DIGEST)
    assert world.look(DIGEST).approved
    assert "and this is" in world.look(OTHER).text


def test_a_tag_that_was_moved_is_not_approved(world: World) -> None:
    world.approve(commit_="1" * 40)
    assert "of commit 1111111, and this is" in world.look().text


def test_the_gate_says_who_approves_and_how(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "connect", lambda *_: world.server.cluster())
    record = {"version": VERSION, "revision": world.sha}
    with pytest.raises(GateFailed) as caught:
        Gates(world.settings(), Unheld("a test")).approved(record, Told().reporter)
    assert f"release {VERSION} is not approved; nothing was changed in staging" in str(caught.value)
    assert f"make approve STACK=staging RELEASE={VERSION} BY=<name>" in str(caught.value)


def test_what_cannot_be_judged_stops_the_gate_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "connect", lambda *_: world.server.cluster())
    world.approve()
    settings = world.settings()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GateFailed, match=f"whether release {VERSION} is approved is not known: git is not on PATH"):
        Gates(settings, Unheld("a test")).approved({"version": VERSION, "revision": world.sha}, Told().reporter)


def test_breaking_the_glass_lets_the_release_pass_the_gate_too_and_says_so(world: World) -> None:
    found = world.look(checklist={"break_glass": GLASS})
    assert found.approved
    assert found.text == f"{VERSION} goes on without an approval: break-glass waiver by Ana: logins fail"
    other = {**GLASS, "release": "v2031.05.15"}
    assert not world.look(checklist={"break_glass": other}).approved
    assert not world.look(checklist={"break_glass": {**GLASS, "until": date(2031, 5, 13)}}).approved


def test_a_window_that_is_waived_for_the_release_does_not_hold_it(world: World) -> None:
    wanted = {"approval": {"window": WINDOW}}
    glass = {"checklist": {"break_glass": GLASS}}

    def window(version: str, **changes: Any) -> WindowSettings | None:
        record = {"version": version, "revision": world.sha}
        return world.checklisting(**changes).approval_gate(record, Told().reporter).window

    assert window(VERSION, **wanted) is not None
    assert window(VERSION, **wanted, **glass) is None
    assert window("v2031.05.15", **wanted, **glass) is not None
