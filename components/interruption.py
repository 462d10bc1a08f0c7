"""What the program does when the engine interrupts it.

The engine interrupts the program as soon as an update fails. Python's own answer is a page of traceback above the one
line that matters. A gate that is at work, above all one that is going back, is let finish first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

# To the language host this status means: the error has been shown already.
ERROR_ALREADY_SHOWN = 32
SECONDS_TO_ANSWER = 1.0


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

    def install(self) -> None:
        """Answer SIGINT from now on."""
        signal.signal(signal.SIGINT, self.interrupted)

    def interrupted(self, _number: int, _frame: FrameType | None) -> None:
        """Leave at once, or as soon as the last gate has finished."""
        self._interrupted = True
        if self._at_work == 0:
            self.leave()

    @contextmanager
    def gate_at_work(self) -> Iterator[None]:
        """Keep the program until the body is done and its answer has had a second to reach the engine."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            if self._interrupted and self._at_work == 0:
                asyncio.get_running_loop().call_later(SECONDS_TO_ANSWER, self.leave)


INTERRUPTION = Interruption()
