"""An API server in memory with stable and canary behind one Service, whose controllers take their time.

A pod is ready a few seconds after it was made. Stable moves as its Deployment says: one pod above its number at most,
none missing. Of two pods the one with the lower deletion cost goes first.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import httpx

from cluster.names import CANARY, STABLE, Names
from cluster.rollback.pod_template import as_canary
from tests.cluster.api_server import HEALTHY_LINE, ApiServer, not_found, template
from tests.fake_time import FakeTime
from tests.recorded import NAME, Json, container, pod, running, terminated, waiting

NAMES = Names(NAME, "release-manager")
STARTING_SECONDS = 3.0
_COST = "controller.kubernetes.io/pod-deletion-cost"


def serving_template(version: str, *, crash: bool = False) -> Json:
    """Return stable's template of a version, with the label that the Service selects by."""
    made = template(version, crash=crash)
    made["metadata"]["labels"]["serving"] = "yes"
    return made


@dataclass
class Track:
    """One Deployment: what it is told, and its ReplicaSets by the text of their template."""

    name: str
    track: str
    template: Json
    replicas: int
    sets: list[Json] = field(default_factory=list)


@dataclass
class TwoTracks(ApiServer):
    """`replicas` of stable run v1 in the beginning and its canary rests. Pods become ready as `time` passes."""

    time: FakeTime = field(default_factory=FakeTime)
    replicas: int = 10
    with_canary: bool = True
    route: Json | None = None
    service_selector: dict[str, str] = field(default_factory=lambda: {"app": "release-manager", "serving": "yes"})
    tracks: dict[str, Track] = field(default_factory=dict)
    least_serving: int = 0
    ready_at: dict[str, float] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=lambda: count(1))
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        stable = serving_template("v1")
        self.tracks[NAME] = Track(NAME, STABLE, stable, self.replicas)
        if self.with_canary:
            self.tracks[NAMES.canary] = Track(NAMES.canary, CANARY, as_canary(stable), 0)
        self.settle()
        self.time.seconds += STARTING_SECONDS
        self.settle()
        self.least_serving = self.replicas

    @property
    def stable(self) -> Track:
        return self.tracks[NAME]

    @property
    def canary(self) -> Track:
        return self.tracks[NAMES.canary]

    def release(self, version: str, canary: int, *, crash: bool = False) -> None:
        """Do what an update does up to a step: the canary runs `version` in so many ready pods."""
        self.canary.template, self.canary.replicas = as_canary(serving_template(version, crash=crash)), canary
        self.pass_time(STARTING_SECONDS)

    def move_stable(self, version: str, seconds: float) -> None:
        """Begin the last step, and let it go on for so long."""
        self.stable.template = serving_template(version)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self.settle()
            self.time.seconds += 0.5
        self.settle()

    def serving(self) -> list[str]:
        """Return the version of each ready pod in the Service."""
        return [_version(each) for each in self.pods if _ready(each) and self._selected(each)]

    def versions(self, track: str) -> list[str]:
        """Return the version of each pod of a track."""
        return [_version(each) for each in self.pods if each["metadata"]["labels"]["track"] == track]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.one_at_a_time:
            self.settle()
            answer = super().__call__(request)
            if request.method != "GET":
                self.settle()
            return answer

    def settle(self) -> None:
        """Let the controllers do all that can be done at this moment."""
        for each in self.pods:
            if self.time.seconds >= self.ready_at[each["metadata"]["name"]]:
                _make_ready(each)
        for track in self.tracks.values():
            while self._one_change(track):
                pass
        self.replica_sets = [each for track in self.tracks.values() for each in track.sets]
        self.least_serving = min(self.least_serving, len(self.serving()))

    def _pods_of(self, track: Track) -> list[Json]:
        owners = {found["metadata"]["uid"] for found in track.sets}
        return [each for each in self.pods if _owner(each) in owners]

    def _one_change(self, track: Track) -> bool:
        owner = self._owner(track)
        mine, newest = self._pods_of(track), owner["metadata"]["uid"]
        new = [each for each in mine if _owner(each) == newest]
        old = [each for each in mine if _owner(each) != newest]
        ready = sum(_ready(each) for each in mine)
        if len(new) > track.replicas:
            self.pods.remove(_first_to_go(new))
        elif old and (ready > track.replicas or not all(_ready(each) for each in old)):
            self.pods.remove(_first_to_go(old))
        elif len(new) < track.replicas and len(mine) < track.replicas + 1:
            self.pods.append(self._new_pod(track, owner))
        else:
            return False
        return True

    def _owner(self, track: Track) -> Json:
        for found in track.sets:
            if found["spec"]["template"] == track.template:
                if found is not track.sets[-1]:
                    track.sets.remove(found)
                    track.sets.append(found)
                break
        else:
            number = len(track.sets) + 1
            uid, label = f"uid-{track.track}-{number}", f"{track.track}-{number}"
            labels = {"app": "release-manager", "track": track.track, "pod-template-hash": label}
            owner = [{"kind": "Deployment", "name": track.name, "uid": f"uid-of-{track.name}"}]
            metadata = {"name": f"{track.name}-{label}", "uid": uid, "labels": labels, "ownerReferences": owner}
            track.sets.append({"metadata": metadata, "spec": {"template": track.template}, "status": {}})
        for revision, found in enumerate(track.sets, start=1):
            found["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
        return track.sets[-1]

    def _new_pod(self, track: Track, owner: Json) -> Json:
        name = f"{track.name}-{next(self.names)}"
        status = container(running())
        crashes = track.template.get("x", {}).get("crash")
        if crashes:
            status = container(waiting("CrashLoopBackOff"), last=terminated(1), restarts=2)
        made = pod(name, status)
        made["metadata"]["labels"] = {**track.template["metadata"]["labels"], **owner["metadata"]["labels"]}
        made["metadata"]["ownerReferences"][0]["uid"] = owner["metadata"]["uid"]
        self.ready_at[name] = float("inf") if crashes else self.time.seconds + STARTING_SECONDS
        self.logs[name] = [HEALTHY_LINE]
        return made

    def _selected(self, each: Json) -> bool:
        return bool(self.service_selector.items() <= each["metadata"]["labels"].items())

    def _deployments(self, request: httpx.Request, name: str) -> httpx.Response:
        name, _, below = name.partition("/")
        track = self.tracks.get(name)
        if track is None:
            return not_found(f'deployments.apps "{name}"')
        if request.method == "PATCH":
            change = json.loads(request.content)
            if below == "scale":
                track.replicas = change["spec"]["replicas"]
            else:
                track.template = change[0]["value"]
        return httpx.Response(200, json=self._shown(track))

    def _replicasets(self, request: httpx.Request, name: str) -> httpx.Response:
        assert (request.method, name) == ("GET", "")
        return self._listed(request, self.replica_sets)

    def _httproutes(self, request: httpx.Request, name: str) -> httpx.Response:
        if self.route is None:
            return not_found(f'httproutes "{name}"')
        if request.method == "PATCH":
            for change in json.loads(request.content):
                _, _, _, rule, _, backend, key = change["path"].split("/")
                if change["op"] == "add":
                    self.route["spec"]["rules"][int(rule)]["backendRefs"][int(backend)][key] = change["value"]
        return httpx.Response(200, json=self.route)

    def _endpointslices(self, request: httpx.Request, name: str) -> httpx.Response:
        assert (request.method, name) == ("GET", "")
        service = request.url.params["labelSelector"].partition("=")[2]
        track = {f"{NAME}-{STABLE}": STABLE, f"{NAME}-{CANARY}": CANARY}.get(service)
        endpoints = [
            {"targetRef": {"name": each["metadata"]["name"]}, "conditions": {"ready": _ready(each)}}
            for each in self.pods
            if self._selected(each) and track in {None, each["metadata"]["labels"]["track"]}
        ]
        return httpx.Response(200, json={"items": [{"endpoints": endpoints}]})

    def _shown(self, track: Track) -> Json:
        owner = self._owner(track)
        mine = self._pods_of(track)
        ready = sum(_ready(each) for each in mine)
        updated = sum(_owner(each) == owner["metadata"]["uid"] for each in mine)
        counts = {"replicas": len(mine), "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready}
        metadata = {"name": track.name, "uid": f"uid-of-{track.name}", "generation": 1}
        return {
            "metadata": {**metadata, "annotations": owner["metadata"]["annotations"]},
            "spec": {"replicas": track.replicas, "template": track.template},
            "status": {"observedGeneration": 1, **counts},
        }


def _ready(each: Json) -> bool:
    return any(found["type"] == "Ready" and found["status"] == "True" for found in each["status"]["conditions"])


def _make_ready(each: Json) -> None:
    for found in each["status"]["conditions"]:
        found["status"] = "True"
    each["status"]["containerStatuses"][0]["ready"] = True


def _owner(each: Json) -> str:
    uid: str = each["metadata"]["ownerReferences"][0]["uid"]
    return uid


def _version(each: Json) -> str:
    version: str = each["metadata"]["labels"]["app.kubernetes.io/version"]
    return version


def _first_to_go(found: list[Json]) -> Json:
    def order(each: Json) -> tuple[bool, int]:
        return _ready(each), int(each["metadata"].get("annotations", {}).get(_COST, "0"))

    return min(found, key=order)
