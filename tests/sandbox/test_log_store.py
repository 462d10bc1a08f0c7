"""The sandbox's log store: pods that pass the restricted standard, and a shipper that indexes each line once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.services import log_shipper, log_store
from sandbox.services.log_shipper import (
    CAUGHT_UP_ROUNDS,
    MOST_LINES_AT_ONCE,
    Entry,
    Json,
    LogStore,
    Pod,
    Shipper,
    bulk,
    document,
    index_at,
    template,
)
from sandbox.services.model import NOBODY_ID

POD: Pod = ("production", "release-manager-prod-66d9f7c4b8-x2x4k")
AT = "2024-05-14T09:30:02.123456789Z"
LINE = json.dumps({"@timestamp": "2024-05-14T09:30:02.120Z", "level": "ERROR", "service": "release-manager"})


def test_a_line_keeps_its_fields_and_says_where_it_came_from() -> None:
    found = document(POD, f"{AT} {LINE}")
    assert found is not None
    place, body = found
    assert place["_index"] == "logs-release-manager-2024-05-14-09"
    assert body == {**json.loads(LINE), "namespace": POD[0], "pod": POD[1]}


@pytest.mark.parametrize(("text", "level"), [("Traceback (most recent call last):", "ERROR"), ("booting", "INFO")])
def test_what_is_no_json_becomes_a_message(text: str, level: str) -> None:
    found = document(POD, f"{AT} {text}")
    assert found is not None
    assert (found[1]["level"], found[1]["message"], found[1]["service"]) == (level, text, "release-manager")
    assert found[1]["@timestamp"] == "2024-05-14T09:30:02.123Z"


def test_an_empty_line_is_none() -> None:
    assert document(POD, f"{AT} ") is None


def test_a_line_that_is_followed_again_takes_its_own_place() -> None:
    one, again, other = document(POD, f"{AT} {LINE}"), document(POD, f"{AT} {LINE}"), document(POD, f"{AT} {LINE} ")
    assert one is not None
    assert again is not None
    assert other is not None
    assert one[0] == again[0] != other[0]
    first, second = bulk([one]).decode().splitlines()
    assert (json.loads(first), json.loads(second)) == ({"index": one[0]}, one[1])


def test_words_are_searched_by_their_exact_value_and_no_second_node_is_waited_for() -> None:
    made = template()["template"]
    assert made["settings"]["number_of_replicas"] == 0
    assert {made["mappings"]["properties"][name]["type"] for name in ("level", "service", "namespace")} == {"keyword"}


class Server:
    """An API server with one pod, whose log is followed as often as asked."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines, self.since = lines, list[str]()

    def pods(self) -> set[Pod]:
        return {POD}

    def follow(self, pod: Pod, since: str) -> Iterator[str]:
        assert pod == POD
        self.since.append(since)
        yield from self.lines


class Store(LogStore):
    """A log store that is away at first."""

    def __init__(self, *, away: int = 0) -> None:
        super().__init__("http://127.0.0.1:9")
        self.away, self.added = away, list[Entry]()

    def add(self, documents: Sequence[Entry]) -> int:
        if self.away:
            self.away -= 1
            raise ConnectionRefusedError
        self.added += documents
        return 0


def test_lines_that_the_store_did_not_take_are_sent_again() -> None:
    store, told = Store(away=1), list[str]()
    shipper: Any = Shipper(Server([f"{AT} {LINE}"] * (MOST_LINES_AT_ONCE + 1)), store, told.append)  # type: ignore[arg-type]
    shipper._follow(POD)
    with pytest.raises(ConnectionRefusedError):
        shipper.ship()
    assert [shipper.ship(), shipper.ship(), shipper.ship()] == [MOST_LINES_AT_ONCE, 1, 0]
    assert len(store.added) == MOST_LINES_AT_ONCE + 1


def test_a_pod_is_followed_on_from_its_last_line() -> None:
    server = Server([f"{AT} {LINE}"])
    shipper: Any = Shipper(server, Store(), lambda _text: None)  # type: ignore[arg-type]
    shipper._follow(POD)
    shipper._follow(POD)
    assert server.since == ["", AT]


def test_hours_that_are_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []

    def send(_store: LogStore, method: str, path: str, *_body: bytes) -> list[Json]:
        sent.append((method, path))
        return [{"index": index_at(f"2024-05-14T{hour}:00:00")} for hour in ("02", "03", "09")]

    monkeypatch.setattr(LogStore, "_send", send)
    LogStore("http://127.0.0.1:9").forget(datetime(2024, 5, 14, 9, 30, tzinfo=UTC))
    assert sent[1:] == [("DELETE", "logs-release-manager-2024-05-14-02")]


def test_it_is_ready_once_all_that_there_was_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready, store, rounds = tmp_path / "ready", Store(away=1), list[bool]()
    ready.touch()

    def sleep(_seconds: float) -> None:
        rounds.append(ready.exists())
        if len(rounds) > CAUGHT_UP_ROUNDS:
            raise KeyboardInterrupt

    monkeypatch.setattr(log_shipper, "ApiServer", lambda: Server([]))
    monkeypatch.setattr(log_shipper, "LogStore", lambda _address: store)
    monkeypatch.setattr(Store, "prepare", lambda _store: None)
    monkeypatch.setattr(log_shipper, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: 0.0))
    monkeypatch.setattr(Shipper, "look", lambda _shipper: None)
    with pytest.raises(KeyboardInterrupt):
        log_shipper.main("http://127.0.0.1:9", ready)
    assert rounds == [False] * (CAUGHT_UP_ROUNDS - 1) + [True, True]


def test_its_pods_pass_the_restricted_standard_and_may_only_read_logs() -> None:
    found = log_store.objects("localhost:5000/sandbox/log-store:1")
    spec = found[-1]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == NOBODY_ID
    for container in spec["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    [role] = [each for each in found if each["kind"] == "ClusterRole"]
    assert {(rule["resources"][0], *rule["verbs"]) for rule in role["rules"]} == {("pods", "list"), ("pods/log", "get")}
