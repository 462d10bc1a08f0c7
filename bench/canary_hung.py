"""A server that takes every connection and never answers: Prometheus when it hangs."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
BACKLOG = 128


class HungServer:
    """Listens on a port of its own of 127.0.0.1 while it is entered; whoever asks waits until it gives up."""

    def __init__(self) -> None:
        self._listening = socket.create_server((LOOPBACK, 0), backlog=BACKLOG)
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, name="hung-server", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing alone would leave the thread in its accept().
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(1.0)
        for each in self._taken:
            each.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._taken.append(self._listening.accept()[0])
