"""The part of an API server that weights need: a route, the pods of both versions, and what is behind each Service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from cluster.api import Cluster
from cluster.names import CANARY, STABLE, Names
from tests.checks.fake_reader import selects
from tests.cluster.api_server import BASE, not_found
from tests.recorded import NAME, NAMESPACE, Json, pod

NAMES = Names(NAME, "release-manager", weighted=True)
SERVICES = {STABLE: NAMES.stable_service, CANARY: NAMES.canary_service}


def route(canary: int = 0) -> Json:
    """Return the HTTPRoute as a Gateway has accepted it."""
    weights = {NAMES.stable_service: 100 - canary, NAMES.canary_service: canary}
    backends = [{"kind": "Service", "name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    accepted = {"type": "Accepted", "status": "True", "reason": "Accepted"}
    parent = {"name": "public", "namespace": "gateways"}
    return {
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"parentRefs": [parent], "rules": [{"backendRefs": backends}]},
        "status": {"parents": [{"parentRef": parent, "conditions": [accepted]}]},
    }


def pod_of(track: str, name: str, *, ready: bool = True, serving: str = "yes") -> Json:
    found = pod(name, ready=ready)
    found["metadata"]["labels"] |= {"track": track, "serving": serving}
    return found


@dataclass
class RouteServer:
    """`behind` are the pods that the Services' endpoints name; `changed` lists what was changed, in order."""

    route: Json | None = field(default_factory=route)
    pods: list[Json] = field(default_factory=list)
    behind: set[str] | None = None
    changed: list[str] = field(default_factory=list)
    asked: int = 0

    def with_pods(self, *, stable: int, canary: int) -> RouteServer:
        """Give each version so many pods that serve."""
        self.pods = [
            pod_of(track, f"{track}-{number}")
            for track, count in ((STABLE, stable), (CANARY, canary))
            for number in range(count)
        ]
        return self

    def cluster(self) -> Cluster:
        return Cluster(httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)), NAMESPACE)

    @property
    def weights(self) -> tuple[int, int]:
        """The weights of stable and canary."""
        assert self.route is not None
        [rule] = self.route["spec"]["rules"]
        found = {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}
        return found[NAMES.stable_service], found[NAMES.canary_service]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        kind, _, name = request.url.path.partition(f"/namespaces/{NAMESPACE}/")[2].partition("/")
        handler: Callable[[httpx.Request, str], httpx.Response] = getattr(self, f"_{kind}")
        return handler(request, name)

    def _httproutes(self, request: httpx.Request, name: str) -> httpx.Response:
        if self.route is None or name != NAME:
            return not_found(f'httproutes.gateway.networking.k8s.io "{name}"')
        if request.method == "PATCH":
            assert request.headers["Content-Type"] == "application/json-patch+json"
            for change in json.loads(request.content):
                self._change(change)
            self.changed.append(f"weight {self.weights[1]}")
        return httpx.Response(200, json=self.route)

    def _change(self, change: Json) -> None:
        assert self.route is not None
        *steps, last = change["path"].strip("/").split("/")
        place = self.route
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if change["op"] == "test":
            assert place[last] == change["value"]
        else:
            place[last] = change["value"]

    def _pods(self, request: httpx.Request, _name: str) -> httpx.Response:
        selector = request.url.params["labelSelector"]
        return httpx.Response(200, json={"items": [each for each in self.pods if selects(selector, each)]})

    def _endpointslices(self, request: httpx.Request, _name: str) -> httpx.Response:
        service = request.url.params["labelSelector"].partition("=")[2]
        track = next(track for track, name in SERVICES.items() if name == service)
        names = [each["metadata"]["name"] for each in self.pods if each["metadata"]["labels"]["track"] == track]
        known = [name for name in names if self.behind is None or name in self.behind]
        endpoints = [{"targetRef": {"name": name}, "conditions": {"ready": True}} for name in known]
        return httpx.Response(200, json={"items": [{"endpoints": endpoints}]})

    def _deployments(self, request: httpx.Request, name: str) -> httpx.Response:
        assert request.method == "PATCH"
        self.changed.append(f"{name.removesuffix('/scale')} to {json.loads(request.content)['spec']['replicas']}")
        return httpx.Response(200, json={})
