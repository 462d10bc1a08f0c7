"""Runs the web application in one process, and ends it without losing a request."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Generator

import uvicorn
from fastapi import FastAPI

from release_manager.lifecycle import Lifecycle

LISTEN_ADDRESS = "0.0.0.0"  # noqa: S104 (in a container the service is for others)
BACKLOG = 2048
LONGEST_REQUEST_SECONDS = 15
# Longer than proxies keep an idle connection: closing first is theirs, or a request could meet a closed one.
KEEP_ALIVE_SECONDS = 120

log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """A server whose SIGTERM first makes it not ready, and stops it `drain_seconds` later.

    Until it stops it accepts connections: whoever routes requests needs a moment to see that it is not ready.
    Requests in flight get 15 seconds to finish. A second signal stops at once. The exit code is 0.
    """

    def __init__(self, config: uvicorn.Config, *, lifecycle: Lifecycle, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Listen to SIGTERM and SIGINT. uvicorn's own version raises the signal again, which is no exit 0."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._drain, each.name)
        yield

    def _drain(self, signal_name: str) -> None:
        if self._lifecycle.draining:
            log.info("%s again: stopping at once", signal_name)
            self._stop()
            self.force_exit = True
            return
        log.info("%s: draining for %g s, then stopping", signal_name, self._drain_seconds)
        self._lifecycle.draining = True
        asyncio.get_running_loop().call_later(self._drain_seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def listen(port: int) -> socket.socket:
    """Open the listening socket. Raises OSError when the port is busy or forbidden."""
    return socket.create_server((LISTEN_ADDRESS, port), backlog=BACKLOG)


def serve(app: FastAPI, listener: socket.socket, *, lifecycle: Lifecycle, drain_seconds: float) -> None:
    """Answer requests until a signal ends it."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LONGEST_REQUEST_SECONDS,
    )
    server = DrainingServer(config, lifecycle=lifecycle, drain_seconds=drain_seconds)
    asyncio.run(server.serve(sockets=[listener]))
