"""What pods answered since the gate began is counted right, whatever the pods do meanwhile, and in bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from checks.analysis.tally import Tally
from checks.reader import Unreachable
from checks.traffic import WORKERS, TrafficLook, TrafficMeter
from checks.verdict import Kind
from checks.waiting import Clock
from tests.checks.fake_metrics import PORT, STARTED, FakeMetrics, metrics, named, without

TIMEOUT_SECONDS = 5.0
STABLE = named("stable-1", "stable-2")
CANARY = named("canary-1")


@contextmanager
def meter(reader: FakeMetrics, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[TrafficMeter]:
    with TrafficMeter(reader, PORT, timeout_seconds=timeout_seconds, clock=Clock()) as made:
        yield made


def counts(tally: Tally) -> tuple[int, int, int | None]:
    return tally.requests, tally.errors, tally.slower_than(0.5)


@pytest.fixture
def reader() -> FakeMetrics:
    return FakeMetrics(answers={"stable-1": metrics(1000, 10, slow=5), "stable-2": metrics(2000, 20)})


def test_what_pods_had_answered_before_the_gate_does_not_count(reader: FakeMetrics) -> None:
    with meter(reader) as it:
        assert counts(it.look([], STABLE).stable) == (0, 0, 0)
        reader.say({"stable-1": metrics(1100, 13, slow=6), "stable-2": metrics(2050, 20)})
        assert counts(it.look([], STABLE).stable) == (153, 3, 1)
        reader.say({"stable-1": metrics(1200, 13, slow=6)})
        assert counts(it.look([], STABLE).stable) == (253, 3, 1), "a look counts on from the one before"


def test_the_first_answers_of_a_pod_that_came_later_count_at_once(reader: FakeMetrics) -> None:
    with meter(reader) as it:
        it.look([], STABLE)
        reader.say({"canary-1": metrics(0, 3, slow=2, version="prod-new")})
        look = it.look(CANARY, STABLE)
    assert counts(look.canary) == (3, 3, 2)
    assert counts(look.stable) == (0, 0, 0)


def test_a_pod_that_was_not_running_at_the_first_look_came_later(reader: FakeMetrics) -> None:
    with meter(reader) as it:
        first = it.look(named("canary-1", phase="Pending", ready=False), STABLE)
        assert first.silent == {"canary-1": "is Pending, not Running"}
        assert "canary-1" not in reader.asked
        reader.say({"canary-1": metrics(4, 1)})
        assert counts(it.look(CANARY, STABLE).canary) == (5, 1, 0)


def test_a_pod_that_ran_but_did_not_answer_at_the_first_look_is_counted_from_its_first_answer(
    reader: FakeMetrics,
) -> None:
    reader.say({"stable-2": Unreachable("timed out")})
    with meter(reader) as it:
        assert it.look([], STABLE).silent == {"stable-2": "cannot be read: timed out"}
        reader.say({"stable-2": metrics(5000, 50)})
        assert counts(it.look([], STABLE).stable) == (0, 0, 0)
        reader.say({"stable-2": metrics(5010, 51)})
        assert counts(it.look([], STABLE).stable) == (11, 1, 0)


@pytest.mark.parametrize("started", [STARTED, None])
def test_a_restarted_container_counts_from_zero_on(started: float | None) -> None:
    reader = FakeMetrics(answers={"canary-1": metrics(100, 1, started=started)})
    with meter(reader) as it:
        it.look(CANARY, [])
        reader.say({"canary-1": metrics(140, 3, slow=2, started=started)})
        assert counts(it.look(CANARY, []).canary) == (42, 2, 2)
        reader.say({"canary-1": metrics(5, 4, slow=1, started=started and started + 30)})
        assert counts(it.look(CANARY, []).canary) == (51, 6, 3)
        reader.say({"canary-1": metrics(6, 4, slow=1, started=started and started + 30)})
        assert counts(it.look(CANARY, []).canary) == (52, 6, 3)


def test_a_restart_is_seen_though_the_new_process_has_answered_more_than_the_old_one() -> None:
    reader = FakeMetrics(answers={"canary-1": metrics(0, 0)})
    with meter(reader) as it:
        it.look([], [])
        reader.say({"canary-1": metrics(5, 1)})
        it.look(CANARY, [])
        reader.say({"canary-1": metrics(7, 2, started=STARTED + 5)})
        assert counts(it.look(CANARY, []).canary) == (15, 3, 0)


def test_a_start_time_that_wavers_is_no_restart() -> None:
    reader = FakeMetrics(answers={"canary-1": metrics(1000, 100)})
    with meter(reader) as it:
        it.look(CANARY, [])
        reader.say({"canary-1": metrics(1001, 100, started=STARTED + 1)})
        assert counts(it.look(CANARY, []).canary) == (1, 0, 0)


def test_a_pod_that_is_gone_keeps_what_it_had_answered(reader: FakeMetrics) -> None:
    with meter(reader) as it:
        it.look([], STABLE)
        reader.say({"canary-1": metrics(0, 2), "stable-1": metrics(1007, 10, slow=5)})
        it.look(CANARY, STABLE)
        reader.say({"canary-1": None})
        look = it.look([], named("stable-2"))
    assert counts(look.canary) == (2, 2, 0)
    assert counts(look.stable) == (7, 0, 0)


def test_a_pod_on_its_way_out_is_still_counted_and_may_be_silent(reader: FakeMetrics) -> None:
    leaving = named("stable-1", leaving=True)
    with meter(reader) as it:
        it.look([], STABLE)
        reader.say({"stable-1": metrics(1004, 10, slow=5)})
        look = it.look([], leaving)
        assert look.stable.requests == 4
        assert look.stable_pods == ()
        reader.say({"stable-1": None})
        assert it.look([], leaving).silent == {}


def test_a_missing_histogram_is_never_taken_for_slow_answers(reader: FakeMetrics) -> None:
    with meter(reader) as it:
        it.look([], STABLE)
        reader.say({"stable-1": without(metrics(1100, 10), "duration_seconds"), "stable-2": metrics(2100, 20)})
        look = it.look([], STABLE)
    assert look.stable.requests == 200
    assert look.stable.slower_than(0.5) is None


def test_pods_without_requests_do_not_hide_the_latency_of_the_others(reader: FakeMetrics) -> None:
    reader.say({"stable-1": without(metrics(0, 0), "duration_seconds")})
    with meter(reader) as it:
        it.look([], STABLE)
        reader.say({"stable-2": metrics(2003, 20, slow=3)})
        assert counts(it.look([], STABLE).stable) == (3, 0, 3)


def test_what_a_pod_is_and_uses_is_in_the_look(reader: FakeMetrics) -> None:
    reader.say({"canary-1": metrics(1, connections=7, memory=99e6, version="prod-new")})
    with meter(reader) as it:
        look = it.look(CANARY, STABLE)
    assert look.canary_versions == {"prod-new"}
    assert look.stable_versions == {"prod-abc1234"}
    assert (look.samples["canary-1"].pool_share, look.samples["canary-1"].memory_bytes) == (0.7, 99e6)
    assert look.doubt() is None
    assert not look.canary_silent


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Unreachable("connection refused"), Kind.UNREACHABLE, "pod canary-1 cannot be read: connection refused"),
        (PermissionError("pods/proxy is forbidden"), Kind.UNREACHABLE, "cannot be read: pods/proxy is forbidden"),
        (TimeoutError(), Kind.UNREACHABLE, "cannot be read: TimeoutError"),
        (None, Kind.UNREACHABLE, "pod canary-1 is gone, or has no /metrics"),
        (without(metrics(3, 0), "requests_total"), Kind.NO_DATA, "/metrics has no release_manager_requests_total"),
        ("<html>", Kind.NO_DATA, "not in Prometheus' text format"),
    ],
)
def test_a_canary_that_does_not_say_what_it_answered_is_doubted(
    reader: FakeMetrics, answer: str | Exception | None, kind: Kind, says: str
) -> None:
    reader.say({"canary-1": answer, "canary-2": metrics(1)})
    with meter(reader) as it:
        alone, among = it.look(CANARY, STABLE), it.look([*CANARY, *named("canary-2")], STABLE)
    for look, of in ((alone, 1), (among, 2)):
        doubt = look.doubt()
        assert doubt is not None
        assert doubt.kind is kind
        assert says in doubt.reason
        assert f"1 of {of} canary pods" in doubt.reason
    assert alone.canary_silent is (kind is Kind.UNREACHABLE)
    assert not among.canary_silent


def test_no_canary_pod_is_no_data_and_not_silence() -> None:
    look = TrafficLook(Tally(), Tally())
    doubt = look.doubt()
    assert doubt is not None
    assert doubt.kind is Kind.NO_DATA
    assert not look.canary_silent


def test_pods_are_read_beside_each_other_but_not_all_at_once() -> None:
    names = [f"stable-{number}" for number in range(20)]
    met = threading.Barrier(WORKERS)

    def together() -> str:
        met.wait(5)
        return metrics(1)

    # Twice as many as there are workers meet in two full rounds; the other four answer alone.
    reader = FakeMetrics(answers={name: together if i < 2 * WORKERS else metrics(1) for i, name in enumerate(names)})
    with meter(reader) as it:
        look = it.look([], named(*names))
    assert len(look.samples) == 20
    assert reader.most_at_once == WORKERS
    assert all(0 < seconds <= TIMEOUT_SECONDS for seconds in reader.timeouts)


def test_pods_that_hang_make_no_look_longer_than_its_time_out_nor_hide_the_others() -> None:
    go = threading.Event()
    bad = [f"canary-{number}" for number in range(WORKERS)]
    hanging = {name: lambda: metrics(1) if go.wait(30) else None for name in bad}
    reader = FakeMetrics(answers={**hanging, "stable-1": metrics(10)})
    with meter(reader, timeout_seconds=0.3) as it:
        took = []
        for _ in range(3):
            began = time.monotonic()
            first = it.look(named(*bad), named("stable-1"))
            took.append(time.monotonic() - began)
        assert max(took) < 10
        assert first.canary_silent
        assert reader.asked.count("canary-0") == 1, "a pod that still owes an answer is not asked again"
        assert "has not answered an earlier read yet" in first.silent["canary-0"]
        go.set()
        it_answers = [it.look(named(*bad), named("stable-1")) for _ in range(20)][-1]
    assert not it_answers.canary_silent
    assert "stable-1" in it_answers.samples


def test_a_pod_that_answers_is_not_kept_waiting_by_those_that_hung_the_last_time() -> None:
    bad = [f"canary-{number}" for number in range(WORKERS)]
    waits = threading.Event()
    reader = FakeMetrics(answers=dict.fromkeys(bad, Unreachable("timed out")))
    reader.say({"stable-1": metrics(10)})
    with meter(reader, timeout_seconds=2.0) as it:
        it.look(named(*bad), named("stable-1"))
        reader.say({name: lambda: metrics(1) if waits.wait(30) else None for name in bad})
        look = it.look(named(*bad), named("stable-1"))
        waits.set()
    assert "stable-1" in look.samples
    assert set(look.silent) == set(bad)
