"""Phases of a long command: each with its name, progress and elapsed time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.status import Status

PLAIN_INTERVAL_SECONDS = 10.0


@dataclass(frozen=True)
class Timing:
    """How long one phase took, in seconds, and its closing words."""

    name: str
    seconds: float
    summary: str


@dataclass
class Phase:
    """The phase that runs now. `progress` says what is being done or waited for; `summary` is its closing line."""

    name: str
    started: float
    show: Callable[[str], None]
    summary: str = ""

    def progress(self, message: str) -> None:
        """Show `message` beside the phase's name and elapsed time."""
        self.show(message)


@dataclass
class Phases:
    """Prints phases as they run.

    On a terminal the running phase is one line that is rewritten; elsewhere its progress is printed as plain lines,
    at most one every ten seconds, so that a log stays short.
    """

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    clock: Callable[[], float] = time.monotonic
    timings: list[Timing] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str, *, prints: bool = False) -> Iterator[Phase]:
        """Run the body as phase `name`; its line tells how it ended and how long it took.

        `prints` says that the body writes to the terminal itself: no line of ours may then be in its way.
        """
        started = self.clock()
        failed = True
        with ExitStack() as terminal:
            show = self._plain(name, started)
            if self.console.is_terminal and not prints:
                status = terminal.enter_context(self.console.status(name))
                show = partial(_rewrite, status, name)
            current = Phase(name, started, show)
            try:
                yield current
                failed = False
            finally:
                self._close(current, failed=failed)

    def _plain(self, name: str, started: float) -> Callable[[str], None]:
        last = started

        def show(message: str) -> None:
            nonlocal last
            now = self.clock()
            if now - last >= PLAIN_INTERVAL_SECONDS:
                last = now
                self.console.print(f"  .. {name}, {now - started:.0f} s: {message}", markup=False)

        return show

    def _close(self, phase: Phase, *, failed: bool) -> None:
        seconds = self.clock() - phase.started
        self.timings.append(Timing(phase.name, seconds, phase.summary))
        mark = "FAILED" if failed else "ok"
        self.console.print(f"{mark:<6} {phase.name:<22} {seconds:7.1f} s  {phase.summary}", markup=False)


def _rewrite(status: Status, name: str, text: str) -> None:
    status.update(f"{name}: {text}")
