"""No pod moves before the release is watched as it declares, and the wait for that is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.waiting import Reporter
from cluster.errors import GateFailed
from evidence.checklist.monitoring_gate import MonitoringGate
from evidence.checklist.proof import Proof, State
from tests.fake_time import FakeTime

ABSENT = Proof(State.MISSING, "Prometheus", "not loaded: Errors", seen="of 17", closes="select them")
LOADED = Proof(State.PROVEN, "Prometheus", "17 alerts are loaded as declared")


def run(*proofs: Proof, timeout_seconds: int = 60) -> tuple[FakeTime, list[str]]:
    time, told, found = FakeTime(), list[str](), iter(proofs)
    last = proofs[-1]

    def next_one(rest: Iterator[Proof] = found) -> Proof:
        return next(rest, last)

    gate = MonitoringGate(next_one, "prod", timeout_seconds, Reporter(told.append), time.clock)
    gate.run()
    return time, told


def test_it_waits_until_what_was_applied_is_loaded() -> None:
    time, told = run(ABSENT, Proof(State.UNKNOWN, "Prometheus", "not evaluated yet: Errors"), LOADED)
    assert told == ["monitoring: proven: 17 alerts are loaded as declared"]
    assert time.passed == 2


def test_what_is_loaded_already_costs_one_look() -> None:
    time, _ = run(LOADED)
    assert time.passed == 0


def test_what_a_person_waives_is_not_waited_for() -> None:
    time, told = run(Proof(State.WAIVED, "waiver by ann", "no Prometheus yet", until="2031-05-14"))
    assert (time.passed, told) == (0, ["monitoring: waived: no Prometheus yet"])


@pytest.mark.parametrize("proof", [ABSENT, Proof(State.UNKNOWN, "", "which rules are loaded is not known", closes="x")])
def test_what_is_never_loaded_ends_the_release_with_what_mends_it(proof: Proof) -> None:
    with pytest.raises(GateFailed) as error:
        run(proof)
    text = str(error.value)
    assert f"is not loaded: {proof.value}" in text
    assert "(gave up after 60 s)" in text
    assert "No pod was moved" in text
    assert text.endswith(f"To mend it: {proof.closes}")
