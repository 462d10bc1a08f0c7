"""What may go wrong around a release while it is measured; in the end each is put right again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.operated import instances
from sandbox.services.prometheus import NAMESPACE
from sandbox.world import World

API_SERVER = "kube-apiserver"
READY_SECONDS = 90.0
GONE_SECONDS = 10.0
# Longer than any time-out of a client.
SILENT_SECONDS = 120.0
Prometheus = dict[str, Any]


@contextmanager
def prometheus_down(world: World) -> Iterator[Prometheus]:
    """Run no Prometheus at all; gives the settings with which a release asks it."""
    operated, name = f"prometheus/{instances.NAME}", f"prometheus-{instances.NAME}"
    try:
        # The operator takes 0 pods for 1, and scales back what others scale: unless it is paused.
        _pause(world, operated, paused=True)
        world.kubectl.run("scale", f"statefulset/{name}", "--replicas=0", namespace=NAMESPACE)
        world.kubectl.wait(f"pod/{name}-0", until="delete", namespace=NAMESPACE, seconds=READY_SECONDS)
        yield {}
    finally:
        _pause(world, operated, paused=False)
        world.kubectl.wait(operated, until="condition=Available", namespace=NAMESPACE, seconds=READY_SECONDS)


def _pause(world: World, operated: str, *, paused: bool) -> None:
    change = json.dumps({"spec": {"paused": paused}})
    world.kubectl.run("patch", operated, "--type=merge", f"--patch={change}", namespace=NAMESPACE)


@contextmanager
def prometheus_silent(_world: World) -> Iterator[Prometheus]:
    """Let every question to Prometheus wait for its answer; gives the settings with which a release asks it."""
    over = threading.Event()

    def wait(_request: BaseHTTPRequestHandler) -> None:
        over.wait(SILENT_SECONDS)

    with _server(wait) as url:
        try:
            yield {"url": url}
        finally:
            over.set()


@contextmanager
def prometheus_talking_nonsense(_world: World) -> Iterator[Prometheus]:
    """Let every question to Prometheus be answered with a page; gives the settings with which a release asks it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        body = b"<html>It works!</html>"
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with _server(answer) as url:
        yield {"url": url}


def kill_api_server(world: World) -> None:
    """End the API server as a machine that fails ends it, and start it again. Returns when it answers."""
    pid = world.processes.running(API_SERVER)
    assert pid is not None, "the API server of the sandbox does not run"
    try:
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + GONE_SECONDS
        while world.processes.running(API_SERVER) == pid:
            assert time.monotonic() < deadline, f"the API server did not end within {GONE_SECONDS:g} s"
            time.sleep(0.01)
    finally:
        print(world.cluster.start(lambda _text: None))


@contextmanager
def _server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
