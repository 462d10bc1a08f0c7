"""The record of every release in the cluster: who, what, when, each gate with its numbers, and how it ended.

One ConfigMap for each attempt, to which entries are only added. It never decides anything: where it cannot be written
that is told, and the release goes on.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.history.entry import Entry, RecordFullError, entries_of, with_entry
from cluster.release import Release

KEPT = 20
LABEL = "release-manager/history"
STARTED, RESUMED, WAIVED, FINISHED = "started", "resumed", "waived", "finished"
OPEN = "open"
_PEOPLE = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")
_ATTEMPTS = 5


@dataclass(frozen=True)
class Attempt:
    """One release attempt as its record tells it."""

    number: int
    entries: tuple[Entry, ...]

    @property
    def outcome(self) -> str:
        """How it finished (verified, failed, held), or `open`: it runs, or was killed."""
        ends = [each for each in self.entries if each.kind == FINISHED]
        return str(ends[-1].facts.get("outcome", FINISHED)) if ends else OPEN

    @property
    def cause(self) -> str:
        """Why it ended as it did; empty where there is nothing to say."""
        causes = [str(each.facts["cause"]) for each in self.entries if each.facts.get("cause")]
        return causes[-1] if causes else ""

    @property
    def by(self) -> str:
        """Who began it."""
        return str(self.entries[0].facts.get("by", "")) if self.entries else ""

    @property
    def started_at(self) -> datetime | None:
        """When it was begun; None where its record does not say so."""
        return next((each.at for each in self.entries if each.kind == STARTED), None)

    @property
    def identity(self) -> str:
        """The identity of its release."""
        return str(self.fact("identity"))

    @property
    def seconds(self) -> float:
        """From its first entry to its last."""
        return (self.entries[-1].at - self.entries[0].at).total_seconds() if self.entries else 0.0

    def fact(self, name: str) -> Any:  # noqa: ANN401
        """Return the last value that an entry gave `name`; empty where none did."""
        found = [each.facts[name] for each in self.entries if each.facts.get(name) not in (None, "")]
        return found[-1] if found else ""


class History:
    """Reads the records of one Deployment's releases, and adds to them."""

    def __init__(self, cluster: Cluster, deployment: str) -> None:
        self._cluster = cluster
        self.deployment = deployment

    def read(self) -> list[Attempt]:
        """Return the attempts on record, newest first. Raises ClusterError or Unreachable."""
        found = self._cluster.config_maps(f"{LABEL}={self.deployment}")
        attempts = [
            Attempt(number, tuple(entries_of(each.get("data") or {})))
            for each in found
            if (number := self._number(each)) is not None
        ]
        return sorted(attempts, key=lambda each: each.number, reverse=True)

    def name(self, number: int) -> str:
        """Return the name of the ConfigMap of one attempt."""
        return f"{self.deployment}-release-{number}"

    def add(self, number: int, kind: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Add an entry to the record of one attempt. Raises ClusterError, Unreachable or RecordFullError."""
        change_config_map(
            self._cluster,
            self.name(number),
            lambda found: with_entry((found or {}).get("data") or {}, kind, at, facts),
            labels={LABEL: self.deployment},
        )

    def start(self, number: int, at: datetime, facts: Mapping[str, Any]) -> int:
        """Begin the record of an attempt and return its number: `number`, or the next one that is free.

        Raises ClusterError or Unreachable.
        """
        data = with_entry({}, STARTED, at, facts)
        for free in range(number, number + _ATTEMPTS):
            if self._cluster.write_config_map(
                self.name(free), data, resource_version=None, labels={LABEL: self.deployment}
            ):
                return free
        raise ClusterError(f"ConfigMap {self.name(number)} and the next {_ATTEMPTS - 1} were written meanwhile")

    def delete(self, number: int) -> None:
        """Delete the record of one attempt. Raises ClusterError or Unreachable."""
        self._cluster.delete_config_map(self.name(number))

    def _number(self, found: JsonObject) -> int | None:
        digits = str(found["metadata"]["name"]).removeprefix(self.name(0)[:-1])
        return int(digits) if digits.isascii() and digits.isdigit() else None


@dataclass(frozen=True)
class Heard:
    """What happened to a release, as those are told who listen; `record` is where they may write what they did."""

    record: ReleaseRecord
    kind: str
    facts: Mapping[str, Any]


Listener = Callable[[Heard], None]


@dataclass
class ReleaseRecord:
    """The record of one attempt, written by this run. One object serves a whole run.

    `by` is who releases. An attempt of the same release that was begun last and never finished is gone on with;
    `run` tells this run from the one that was killed. `listeners` hear what is added, also where it could not be
    written; they must not block, and what they raise is told and goes no further.
    """

    cluster: Cluster
    deployment: str
    release: Release
    reporter: Reporter
    by: str
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    listeners: tuple[Listener, ...] = ()
    _number: int = field(default=0, init=False)

    @property
    def number(self) -> int:
        """The number of this attempt; 0 until it is on record."""
        return self._number

    def attempts(self) -> list[Attempt]:
        """Return this attempt, as it is on record, and those before it, newest first.

        Raises ClusterError or Unreachable.
        """
        return [each for each in self._history.read() if each.number <= self._number]

    def started_at(self) -> datetime | None:
        """Return when this attempt was begun; None where nothing on record says so, or it cannot be read."""
        try:
            own = [each for each in self.attempts() if each.number == self._number]
        except (ClusterError, Unreachable) as error:
            self.reporter.line(f"history: when the release was begun cannot be read: {error}")
            return None
        return own[0].started_at if own else None

    def begin(self, **facts: Any) -> None:  # noqa: ANN401
        """Record that the release is begun, with its plan; where it is gone on with, only that and by whom."""
        self._never_in_the_way(STARTED, lambda: self._find_or_start(facts))

    def append(self, kind: str, **facts: Any) -> None:  # noqa: ANN401
        """Add an entry. `samples` are thinned to 60. Raises only what says that this run may change nothing more."""

        def write() -> None:
            self._find_or_start({})
            self._add(kind, facts)

        self._never_in_the_way(kind, write)
        self._let_hear(kind, facts)

    def append_once(self, kind: str, **facts: Any) -> None:  # noqa: ANN401
        """Add an entry, unless this attempt has the very same already. Raises as `append` does."""
        try:
            own = next((each for each in self.attempts() if each.number == self._number), None)
        except (ClusterError, Unreachable) as error:
            self.reporter.line(f"history: it is not known whether '{kind}' is on record: {error}")
            own = None
        if own is None or not any(each.kind == kind and each.facts == facts for each in own.entries):
            self.append(kind, **facts)

    def note(self, kind: str, **facts: Any) -> None:  # noqa: ANN401
        """Add an entry about what a listener did: nobody hears it. Raises ClusterError, Unreachable, RecordFullError.

        Nothing is written where the attempt itself is not on record.
        """
        if self._number:
            self._add(kind, facts)

    def finish(self, outcome: str, cause: str = "") -> None:
        """Record how it ended: verified, failed or held."""
        self.append(FINISHED, outcome=outcome, cause=cause)

    def _find_or_start(self, facts: Mapping[str, Any]) -> None:
        if self._number:
            return
        history = self._history
        attempts = history.read()
        last = attempts[0] if attempts else None
        if last is not None and last.outcome == OPEN and last.identity == self.release.identity:
            self._number = last.number
            if last.fact("run") != self.run:
                resumed = {"by": self.by, "run": self.run}
                self._add(RESUMED, resumed)
                self._let_hear(RESUMED, resumed)
            return
        release = {**self.release.model_dump(), "identity": self.release.identity}
        entry = {"by": self.by, "run": self.run, **release, **facts}
        self._number = history.start((last.number if last else 0) + 1, self.wall_clock(), entry)
        self._forget(attempts[KEPT - 1 :])
        self._let_hear(STARTED, entry)

    def _forget(self, attempts: Sequence[Attempt]) -> None:
        try:
            for each in attempts:
                self._history.delete(each.number)
        except (ClusterError, Unreachable) as error:
            self.reporter.line(f"history: the oldest record is not deleted: {error}")

    def _add(self, kind: str, facts: Mapping[str, Any]) -> None:
        self._history.add(self._number, kind, self.wall_clock(), facts)

    @property
    def _history(self) -> History:
        return History(self.cluster, self.deployment)

    def _let_hear(self, kind: str, facts: Mapping[str, Any]) -> None:
        for listener in self.listeners:
            try:
                listener(Heard(self, kind, facts))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with who listens, the release goes on
                self.reporter.line(f"history: '{kind}' is not told on: {type(error).__name__}")

    def _never_in_the_way(self, kind: str, write: Callable[[], None]) -> None:
        try:
            write()
        except (ClusterError, Unreachable) as error:
            self.reporter.line(f"history: '{kind}' is not recorded: {error}")
        except RecordFullError:
            self.reporter.line(f"history: '{kind}' is not recorded: release {self._number} has no room left")


def who(environment: Mapping[str, str] = os.environ) -> str:
    """Return who releases: the person whom the CI names, else user and machine."""
    for name in _PEOPLE:
        if environment.get(name):
            return environment[name]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
