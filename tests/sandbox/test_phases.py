"""A long command says what it does, and how each part ended."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from sandbox.phases import Phases


def phases(times: list[float]) -> tuple[Phases, io.StringIO]:
    written = io.StringIO()
    clock: Iterator[float] = iter(times)
    return Phases(console=Console(file=written, width=200), clock=lambda: next(clock)), written


def test_a_phase_ends_with_its_name_time_and_summary() -> None:
    running, written = phases([0.0, 12.5])
    with running.phase("images") as phase:
        phase.summary = "made base"
    assert written.getvalue() == "ok     images                    12.5 s  made base\n"


def test_a_phase_that_fails_says_so_and_passes_the_error_on() -> None:
    running, written = phases([0.0, 1.0])
    with pytest.raises(ValueError, match="broken"), running.phase("images"):
        raise ValueError("broken")
    assert written.getvalue().startswith("FAILED images")


def test_without_a_terminal_progress_is_a_line_every_ten_seconds_at_most() -> None:
    running, written = phases([0.0, 1.0, 10.0, 19.0, 20.0, 21.0])
    with running.phase("images") as phase:
        for step in range(4):
            phase.progress(f"step {step}")
    lines = written.getvalue().splitlines()
    assert [line for line in lines if line.startswith("  ..")] == [
        "  .. images, 10 s: step 1",
        "  .. images, 20 s: step 3",
    ]
