"""An interrupted program leaves without a word, but never under the feet of a gate at work."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from components import interruption
from components.interruption import Interruption


class Left:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def test_without_a_gate_it_leaves_at_once() -> None:
    left = Left()
    Interruption(leave=left).interrupted(signal.SIGINT, None)
    assert left.times == 1


async def test_a_gate_at_work_is_let_finish_and_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "SECONDS_TO_ANSWER", 0.01)
    left = Left()
    guard = Interruption(leave=left)
    with guard.gate_at_work():
        with guard.gate_at_work():
            guard.interrupted(signal.SIGINT, None)
            guard.interrupted(signal.SIGINT, None)
        await asyncio.sleep(0.05)
        assert left.times == 0, "another gate is at work still"
    assert left.times == 0, "its answer has not reached the engine yet"
    await asyncio.sleep(0.05)
    assert left.times == 1


async def test_a_gate_that_fails_is_no_longer_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "SECONDS_TO_ANSWER", 0.01)
    left = Left()
    guard = Interruption(leave=left)
    with pytest.raises(ValueError, match="no"), guard.gate_at_work():
        raise ValueError("no")
    await asyncio.sleep(0.05)
    assert left.times == 0
    guard.interrupted(signal.SIGINT, None)
    assert left.times == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_the_signals_of_the_engine_and_of_the_machine(number: signal.Signals) -> None:
    before, left = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}, Left()
    try:
        Interruption(leave=left).install()
        signal.raise_signal(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert left.times == 1


def test_what_is_to_be_given_back_is_given_back_before_it_leaves() -> None:
    done: list[str] = []
    guard = Interruption(leave=lambda: done.append("left"))
    guard.before_leaving(lambda: done.append("given back"))
    for _ in range(2):
        guard.interrupted(signal.SIGINT, None)
    assert done == ["given back", "left"]


def test_a_parting_that_hangs_does_not_keep_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "SECONDS_TO_PART", 0.05)
    left, end = Left(), threading.Event()
    guard = Interruption(leave=left)

    def hang() -> None:
        end.wait(30)

    guard.before_leaving(hang)
    guard.interrupted(signal.SIGINT, None)
    assert left.times == 1
    end.set()
