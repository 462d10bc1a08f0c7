"""Whether the engine that started this program is still there.

The program of an engine that was killed lives on, and its hooks with it: they must find out by themselves.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

CONNECT_SECONDS = 1.0
BELIEVED_SECONDS = 0.5
OPTION = "--engine"

Address = tuple[str, int]


def engine_address(arguments: Sequence[str]) -> Address | None:
    """Return the address that the language host gave this program, or None where there is no engine."""
    found = ""
    for argument, following in zip(arguments, [*arguments, ""][1:], strict=True):
        if argument == OPTION:
            found = following
        elif argument.startswith(f"{OPTION}="):
            found = argument.partition("=")[2]
        if found:
            break
    host, _, port = found.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdecimal() else None


def listens(address: Address) -> bool:
    """Whether something listens at `address`, which is on this machine.

    Only a refusal is proof that nothing does: an engine may be too busy to answer in time, and this process may have
    no socket left.
    """
    try:
        with socket.create_connection(address, timeout=CONNECT_SECONDS):
            return True
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    except OSError:
        return True


@dataclass
class Engine:
    """The engine at `address`; None stands for one whose address is not known, of which only the parent tells.

    An engine that was once seen to be gone stays gone, whoever gets its address next. Safe to use from several
    threads.
    """

    address: Address | None
    parent: Callable[[], int] = os.getppid
    now: Callable[[], float] = time.monotonic
    reached: Callable[[Address], bool] = listens
    _started_under: int = field(default=0, init=False)
    _asked_at: float | None = field(default=None, init=False)
    _gone: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._started_under = self.parent()

    def is_alive(self) -> bool:
        """Whether the engine listens and our parent is the one we started under; asked twice a second at most."""
        with self._lock:
            now = self.now()
            if not self._gone and (self._asked_at is None or now - self._asked_at >= BELIEVED_SECONDS):
                self._gone = self.parent() != self._started_under or not self._answers()
                self._asked_at = now
            return not self._gone

    def _answers(self) -> bool:
        return self.address is None or self.reached(self.address)


_ENGINE = Engine(engine_address(sys.orig_argv))


def engine_is_alive() -> bool:
    """Whether the engine of this program is still there."""
    return _ENGINE.is_alive()
