"""An interrupted program leaves without a word, but never under the feet of a gate at work."""

from __future__ import annotations

import asyncio
import signal

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


def test_it_answers_the_signal_of_the_engine() -> None:
    before, left = signal.getsignal(signal.SIGINT), Left()
    try:
        Interruption(leave=left).install()
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert left.times == 1
