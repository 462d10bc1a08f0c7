"""A namespace in memory in which somebody followed the guide by hand, with the part of the cluster that matters here.

The Deployment controller is the one thing that can go wrong: it takes over ReplicaSets without an owner that its
selector matches, knows one whose template is the Deployment's as the current one, and starts another where none is and
the Deployment is not paused. It looks whenever somebody reads a Deployment. `lag` makes it look that many reads late.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from cluster.api import Cluster
from cluster.names import Names
from cluster.selectors import labels_of, selects

Json = dict[str, Any]
BASE = "https://10.0.0.1:6443"
NAMESPACE = "production"
NAMES = Names("release-manager-prod", "release-manager")
HASH = "pod-template-hash"
APP = {"app": "release-manager"}
OURS = {**APP, "track": "stable"}


def template(version: str, labels: Json | None = None) -> Json:
    env = [{"name": "RELEASE_VERSION", "value": version}]
    ports = [{"containerPort": 8080, "protocol": "TCP"}]
    container = {"name": "app", "image": f"registry.internal/rm:{version}", "env": env, "ports": ports}
    return {"metadata": {"labels": {**(labels or APP)}}, "spec": {"containers": [container]}}


def service(**spec: Any) -> Json:
    wanted = {"selector": APP, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}], **spec}
    return {"metadata": {"name": NAMES.deployment}, "spec": wanted}


def ingress(name: str = NAMES.deployment, *, host: str = "api.internal", backend: str = NAMES.deployment) -> Json:
    path = {"path": "/", "backend": {"service": {"name": backend, "port": {"number": 80}}}}
    rule = {"host": host, "http": {"paths": [path]}}
    return {"metadata": {"name": name}, "spec": {"ingressClassName": "traefik", "rules": [rule]}}


@dataclass
class ByHandServer:
    """Objects by kind and name; `before_change` is called before each change, and may raise."""

    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    before_change: Callable[[str], None] = lambda _what: None
    lag: int = 0
    writes: int = 0

    def cluster(self) -> Cluster:
        return Cluster(httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)), NAMESPACE)

    def put(self, kind: str, item: Json) -> Json:
        self.writes += 1
        metadata = item["metadata"]
        metadata.setdefault("namespace", NAMESPACE)
        metadata.setdefault("uid", f"uid-{self.writes}")
        metadata["resourceVersion"] = str(self.writes)
        self.objects.setdefault(kind, {})[metadata["name"]] = item
        return item

    def follow_the_guide(self, *versions: str, selector: Json | None = None, labels: Json | None = None) -> None:
        """Put a Deployment with a ReplicaSet for each version; the last one runs, with three pods."""
        shown = {"matchLabels": selector or APP}
        spec = {"replicas": 3, "selector": shown, "template": template(versions[-1], labels)}
        metadata = {"name": NAMES.deployment, "generation": 1, "labels": {"team": "payments"}, "annotations": {}}
        deployment = self.put("deployments", {"metadata": metadata, "spec": spec, "status": {}})
        for version in versions:
            self._start(deployment, template(version, labels), running=version == versions[-1])
        self.put("services", service())

    def kind(self, name: str) -> dict[str, Json]:
        return self.objects.setdefault(name, {})

    @property
    def deployment(self) -> Json:
        return self.kind("deployments")[NAMES.deployment]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        kind, _, name = request.url.path.partition(f"/namespaces/{NAMESPACE}/")[2].partition("/")
        if request.method == "GET":
            return self._read(kind, name)
        self.before_change(f"{request.method} {kind}")
        body = json.loads(request.content)
        name = name or body["metadata"]["name"]
        found = self.kind(kind).get(name)
        if found is None and request.method != "POST":
            return httpx.Response(404, json={"message": "not found"})
        handler = {"POST": self._create, "DELETE": self._delete, "PUT": self._replace}.get(request.method)
        if handler is not None:
            return handler(kind, found or {}, body)
        generation = (found or {})["metadata"].get("generation", 0)
        if request.headers["Content-Type"] == "application/json-patch+json":
            return self._ok(kind, _json_patched(found or {}, body), generation=generation)
        return self._ok(kind, _merged(found or {}, body), generation=generation + 1)

    def _read(self, kind: str, name: str) -> httpx.Response:
        if kind == "deployments":
            self._control()
        if not name:
            return httpx.Response(200, json={"items": list(self.kind(kind).values())})
        found = self.kind(kind).get(name)
        return httpx.Response(200, json=found) if found else httpx.Response(404, json={"message": "not found"})

    def _ok(self, kind: str, item: Json, *, generation: int) -> httpx.Response:
        item["metadata"]["generation"] = generation
        return httpx.Response(200, json=self.put(kind, copy.deepcopy(item)))

    def _conflict(self) -> httpx.Response:
        return httpx.Response(409, json={"message": "the object has been modified"})

    def _create(self, kind: str, found: Json, body: Json) -> httpx.Response:
        return self._conflict() if found else self._ok(kind, {"status": {}, **body}, generation=1)

    def _replace(self, kind: str, found: Json, body: Json) -> httpx.Response:
        same = body["metadata"].get("resourceVersion") == found["metadata"]["resourceVersion"]
        return self._ok(kind, body, generation=1) if same else self._conflict()

    def _delete(self, kind: str, found: Json, options: Json) -> httpx.Response:
        assert options["propagationPolicy"] == "Orphan"
        asked = options["preconditions"]
        if asked != {key: found["metadata"][key] for key in asked}:
            return self._conflict()
        for each in self.kind("replicasets").values():
            each["metadata"].pop("ownerReferences", None)
        del self.kind(kind)[found["metadata"]["name"]]
        return httpx.Response(200, json={})

    def _control(self) -> None:
        if self.lag > 0:
            self.lag -= 1
            return
        for deployment in self.kind("deployments").values():
            sets = [each for each in self.kind("replicasets").values() if _claimed(each, deployment)]
            current = [each for each in sets if _bare(each["spec"]["template"]) == deployment["spec"]["template"]]
            if not current and not deployment["spec"].get("paused"):
                current = [self._start(deployment, deployment["spec"]["template"], running=True)]
                sets += current
            known = sum(each["spec"]["replicas"] for each in current)
            total = sum(each["spec"]["replicas"] for each in sets)
            generation = deployment["metadata"]["generation"]
            deployment["status"] = {"observedGeneration": generation, "replicas": total, "updatedReplicas": known}

    def _start(self, deployment: Json, wanted: Json, *, running: bool) -> Json:
        number = f"h{len(self.kind('replicasets')) + 1}"
        labels = {**wanted["metadata"]["labels"], HASH: number}
        name = f"{deployment['metadata']['name']}-{number}"
        owner = {"kind": "Deployment", "name": NAMES.deployment, "uid": deployment["metadata"]["uid"]}
        metadata = {"name": name, "labels": labels, "ownerReferences": [{**owner, "controller": True}]}
        shown = {**copy.deepcopy(wanted), "metadata": {"labels": dict(labels)}}
        count = 3 if running else 0
        made = self.put("replicasets", {"metadata": metadata, "spec": {"replicas": count, "template": shown}})
        for number_of_pod in range(count):
            reference = {"kind": "ReplicaSet", "name": name, "uid": made["metadata"]["uid"], "controller": True}
            about = {"name": f"{name}-{number_of_pod}", "labels": dict(labels), "ownerReferences": [reference]}
            self.put("pods", {"metadata": about, "spec": shown["spec"], "status": {"phase": "Running"}})
        return made


def _claimed(replica_set: Json, deployment: Json) -> bool:
    owners = replica_set["metadata"].get("ownerReferences")
    if owners:
        return bool(owners[0]["uid"] == deployment["metadata"]["uid"])
    if not selects(deployment["spec"]["selector"], labels_of(replica_set)):
        return False
    owner = {"kind": "Deployment", "name": deployment["metadata"]["name"], "uid": deployment["metadata"]["uid"]}
    replica_set["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    return True


def _bare(found: Json) -> Json:
    labels = {key: value for key, value in found["metadata"]["labels"].items() if key != HASH}
    return {**found, "metadata": {**found["metadata"], "labels": labels}}


def _merged(left: Json, patch: Json) -> Json:
    result = dict(left)
    for key, value in patch.items():
        known = result.get(key)
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(known or {}, value) if isinstance(value, dict) else value
    return result


def _json_patched(found: Json, patch: list[Json]) -> Json:
    result = copy.deepcopy(found)
    for change in patch:
        *parents, last = [step.replace("~1", "/") for step in change["path"].split("/")[1:]]
        below = result
        for step in parents:
            below = below[step]
        if change["op"] == "remove":
            del below[last]
        else:
            below[last] = change["value"]
    return result
