"""What the program does when the engine interrupts it.

The engine interrupts the program as soon as an update fails. Python's own answer is a page of traceback above the one
line that matters. A gate that is at work, above all one that is going back, is let finish first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

# To the language host this status means: the error has been shown already.
ERROR_ALREADY_SHOWN = 32
SECONDS_TO_ANSWER = 1.0
SECONDS_TO_PART = 3.0


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ERROR_ALREADY_SHOWN)


@dataclass
class Interruption:
    """Counts the gates at work and leaves without a word once none is."""

    leave: Callable[[], None] = _leave
    _at_work: int = field(default=0, init=False)
    _interrupted: bool = field(default=False, init=False)
    _leaving: bool = field(default=False, init=False)
    _partings: list[Callable[[], None]] = field(default_factory=list, init=False)

    def install(self) -> None:
        """Answer SIGINT and SIGTERM from now on."""
        signal.signal(signal.SIGINT, self.interrupted)
        signal.signal(signal.SIGTERM, self.interrupted)

    @property
    def is_interrupted(self) -> bool:
        """Whether the engine, or a person, wants the program to leave."""
        return self._interrupted

    def before_leaving(self, parting: Callable[[], None]) -> None:
        """Call `parting` when the program is interrupted, before it leaves; it has three seconds."""
        self._partings.append(parting)

    def interrupted(self, _number: int, _frame: FrameType | None) -> None:
        """Leave at once, or as soon as the last gate has finished."""
        self._interrupted = True
        if self._at_work == 0:
            self._part()

    @contextmanager
    def gate_at_work(self) -> Iterator[None]:
        """Keep the program until the body is done and its answer has had a second to reach the engine."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            if self._interrupted and self._at_work == 0:
                asyncio.get_running_loop().call_later(SECONDS_TO_ANSWER, self._part)

    def _part(self) -> None:
        if self._leaving:
            return
        self._leaving = True
        # In a thread of their own: this one may hold, under the signal, the very lock that a parting needs.
        partings = threading.Thread(target=self._call_partings, daemon=True)
        partings.start()
        partings.join(SECONDS_TO_PART)
        self.leave()

    def _call_partings(self) -> None:
        for parting in self._partings:
            parting()


INTERRUPTION = Interruption()
