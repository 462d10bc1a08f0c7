"""The gRPC server of a plug-in: it prints its port, serves, and ends with its engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

# The engine runs as many resource operations at once as the program's graph allows, and each may wait for minutes.
WORKERS = 128
UNBOUNDED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
PARENT_CHECK_SECONDS = 1.0
GRACE_SECONDS = 2.0


def engine_address() -> str:
    """Return the engine's gRPC address: the last argument that is not an option (empty when attached later)."""
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    return arguments[-1] if arguments else ""


def serve(servicer: provider_pb2_grpc.ResourceProviderServicer) -> None:
    """Serve a resource provider until the engine ends it or is gone itself."""
    serve_with(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server))


def serve_with(register: Callable[[grpc.Server], None], on_stop: Callable[[], None] | None = None) -> None:
    """Start a server on a free port of 127.0.0.1, print the port for the engine, and serve until told to stop.

    SIGTERM, SIGINT and the end of the parent process stop the server; `on_stop` runs once before it closes.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS), options=UNBOUNDED)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    stop = threading.Event()
    parent = os.getppid()

    def ask_to_stop(*_: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # A killed engine cannot say goodbye: a plug-in that lives on could still change the cluster.
    while os.getppid() == parent and not stop.wait(PARENT_CHECK_SECONDS):
        continue
    if on_stop is not None:
        on_stop()
    server.stop(GRACE_SECONDS).wait(GRACE_SECONDS * 2)
    # Calls that still wait for the cluster hold threads which an ordinary exit would join.
    os._exit(0)
