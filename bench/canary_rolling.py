"""A plain rolling update beside production: a Deployment with probes, behind a Service and an Ingress of its own.

It runs the image and the environment of production's stable with production's backing services, 9 pods, maxSurge 1,
maxUnavailable 0; nothing but its probes looks at it. So it stands for what `kubectl set image` alone does, and no
release of production can be harmed by it. Its bad version stays: the probes ask `/readyz` and `/livez`, which are well.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from bench.canary_cases import IsBad
from bench.canary_figures import Exposure, exposure
from sandbox.cluster.kubectl import Kubectl
from sandbox.errors import SandboxError
from sandbox.load.load import Load
from sandbox.load.target import PATH, Target
from sandbox.world import World

NAME = "plain-rolling-update"
HOST = "rolling.internal"
GOOD, BAD = "plain-good", "plain-bad"
REPLICAS = 9
VERSION = "RELEASE_VERSION"
WATCHED_SECONDS = 60.0
# Until the first bad answer: a pod's start, and with few errors some hundred requests more.
FIRST_SECONDS = 90.0
ROLLOUT_SECONDS = 180.0
LOOK_SECONDS = 0.5
BEFORE_SECONDS = 2.0
Document = dict[str, Any]


@dataclass(frozen=True)
class PlainRolling:
    """The Deployment, in `namespace`, made of the pod template of Deployment `model` there."""

    world: World
    namespace: str
    model: str

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Have it stand with its good version; it is deleted after the body, and before it where one was left."""
        self._delete()
        try:
            template = self._template()
            self._kubectl.apply([self._deployment(template, GOOD, {}), *self._way_in(template)])
            self._rolled_out()
            self._answers()
            yield
        finally:
            self._delete()

    def update(self, environment: Mapping[str, str], is_bad: IsBad, rate: int) -> Exposure:
        """Replace the good version by a bad one under load; return what that does in a minute."""
        load = Load(
            self.world.vegeta(lambda _text: None).program,
            Target(httpx.URL(f"http://{HOST}{PATH}")),
            rate=rate,
            seconds=BEFORE_SECONDS + FIRST_SECONDS + WATCHED_SECONDS,
        )
        with load:
            load.wait(BEFORE_SECONDS)
            self._kubectl.apply([self._deployment(self._template(), BAD, environment)])
            first = time.monotonic()
            while not any(answer.version == BAD and is_bad(answer) for answer in load.results()):
                if time.monotonic() - first > FIRST_SECONDS:
                    raise SandboxError(f"no bad answer within {FIRST_SECONDS:.0f} s", mend="make bench-canary again")
                time.sleep(LOOK_SECONDS)
            load.wait(WATCHED_SECONDS)
        return exposure(load.results(), BAD, is_bad, within_seconds=WATCHED_SECONDS)

    @property
    def _kubectl(self) -> Kubectl:
        return self.world.kubectl

    def _template(self) -> Document:
        found = self._kubectl.get_json("deployment", self.model, namespace=self.namespace)
        template: Document = found["spec"]["template"]
        return template

    def _deployment(self, template: Document, version: str, environment: Mapping[str, str]) -> Document:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME, "namespace": self.namespace, "labels": {"app": NAME}},
            "spec": {
                "replicas": REPLICAS,
                "selector": {"matchLabels": {"app": NAME}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": plain(template, version, environment),
            },
        }

    def _way_in(self, template: Document) -> list[Document]:
        port = template["spec"]["containers"][0]["ports"][0]["containerPort"]
        metadata = {"name": NAME, "namespace": self.namespace, "labels": {"app": NAME}}
        backend = {"service": {"name": NAME, "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": {"app": NAME}, "ports": [{"port": 80, "targetPort": port}]},
            },
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": metadata,
                "spec": {"ingressClassName": "traefik", "rules": [{"host": HOST, "http": {"paths": paths}}]},
            },
        ]

    def _rolled_out(self) -> None:
        limit = f"--timeout={ROLLOUT_SECONDS:.0f}s"
        command = ("rollout", "status", f"deployment/{NAME}", limit)
        self._kubectl.run(*command, namespace=self.namespace, seconds=ROLLOUT_SECONDS + 10)

    def _answers(self) -> None:
        target = Target(httpx.URL(f"http://{HOST}{PATH}"))
        url = target.url.copy_with(host=target.address)
        deadline = time.monotonic() + FIRST_SECONDS
        while True:
            try:
                answer = httpx.get(url, headers={"Host": HOST}, timeout=5)
                if answer.status_code == httpx.codes.OK:
                    return
                seen = f"status {answer.status_code}"
            except httpx.HTTPError as error:
                seen = type(error).__name__
            if time.monotonic() > deadline:
                raise SandboxError(f"{url} of {HOST} gives {seen}", mend="make status, then make bench-canary again")
            time.sleep(LOOK_SECONDS)

    def _delete(self) -> None:
        self._kubectl.delete("ingress,service,deployment", "-l", f"app={NAME}", namespace=self.namespace)
        # The next one must not meet the pods of this one at its database.
        self._kubectl.run(
            "wait", "pods", "-l", f"app={NAME}", "--for=delete", "--timeout=60s", namespace=self.namespace, seconds=70
        )


def plain(template: Document, version: str, environment: Mapping[str, str]) -> Document:
    """Return the pod template as that of a plain Deployment of `version`, with `environment` added."""
    made: Document = copy.deepcopy(template)
    made["metadata"] = {"labels": {"app": NAME}}
    made["spec"].pop("topologySpreadConstraints", None)
    container = made["spec"]["containers"][0]
    values = {entry["name"]: entry for entry in container.get("env") or []}
    values |= {name: {"name": name, "value": value} for name, value in {VERSION: version, **environment}.items()}
    container["env"] = list(values.values())
    return made
