"""A small Kubernetes API server in memory, with a controller that rolls Deployments out at once.

It stands behind httpx.MockTransport. `fails` lets single calls be answered with what a real server may answer; `runs`
turns a Job that is created into the Job, pods and logs that it has a moment later.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from cluster.api import Cluster
from tests.checks.fake_reader import selects
from tests.recorded import (
    DEPLOYMENT_UID,
    NAME,
    NAMESPACE,
    Json,
    container,
    deployment,
    pod,
    replica_set,
    running,
    terminated,
    waiting,
)

BASE = "https://10.0.0.1:6443"
HEALTHY_LINE = json.dumps({"level": "INFO", "message": "listening"})
Failure = httpx.Response | Exception


def template(version: str, *, crash: bool = False, stuck: bool = False) -> Json:
    """Return a pod template whose pods run, crash in a loop, or never get ready."""
    env = [{"name": "RELEASE_VERSION", "value": version}, {"name": "FEATURE", "value": f"of-{version}"}]
    api = {"name": "api", "image": f"registry.internal/release-manager@sha256:{version}", "env": env}
    labels = {"app": "release-manager", "track": "stable", "app.kubernetes.io/version": version}
    return {"metadata": {"labels": labels}, "spec": {"containers": [api]}, "x": {"crash": crash, "stuck": stuck}}


def not_found(what: str) -> httpx.Response:
    return httpx.Response(404, json={"kind": "Status", "message": f"{what} not found", "reason": "NotFound"})


@dataclass
class ApiServer:
    config_maps: dict[str, Json] = field(default_factory=dict)
    leases: dict[str, Json] = field(default_factory=dict)
    deployment: Json | None = None
    resting: Json | None = None
    replica_sets: list[Json] = field(default_factory=list)
    pods: list[Json] = field(default_factory=list)
    jobs: dict[str, Json] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    fails: Callable[[httpx.Request], Failure | None] = lambda _request: None
    runs: Callable[[Json], tuple[Json, list[Json], dict[str, list[str]]]] | None = None
    templates: list[Json] = field(default_factory=list)
    service_selector: dict[str, str] = field(default_factory=lambda: {"app": "release-manager"})

    def cluster(self) -> Cluster:
        return Cluster(httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)), NAMESPACE)

    def deploy(self, wanted: Json) -> None:
        """Put `wanted` in place as the pod template and let the controller do its work."""
        if wanted not in self.templates:
            self.templates.append(wanted)
        number = self.templates.index(wanted) + 1
        state: dict[str, Any] = wanted.get("x", {})
        ready = not (state.get("crash") or state.get("stuck"))
        revision = str(len(self.replica_sets) + 1)
        self.replica_sets = [found for found in self.replica_sets if found["metadata"]["uid"] != f"uid-hash-{number}"]
        owner = replica_set(f"hash-{number}", revision=revision)
        owner["spec"]["template"] = wanted
        self.replica_sets.append(owner)
        self.deployment = deployment(revision=revision, available=2 if ready else 0, template=wanted)
        status = container(running(), ready=ready)
        if state.get("crash"):
            status = container(waiting("CrashLoopBackOff"), last=terminated(1), restarts=2)
        names = [f"{NAME}-hash-{number}-{letter}" for letter in "ab"]
        self.pods = [pod(name, status, template_hash=f"hash-{number}", ready=ready) for name in names]
        for each in self.pods:
            each["metadata"]["ownerReferences"][0]["uid"] = owner["metadata"]["uid"]
        self.logs |= {name: [HEALTHY_LINE] for name in names}

    @property
    def version(self) -> str:
        assert self.deployment is not None
        found: str = self.deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/version"]
        return found

    def written(self) -> list[tuple[str, str]]:
        """Return method and last part of the path of each request that changes something."""
        return [(each.method, each.url.path.rpartition("/")[2]) for each in self.requests if each.method != "GET"]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        failure = self.fails(request)
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            return failure
        kind, _, name = request.url.path.partition(f"/namespaces/{NAMESPACE}/")[2].partition("/")
        handler: Callable[[httpx.Request, str], httpx.Response] = getattr(self, f"_{kind}")
        return handler(request, name)

    def _deployments(self, request: httpx.Request, name: str) -> httpx.Response:
        if self.resting is not None and name == f"{NAME}-canary" and request.method == "GET":
            return httpx.Response(200, json=self.resting)
        if self.deployment is None or name != NAME:
            return not_found(f'deployments.apps "{name}"')
        if request.method == "PATCH":
            assert request.headers["Content-Type"] == "application/json-patch+json"
            [change] = json.loads(request.content)
            assert (change["op"], change["path"]) == ("replace", "/spec/template")
            self.deploy(change["value"])
        return httpx.Response(200, json=self.deployment)

    def _replicasets(self, request: httpx.Request, name: str) -> httpx.Response:
        assert (request.method, name) == ("GET", "")
        assert all(found["metadata"]["ownerReferences"][0]["uid"] == DEPLOYMENT_UID for found in self.replica_sets)
        return self._listed(request, self.replica_sets)

    def _pods(self, request: httpx.Request, name: str) -> httpx.Response:
        if name.endswith("/log"):
            lines = self.logs.get(name.removesuffix("/log"))
            if lines is None:
                return httpx.Response(400, json={"message": "container is waiting to start"})
            if "limitBytes" in request.url.params:
                text = "".join(f"{line}\n" for line in lines).encode()
                return httpx.Response(200, content=text[: int(request.url.params["limitBytes"])])
            return httpx.Response(200, text="\n".join(lines[-int(request.url.params["tailLines"]) :]))
        if request.method == "PATCH":
            return self._labelled(request, name)
        return self._listed(request, self.pods)

    def _labelled(self, request: httpx.Request, name: str) -> httpx.Response:
        assert request.headers["Content-Type"] == "application/merge-patch+json"
        change = json.loads(request.content)["metadata"]
        found = next((each for each in self.pods if each["metadata"]["name"] == name), None)
        if found is None:
            return not_found(f'pods "{name}"')
        for kind in ("labels", "annotations"):
            found["metadata"][kind] = {**found["metadata"].get(kind, {}), **change[kind]}
        return httpx.Response(200, json=found)

    def _services(self, request: httpx.Request, name: str) -> httpx.Response:
        assert request.method == "GET"
        return httpx.Response(200, json={"metadata": {"name": name}, "spec": {"selector": self.service_selector}})

    def _endpointslices(self, request: httpx.Request, name: str) -> httpx.Response:
        assert (request.method, name) == ("GET", "")
        assert request.url.params["labelSelector"] == f"kubernetes.io/service-name={NAME}"
        wanted = ",".join(f"{key}={value}" for key, value in self.service_selector.items())
        endpoints = [
            {
                "targetRef": {"kind": "Pod", "name": each["metadata"]["name"]},
                "conditions": {"ready": any(x == {**x, "type": "Ready", "status": "True"} for x in _conditions(each))},
            }
            for each in self.pods
            if selects(wanted, each)
        ]
        return httpx.Response(200, json={"items": [{"endpoints": endpoints}]})

    def _events(self, request: httpx.Request, name: str) -> httpx.Response:
        assert (request.method, name) == ("GET", "")
        return httpx.Response(200, json={"items": []})

    def _jobs(self, request: httpx.Request, name: str) -> httpx.Response:
        if request.method == "POST":
            assert self.runs is not None, "no Job is expected"
            wanted = json.loads(request.content)
            job, pods, logs = self.runs(wanted)
            self.jobs[wanted["metadata"]["name"]] = job
            self.pods += pods
            self.logs |= logs
            return httpx.Response(201, json=job)
        if name not in self.jobs:
            return not_found(f'jobs.batch "{name}"')
        found = self.jobs.pop(name) if request.method == "DELETE" else self.jobs[name]
        return httpx.Response(200, json=found)

    def _configmaps(self, request: httpx.Request, name: str) -> httpx.Response:
        return self._kept(request, name, self.config_maps)

    def _leases(self, request: httpx.Request, name: str) -> httpx.Response:
        return self._kept(request, name, self.leases)

    @staticmethod
    def _kept(request: httpx.Request, name: str, kept: dict[str, Json]) -> httpx.Response:
        if request.method == "GET" and not name:
            return ApiServer._listed(request, list(kept.values()))
        if request.method in {"GET", "DELETE"} and name not in kept:
            return not_found(f'"{name}"')
        if request.method == "DELETE":
            return httpx.Response(200, json=kept.pop(name))
        if request.method == "GET":
            return httpx.Response(200, json=kept[name])
        body = json.loads(request.content)
        name = body["metadata"]["name"]
        before = kept.get(name)
        wanted = body["metadata"].get("resourceVersion")
        known = before["metadata"]["resourceVersion"] if before else None
        if wanted != known:
            return httpx.Response(409, json={"message": "the object has been modified", "reason": "Conflict"})
        body["metadata"]["resourceVersion"] = str(int(known or "0") + 1)
        kept[name] = body
        return httpx.Response(201 if before is None else 200, json=body)

    @staticmethod
    def _listed(request: httpx.Request, found: list[Json]) -> httpx.Response:
        selector = request.url.params["labelSelector"]
        return httpx.Response(200, json={"items": [item for item in found if selects(selector, item)]})


def _conditions(pod_: Json) -> list[Json]:
    found: list[Json] = pod_["status"]["conditions"]
    return found


def config_map(name: str, data: dict[str, str]) -> Json:
    return {"metadata": {"name": name, "namespace": NAMESPACE, "resourceVersion": "7"}, "data": data}
