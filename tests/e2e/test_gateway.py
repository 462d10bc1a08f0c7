"""Exact weights: on a Gateway 10 % of the requests are 10 % with three pods, and no change of weights loses one."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from cluster.access import connect
from cluster.api import Cluster
from cluster.canary.pods import let_canary_go
from cluster.canary.weights import GATEWAY_API, ROUTES, canary_weight, share_out, take_weight_off
from cluster.names import CANARY, NOT_SERVING, SERVING, STABLE, Names
from sandbox.ingress import gateway, ingress
from sandbox.paths import REPOSITORY
from sandbox.world import World
from tests.e2e.stack import Stack
from tests.plugins import conformance
from tests.stack_values import CANARY as CANARY_SETTINGS
from tests.stack_values import stack_values

pytestmark = pytest.mark.thorough

PORT, GATEWAY = ingress.HTTP_PORT, gateway.NAME
HOST = "gateway-test.internal"
READY_SECONDS = 180.0
# Far longer than Traefik takes to take over a weight.
TAKEN_OVER_SECONDS = 2.0
REQUESTS = 1000
NAMES = Names("release-manager-staging", "release-manager", weighted=True)
# Answers which version it is, and goes on answering for a while after it was told to end, as the application does.
SERVER = """
import http.server, os, signal, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = os.environ["TRACK"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        return
server = http.server.ThreadingHTTPServer(("", 8080), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Timer(3, server.shutdown).start())
server.serve_forever()
"""


def deployment(track: str, replicas: int, image: str) -> dict[str, Any]:
    labels = {"app": NAMES.app, "track": track}
    container = {
        "name": "api",
        "image": image,
        "command": ["python3", "-c", SERVER],
        "env": [{"name": "TRACK", "value": track}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "50m"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 5},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAMES.deployment if track == STABLE else NAMES.canary},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, **SERVING}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 10},
            },
        },
    }


@dataclass
class Site:
    """Three pods of stable and as many of the canary as a test wants, behind an HTTPRoute that a program declares."""

    cluster: Cluster
    program: conformance.Stack
    settings: dict[str, Any]

    def declare(self, host: str = HOST) -> None:
        self.settings["health"]["url"] = f"http://{host}/health"
        (self.program.directory / "settings.json").write_text(json.dumps(self.settings))

    def route(self) -> dict[str, Any]:
        found = self.cluster.get(GATEWAY_API, ROUTES, NAMES.deployment)
        assert found is not None
        return found

    def has_share(self, percent: int, pods: int) -> bool:
        """Do what a gate does at each look; return whether the canary has its share."""
        share_out(self.cluster, NAMES, percent=percent, pods=pods)
        return canary_weight(self.cluster, NAMES) == percent

    def go_back(self) -> None:
        """Take the weight off and the pods out of service at once, as a rollback does."""
        take_weight_off(self.cluster, NAMES)
        for pod in self.cluster.pods(NAMES.selector(CANARY)):
            self.cluster.label_pod(pod.metadata.name, NOT_SERVING)
        self.cluster.scale(NAMES.canary, 0)

    def finish(self) -> None:
        """Let the canary go, as the last step does."""
        let_canary_go(self.cluster, NAMES)


@dataclass
class Asking:
    """Asks for the host all the time, on a few connections; `answers` tells who answered, in order."""

    answers: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", headers={"Host": HOST}) as client:
            while not self._over.wait(0.01):
                self.answers.append(_answer(client))


def _answer(client: httpx.Client) -> str:
    try:
        answer = client.get("/", timeout=5)
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    return answer.text if answer.is_success else f"{answer.status_code} {answer.text}".strip()


def asked_once() -> str:
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", headers={"Host": HOST}) as client:
        return _answer(client)


@pytest.fixture
def site(
    world: World,
    stack: Stack,
    namespace: str,
    tmp_path: Path,
    eventually: Callable[[Callable[[], bool], str], None],
) -> Iterator[Site]:
    kubeconfig = str(world.paths.kubeconfig)
    wanted = stack_values(
        **{**CANARY_SETTINGS, "rollout__replicas": 3},
        ingress={"gateway": {"name": GATEWAY, "namespace": gateway.NAMESPACE, "listener": gateway.HTTP}},
        cluster={"kubeconfig": kubeconfig, "context": "release-manager-sandbox", "namespace": namespace},
        image__context=str(REPOSITORY / "sandbox" / "app"),
    )
    environment = {**stack.runner.environment.over(os.environ), "PYTHONPATH": str(REPOSITORY)}
    program = conformance.make_stack(
        "route", tmp_path / "route", str(stack.runner.cli.program), environment, sys.prefix
    )
    site = Site(connect(kubeconfig, "release-manager-sandbox", namespace), program, wanted)
    site.declare()
    for track, replicas in ((STABLE, 3), (CANARY, 0)):
        document = deployment(track, replicas, world.images.base)
        document["metadata"]["namespace"] = namespace
        world.kubectl.apply([document])
    program.up()
    world.kubectl.wait(
        f"deployment/{NAMES.deployment}", until="condition=Available", namespace=namespace, seconds=READY_SECONDS
    )
    eventually(lambda: asked_once() == STABLE, "an answer of stable through the Gateway")
    yield site
    program.destroy()


def test_a_share_is_exact_with_three_pods_and_no_change_of_it_loses_a_request(
    site: Site, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    with Asking() as asking:
        for percent, pods, end in ((10, 1, site.go_back), (50, 3, site.finish)):
            site.cluster.scale(NAMES.canary, pods)
            eventually(lambda: site.has_share(percent, pods), f"{percent} % for the canary")  # noqa: B023
            time.sleep(TAKEN_OVER_SECONDS)
            begin = len(asking.answers)
            eventually(lambda: len(asking.answers) >= begin + REQUESTS, f"{REQUESTS} answers")  # noqa: B023
            counted, share = Counter(asking.answers[begin : begin + REQUESTS]), percent / 100
            # Three standard deviations of what chance alone does.
            assert abs(counted[CANARY] - REQUESTS * share) <= 3 * (REQUESTS * share * (1 - share)) ** 0.5, counted
            end()
            time.sleep(TAKEN_OVER_SECONDS)
            begin = len(asking.answers)
            eventually(lambda: len(asking.answers) >= begin + REQUESTS, f"{REQUESTS} answers")  # noqa: B023
            assert set(asking.answers[begin:]) == {STABLE}
    assert set(asking.answers) == {STABLE, CANARY}, "no request was lost"


def test_the_engine_leaves_the_weights_of_a_step_alone(
    site: Site, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    assert site.program.preview() == {}
    site.cluster.scale(NAMES.canary, 1)
    eventually(lambda: site.has_share(10, 1), "10 % for the canary")
    assert site.program.preview() == {}
    site.declare(host="another.internal")
    planned = site.program.preview()
    assert planned["rollout-route"].paths == {"spec.hostnames[0]"}
    site.program.up()
    assert site.route()["spec"]["hostnames"] == ["another.internal"]
    assert canary_weight(site.cluster, NAMES) == 10
    assert take_weight_off(site.cluster, NAMES)
    assert site.program.preview() == {}
