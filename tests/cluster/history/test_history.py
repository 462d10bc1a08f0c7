"""The record of a release: only ever added to, bounded, gone on with after a kill, and never in the release's way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from cluster.errors import GateFailed
from cluster.history.entry import LARGEST_RECORD_BYTES, RecordFullError, entries_of, thinned, with_entry
from cluster.history.history import LABEL, Attempt, History, ReleaseRecord, who
from cluster.release import Release
from tests.cluster.api_server import ApiServer
from tests.fake_time import Told
from tests.recorded import NAME

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


@dataclass
class World:
    server: ApiServer = field(default_factory=ApiServer)
    told: Told = field(default_factory=Told)
    now: datetime = NOW

    def record(self, version: str, *, by: str = "ana", run: str = "one") -> ReleaseRecord:
        return ReleaseRecord(
            self.server.cluster(), NAME, release(version), self.told.reporter, by, run=run, wall_clock=self.clock
        )

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def attempts(self) -> list[Attempt]:
        return History(self.server.cluster(), NAME).read()

    def kinds(self, number: int) -> list[str]:
        return list(self.server.config_maps[f"{NAME}-release-{number}"]["data"])


def test_a_release_is_told_from_its_beginning_to_its_end() -> None:
    world = World()
    record = world.record("v2")
    record.begin(**{"from": "v1", "plan": {"steps": [10, 100]}})
    record.append("gate", step=10, verdict="PASS", reason="no errors", numbers={"requests": 300}, seconds=12.5)
    record.append("promoted", step=10)
    record.finish("verified")
    assert world.kinds(1) == ["0001-started", "0002-gate", "0003-promoted", "0004-finished"]
    [attempt] = world.attempts()
    assert (attempt.number, attempt.outcome, attempt.cause, attempt.seconds) == (1, "verified", "", 3.0)
    started = attempt.entries[0]
    assert started.at == NOW + timedelta(seconds=1)
    assert started.facts["by"] == "ana"
    assert started.facts["from"] == "v1"
    assert started.facts["image"] == "r@sha256:v2"
    assert started.facts["plan"] == {"steps": [10, 100]}
    assert attempt.entries[1].facts["numbers"] == {"requests": 300}
    assert world.told.lines == []


def test_when_it_was_begun_is_that_of_this_attempt_also_where_it_is_gone_on_with() -> None:
    world = World()
    world.record("v1").begin()
    record = world.record("v2")
    assert record.started_at() is None
    record.begin()
    began = world.now
    record.append("gate", step=10)
    again = world.record("v2", run="two")
    again.begin()
    assert (record.started_at(), again.started_at()) == (began, began)


def test_where_it_cannot_be_read_when_it_was_begun_is_not_known_and_said() -> None:
    world = World()
    record = world.record("v2")
    record.begin()
    world.server.fails = lambda _request: httpx.ConnectError("refused")
    assert record.started_at() is None
    assert world.told.lines[-1].startswith("history: when the release was begun cannot be read: ")


def test_each_record_can_be_listed_and_others_are_none() -> None:
    world = World()
    world.record("v1").begin()
    assert world.server.config_maps[f"{NAME}-release-1"]["metadata"]["labels"][LABEL] == NAME
    world.record("v1").append("gate", step=10)
    assert world.server.config_maps[f"{NAME}-release-1"]["metadata"]["labels"][LABEL] == NAME
    assert History(world.server.cluster(), "another").read() == []


def test_what_was_written_is_never_written_over() -> None:
    world = World()
    record = world.record("v1")
    record.begin()
    before = dict(world.server.config_maps[f"{NAME}-release-1"]["data"])
    for _ in range(3):
        record.append("gate", step=10)
    assert before.items() <= world.server.config_maps[f"{NAME}-release-1"]["data"].items()


def test_an_attempt_that_was_killed_is_gone_on_with_and_by_whom_is_told() -> None:
    world = World()
    first = world.record("v2", run="one")
    first.begin()
    first.append("gate", step=10)
    second = world.record("v2", by="ben", run="two")
    second.begin()
    second.append("gate", step=50)
    assert world.kinds(1) == ["0001-started", "0002-gate", "0003-resumed", "0004-gate"]
    assert world.attempts()[0].entries[2].facts == {"by": "ben", "run": "two"}


def test_the_gates_of_one_run_write_into_one_record_without_calling_it_resumed() -> None:
    world = World()
    world.record("v2").begin()
    world.record("v2").append("gate", step=10)
    world.record("v2").begin()
    assert world.kinds(1) == ["0001-started", "0002-gate"]


def test_a_finished_attempt_is_not_gone_on_with_and_neither_is_that_of_another_release() -> None:
    world = World()
    first = world.record("v2", run="one")
    first.begin()
    first.finish("failed", "step 10 %: errors")
    world.record("v2", run="two").begin()
    world.record("v3", run="three").begin()
    assert [(each.number, each.outcome, each.fact("version")) for each in world.attempts()] == [
        (3, "open", "v3"),
        (2, "open", "v2"),
        (1, "failed", "v2"),
    ]
    assert world.attempts()[2].cause == "step 10 %: errors"


def test_the_last_twenty_are_kept_and_numbers_go_on() -> None:
    world = World()
    for number in range(25):
        record = world.record(f"v{number}", run=str(number))
        record.begin()
        record.finish("verified")
    assert [each.number for each in world.attempts()] == list(range(25, 5, -1))


def test_a_number_that_another_run_took_meanwhile_is_left_to_it() -> None:
    world = World()
    other = world.record("theirs", run="other")
    taken: list[httpx.Request] = []

    def interfere(request: httpx.Request) -> None:
        if request.method == "POST" and not taken:
            taken.append(request)
            other.begin()

    world.server.fails = interfere
    world.record("ours").begin()
    assert [(each.number, each.fact("version")) for each in world.attempts()] == [(2, "ours"), (1, "theirs")]


@pytest.mark.parametrize(
    "answer", [httpx.Response(403, json={"message": "no"}), httpx.Response(500), httpx.ReadTimeout("timed out")]
)
def test_a_record_that_cannot_be_written_is_told_in_a_line_and_nothing_more(
    answer: httpx.Response | Exception,
) -> None:
    world = World()
    world.server.fails = lambda _request: answer
    record = world.record("v2")
    record.begin()
    record.append("gate", step=10)
    record.finish("verified")
    assert [line.partition(": the cluster")[0] for line in world.told.lines] == [
        "history: 'started' is not recorded",
        "history: 'gate' is not recorded",
        "history: 'finished' is not recorded",
    ]
    world.server.fails = lambda _request: None
    record.append("gate", step=50)
    assert world.kinds(1) == ["0001-started", "0002-gate"], "it goes on as soon as it can"


def test_who_may_change_nothing_any_more_writes_no_record_either() -> None:
    def lost() -> None:
        raise GateFailed("lost")

    world = World()
    record = world.record("v2")
    record.cluster = record.cluster.guarded_by(lost)
    with pytest.raises(GateFailed):
        record.begin()


def test_samples_are_thinned_evenly_with_the_first_and_the_last() -> None:
    found = thinned(list(range(1000)))
    assert len(found) == 60
    assert (found[0], found[-1]) == (0, 999)
    gaps = {later - earlier for earlier, later in pairwise(found)}
    assert gaps <= {16, 17}
    assert thinned([1, 2]) == [1, 2]


def entry(data: dict[str, str], key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data[key])
    return found


def test_a_record_that_gets_full_loses_samples_before_facts_and_says_so() -> None:
    data: dict[str, str] = {}
    samples = [{"t": number, "text": "x" * 3000} for number in range(60)]
    for step in range(10):
        data = with_entry(data, "gate", NOW, {"step": step, "reason": "why", "samples": samples})
        assert sum(len(key) + len(value.encode()) for key, value in data.items()) <= LARGEST_RECORD_BYTES
    assert len(data) == 10
    assert all(entry(data, key)["reason"] == "why" for key in data)
    assert entry(data, "0001-gate")["samples"] == []
    assert entry(data, "0001-gate")["cut"] == "60 samples, for want of room"
    assert len(entry(data, "0010-gate")["samples"]) == 60, "the oldest go first"


def test_where_there_is_no_room_for_facts_that_it_happened_is_still_told() -> None:
    large = {f"{number:04d}-note": "x" * 100_000 for number in range(1, 9)}
    data = {**large, "0009-note": "x" * (LARGEST_RECORD_BYTES - 800_200)}
    data = with_entry(data, "finished", NOW, {"outcome": "verified", "cause": "y" * 3000})
    assert entry(data, "0010-finished") == {
        "at": NOW.isoformat(),
        "kind": "finished",
        "cut": "the facts: the record is full",
    }


def test_a_record_without_any_room_left_does_not_fail_a_release() -> None:
    world = World()
    record = world.record("v2")
    record.begin()
    full = {"0002-note": "x" * LARGEST_RECORD_BYTES}
    world.server.config_maps[f"{NAME}-release-1"]["data"] |= full
    with pytest.raises(RecordFullError):
        with_entry(full, "finished", NOW, {})
    record.finish("verified")
    assert world.told.lines == ["history: 'finished' is not recorded: release 1 has no room left"]


def test_long_texts_and_numbers_that_are_none_are_kept_readable() -> None:
    data = with_entry({}, "gate", NOW, {"reason": "x" * 5000, "numbers": {"a": float("nan"), "b": 0.1234567891}})
    found = entry(data, "0001-gate")
    assert found["reason"].endswith("… (cut: 5000 characters)")
    assert found["numbers"] == {"a": "nan", "b": 0.123457}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "gate"}', '{"at": "never", "kind": "gate"}'])
def test_an_entry_that_cannot_be_read_hides_no_other(text: str) -> None:
    data = with_entry({"0001-gate": text}, "finished", NOW, {"outcome": "verified"})
    assert [each.kind for each in entries_of(data)] == ["unreadable", "finished"]


def test_who_releases_is_whom_the_ci_names_else_the_user_of_the_machine() -> None:
    assert who({"GITHUB_ACTOR": "ana"}) == "ana"
    assert who({"GITLAB_USER_LOGIN": "ben"}) == "ben"
    assert "@" in who({})
