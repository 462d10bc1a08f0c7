"""What somebody who followed the guide by hand has on the cluster, and requests on it that never stop."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from sandbox.cluster.kubectl import Kubectl

STEADY_SECONDS = 120
# So long that an answer that is only late, on a machine with other work, is not taken for one that was lost.
ANSWER_SECONDS = 30
APP = {"app": "release-manager"}
SERVER = """
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"version": os.environ["RELEASE_VERSION"], "pod": os.environ["HOSTNAME"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("", 8080), Handler).serve_forever()
"""


def deployment(name: str, container: dict[str, Any], *, replicas: int = 3) -> dict[str, Any]:
    """Return a Deployment with what people add: a container of another name, a sidecar, a volume, a config."""
    sidecar = {"name": "sidecar", "image": container["image"], "command": ["sleep", "86400"]}
    app = {
        "name": "app",
        "ports": [{"containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": "by-hand"}}, *container.pop("envFrom", [])],
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
        **container,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"team": "payments"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": APP},
            "template": {
                "metadata": {"labels": APP},
                "spec": {
                    "terminationGracePeriodSeconds": 5,
                    "containers": [app, sidecar],
                    "volumes": [{"name": "cache", "emptyDir": {}}],
                },
            },
        },
    }


def service(name: str) -> dict[str, Any]:
    """Return the Service of the guide: one port, without a name, by number."""
    spec = {"type": "NodePort", "selector": APP, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "by-hand"}, "data": data}


def applied(kubectl: Kubectl, namespace: str, *documents: dict[str, Any]) -> None:
    """Run `kubectl apply` as people do, client-side."""
    listing = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
    kubectl.run("apply", "--filename=-", namespace=namespace, stdin=json.dumps(listing))


@dataclass
class Requests:
    """Requests on new connections, one after the other in each of a few threads, until the body is left."""

    host: str
    port: int
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    workers: int = 4
    pause_seconds: float = 0.02
    most_seconds: float = 300.0
    answered: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(self.workers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until_answered(self, count: int) -> None:
        """Go on until that many were answered."""
        deadline = time.monotonic() + STEADY_SECONDS
        while len(self.answered) < count:
            assert time.monotonic() < deadline, f"only {len(self.answered)} answers within {STEADY_SECONDS} s"
            time.sleep(0.1)

    def steady(self, in_a_row: int = 30) -> None:
        """Wait until that many requests were answered one after the other: the node knows the pods only then."""
        deadline, good = time.monotonic() + STEADY_SECONDS, 0
        while good < in_a_row:
            assert time.monotonic() < deadline, f"no {in_a_row} answers in a row within {STEADY_SECONDS} s"
            good = good + 1 if isinstance(self._ask(), dict) else 0
            time.sleep(0.01)

    def _ask(self) -> dict[str, Any] | str:
        """Return the answer, or why there was none."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", self.path, headers=self.headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        if answer.status != http.client.OK:
            return f"{answer.status}: {body[:100]!r}"
        found: dict[str, Any] = json.loads(body)
        return found

    def _ask_on(self) -> None:
        deadline = time.monotonic() + self.most_seconds
        while not self._stop.is_set() and time.monotonic() < deadline:
            answer = self._ask()
            if isinstance(answer, str):
                self.failed.append(answer)
            else:
                self.answered.append(answer)
            time.sleep(self.pause_seconds)
