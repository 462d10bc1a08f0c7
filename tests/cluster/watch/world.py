"""Stable with v2, verified after v1, and the watch of v2 in time that passes only when somebody sleeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from checks.verdict import Kind, Verdict
from checks.waiting import Clock
from cluster.history.history import Attempt, Heard, History, ReleaseRecord
from cluster.lease.taking import ReleaseHeld
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.rollback.pod_template import as_canary
from cluster.rollback.rollback import Rollback
from cluster.watch.attempt import WatchedAttempt
from cluster.watch.ending import Ending
from cluster.watch.record import WatchRecord
from cluster.watch.serving import Serving
from cluster.watch.state import WatchState
from cluster.watch.taking_back import BY, TakingBack
from cluster.watch.watch import Watch, WatchTimes
from notify.message import Place
from notify.story import Notice, Story
from tests.cluster import rollback_world
from tests.cluster.rollback_world import release, verified
from tests.cluster.two_tracks import NAMES, TwoTracks, serving_template
from tests.fake_time import FakeTime, Told
from tests.recorded import NAME, NAMESPACE

START = datetime(2024, 5, 14, 9, 0, tzinfo=UTC)
GOOD = Verdict(Kind.PASS, "good")
BAD = Verdict(Kind.FAIL, "60 of 600 requests ended with an error", {"requests": 600, "bad": 60})
DOWN = Verdict(Kind.UNREACHABLE, "Prometheus gives no answer: refused")
KEY = "0123456789"
OTHER = "ann@build-7 pid 4711 (pulumi up of prod, started 09:20:00Z)"
Looks = Callable[[float], Mapping[str, Verdict]]


class Killed(BaseException):
    """The process is gone: nothing in it can answer to that."""


def good(_minute: float) -> Mapping[str, Verdict]:
    return {"errors": GOOD, "cache hit rate": GOOD, "logs": GOOD}


def bad_from(minute: float) -> Looks:
    return lambda now: {**good(now), "errors": BAD} if now >= minute else good(now)


@dataclass
class World:
    looks: Looks = good
    minutes: float = 60
    look_seconds: float = 30
    automatic: bool = True
    killed_at: float = float("inf")
    unwanted_from: float = float("inf")
    held_by: str = ""
    before: tuple[str, ...] = ("v1",)
    time: FakeTime = field(default_factory=FakeTime)
    told: Told = field(default_factory=Told)
    notices: list[Notice] = field(default_factory=list)
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    kind: Callable[..., TwoTracks] = TwoTracks
    openings: int = 0
    rollbacks: int = 0

    def __post_init__(self) -> None:
        self.server = self.kind(time=self.time, replicas=4)
        for number, version in enumerate(self.before):
            self.verify(version, START - timedelta(days=2 - number))
        self.serve("v2")
        ReleaseRecord(self.cluster, NAME, release("v2"), self.told.reporter, "ana", wall_clock=self.now).begin()
        History(self.cluster, NAME).add(1, "finished", self.now(), {"outcome": "verified"})
        self.verify("v2", self.now())
        self.base = self.time.seconds
        self.server.requests.clear()

    def __repr__(self) -> str:
        return "World()"

    @property
    def cluster(self) -> Any:
        return self.server.cluster()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time.seconds - getattr(self, "base", self.time.seconds))

    @property
    def minute(self) -> float:
        return (self.time.seconds - self.base) / 60

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time.seconds, sleep=self._sleep)

    def serve(self, version: str) -> None:
        """Let every pod run `version`, and its canary rest."""
        self.server.move_stable(version, 60)
        self.server.canary.template = as_canary(serving_template(version))

    def verify(self, version: str, at: datetime = START) -> None:
        found: VerifiedRelease = verified(version).model_copy(update={"verified_at": at})
        VerifiedReleases(self.cluster, NAME).add(found)

    def at(self, minute: float, event: Callable[[], None]) -> None:
        self.events.append((minute, event))

    def watch(self) -> Watch:
        """Return what a process that is started now has."""
        story = Story(Place("prod", NAMESPACE, NAME), "v2", release("v2").identity, 100, number=1)

        def hear(heard: Heard) -> None:
            notice = story.hear(heard.kind, heard.facts, self.now())
            if notice is not None:
                self.notices.append(notice)

        attempt = WatchedAttempt(
            self.cluster, NAME, release("v2"), self.told.reporter, BY, wall_clock=self.now, listeners=(hear,)
        )
        return Watch(
            key=KEY,
            times=WatchTimes(self.minutes, self.look_seconds, blind_minutes=5),
            serving=Serving(self.cluster, NAMES, release("v2"), self.clock),
            instruments=self.instruments,
            taking_back=TakingBack(
                release("v2"), self.rollback, self.automatic, self.told.reporter, self.clock, self.now
            ),
            record=WatchRecord(self.cluster, NAMES),
            ending=Ending(KEY, attempt),
            reporter=self.told.reporter,
            clock=self.clock,
            wall_clock=self.now,
            wanted=lambda: self.minute < self.unwanted_from,
        )

    def run(self) -> WatchState:
        return self.watch().run()

    @contextmanager
    def instruments(self) -> Iterator[World]:
        self.openings += 1
        yield self

    def look(self) -> Mapping[str, Verdict]:
        return self.looks(self.minute)

    @contextmanager
    def rollback(self) -> Iterator[Rollback]:
        if self.held_by:
            raise ReleaseHeld(f"the release is held by {self.held_by}, which is at work")
        self.rollbacks += 1
        made = rollback_world.World.__new__(rollback_world.World)
        made.server, made.told, made.least_share, made.replicas = self.server, self.told, 0.5, None
        made.names, made.silent = NAMES, False
        yield made.rollback()

    def attempt(self) -> Attempt:
        return History(self.cluster, NAME).read()[-1]

    def kinds(self) -> list[str]:
        return [each.kind for each in self.attempt().entries]

    def reasons(self) -> list[str]:
        return [str(each.facts.get("reason", "")) for each in self.attempt().entries]

    def verified_versions(self) -> list[str]:
        return [each.release.version for each in VerifiedReleases(self.cluster, NAME).read() if not each.left]

    def on_record(self) -> dict[str, Any]:
        text = self.server.config_maps[f"{NAME}-watch"]["data"]["watch.json"]
        found: dict[str, Any] = json.loads(text)
        return found

    def changed(self) -> set[str]:
        """Return the kinds of objects that were changed, but for the ConfigMaps."""
        paths = [each.url.path for each in self.server.requests if each.method != "GET"]
        return {path.split(f"/{NAMESPACE}/")[1].partition("/")[0] for path in paths} - {"configmaps"}

    def hold(self, by: str) -> None:
        """Let another run take the release and show signs of life at each look, until it gives it back."""
        self.held_by = by
        self._renew()

    def give_back(self) -> None:
        self.held_by = ""
        self.server.leases.pop(NAME, None)

    def _renew(self) -> None:
        spec = {"holderIdentity": self.held_by, "leaseDurationSeconds": 15, "leaseTransitions": 7}
        spec["renewTime"] = f"{self.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        self.server.leases[NAME] = {"metadata": {"name": NAME, "resourceVersion": "1"}, "spec": spec}

    def _sleep(self, seconds: float) -> None:
        self.time.clock.sleep(seconds)
        if self.held_by:
            self._renew()
        for due in [each for each in self.events if each[0] <= self.minute]:
            self.events.remove(due)
            due[1]()
        if self.minute >= self.killed_at:
            self.killed_at = float("inf")
            raise Killed


def kill_at_write(world: World, number: int) -> Callable[[httpx.Request], httpx.Response | Exception | None]:
    """Let the process be killed when it sends its `number`th change, which still arrives."""
    seen = 0

    def fails(request: httpx.Request) -> httpx.Response | Exception | None:
        nonlocal seen
        if request.method != "GET":
            seen += 1
            if seen > number:
                world.server.fails = lambda _request: None
                raise Killed
        return None

    return fails
