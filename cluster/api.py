"""The cluster as the gates use it: few calls, each bounded, each in terms of our own objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from lightkube.core.exceptions import ConfigError

from checks.objects import Deployment, Event, Job, Pod
from checks.reader import Unreachable
from cluster.errors import ClusterError

JsonObject = dict[str, Any]
FIELD_MANAGER = "release-manager-gate"
_APPS = "apis/apps/v1"
_BATCH = "apis/batch/v1"
_CORE = "api/v1"


class Cluster:
    """One namespace of a cluster. Implements checks.reader.ClusterReader and the few changes that gates make."""

    def __init__(self, client: httpx.Client, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    def namespace_exists(self) -> bool:
        """Whether the cluster has the namespace. A user who may not look at namespaces is believed that it has."""
        answer = self._request("GET", f"/{_CORE}/namespaces/{self.namespace}")
        if answer.status_code == httpx.codes.FORBIDDEN:
            return True
        return answer.status_code != httpx.codes.NOT_FOUND and bool(self._checked(answer))

    def deployment(self, name: str) -> Deployment | None:
        """Return the Deployment, or None."""
        found = self.get(_APPS, "deployments", name)
        return None if found is None else Deployment.model_validate(found)

    def replica_sets(self, selector: str) -> Sequence[Deployment]:
        """Return the ReplicaSets that the selector matches."""
        return [Deployment.model_validate(item) for item in self._list(_APPS, "replicasets", labelSelector=selector)]

    def job(self, name: str) -> Job | None:
        """Return the Job, or None."""
        found = self.get(_BATCH, "jobs", name)
        return None if found is None else Job.model_validate(found)

    def pods(self, selector: str) -> Sequence[Pod]:
        """Return the pods that the selector matches, oldest first."""
        items = self._list(_CORE, "pods", labelSelector=selector)
        items.sort(key=lambda item: str(item["metadata"].get("creationTimestamp")))
        return [Pod.model_validate(item) for item in items]

    def events(self, name: str) -> Sequence[Event]:
        """Return the events about `name`, oldest first."""
        items = self._list(_CORE, "events", fieldSelector=f"involvedObject.name={name}")
        ordered = sorted(items, key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""))
        return [Event.model_validate({k: v for k, v in item.items() if v is not None}) for item in ordered]

    def logs(self, pod: str, *, lines: int, previous: bool = False) -> list[str]:
        """Return the last log lines of the pod; none where its container has not started."""
        parameters = {"tailLines": str(lines), "previous": str(previous).lower()}
        answer = self._request("GET", self._path(_CORE, "pods", pod) + "/log", params=parameters)
        if answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND}:
            return []
        return self._checked(answer).text.splitlines()

    def whole_log(self, pod: str, *, limit_bytes: int) -> str:
        """Return the log of the pod from its beginning, `limit_bytes` at most."""
        path = self._path(_CORE, "pods", pod) + "/log"
        answer = self._checked(self._request("GET", path, params={"limitBytes": str(limit_bytes)}))
        return answer.content.decode("utf-8", errors="replace")

    def get(self, group: str, kind: str, name: str) -> JsonObject | None:
        """Return the object as JSON, or None where there is none."""
        answer = self._request("GET", self._path(group, kind, name))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: JsonObject = self._checked(answer).json()
        return found

    def config_map(self, name: str) -> JsonObject | None:
        """Return the ConfigMap as JSON, or None."""
        return self.get(_CORE, "configmaps", name)

    def write_config_map(self, name: str, data: Mapping[str, str], *, resource_version: str | None) -> bool:
        """Write the ConfigMap's data; False where somebody else wrote it since `resource_version` (None: it is new)."""
        metadata: JsonObject = {"name": name, "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}}
        body: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
        parameters = {"fieldManager": FIELD_MANAGER}
        if resource_version is None:
            answer = self._request("POST", self._path(_CORE, "configmaps"), params=parameters, json=body)
        else:
            metadata["resourceVersion"] = resource_version
            answer = self._request("PUT", self._path(_CORE, "configmaps", name), params=parameters, json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        self._checked(answer)
        return True

    def deployment_template(self, name: str) -> JsonObject | None:
        """Return spec.template of the Deployment as JSON, or None where there is no such Deployment."""
        found = self.get(_APPS, "deployments", name)
        template: JsonObject | None = None if found is None else found["spec"]["template"]
        return template

    def replace_deployment_template(self, name: str, template: Mapping[str, Any]) -> None:
        """Put `template` in place of the Deployment's spec.template. Raises ClusterError where that is refused."""
        patch = [{"op": "replace", "path": "/spec/template", "value": template}]
        self._checked(
            self._request(
                "PATCH",
                self._path(_APPS, "deployments", name),
                params={"fieldManager": FIELD_MANAGER},
                content=json.dumps(patch),
                headers={"Content-Type": "application/json-patch+json"},
            )
        )

    def create_job(self, job: Mapping[str, Any]) -> None:
        """Create the Job. Raises ClusterError where that is refused, as where one of its name is there already."""
        parameters = {"fieldManager": FIELD_MANAGER}
        self._checked(self._request("POST", self._path(_BATCH, "jobs"), params=parameters, json=dict(job)))

    def delete_job(self, name: str) -> None:
        """Delete the Job and its pods; one that is not there is fine."""
        answer = self._request("DELETE", self._path(_BATCH, "jobs", name), params={"propagationPolicy": "Background"})
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._checked(answer)

    def _path(self, group: str, kind: str, name: str = "") -> str:
        base = f"/{group}/namespaces/{self.namespace}/{kind}"
        return f"{base}/{name}" if name else base

    def _list(self, group: str, kind: str, **parameters: str) -> list[JsonObject]:
        answer = self._checked(self._request("GET", self._path(group, kind), params=parameters))
        items: list[JsonObject] = answer.json().get("items", [])
        return items

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401
        try:
            answer = self._client.request(method, path, **arguments)
        except ConfigError as error:
            raise ClusterError(
                f"signing in to the cluster at {self._client.base_url} failed: {error}",
                mend="run the sign-in command that the kubeconfig names by hand",
            ) from error
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unreachable(
                f"the cluster at {self._client.base_url} gives no answer ({why}); see that it runs and that "
                "cluster.context names the right one"
            ) from error
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Unreachable(f"the cluster at {self._client.base_url} answered {answer.status_code}")
        return answer

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            message = str(answer.json().get("message", ""))
        except ValueError:
            message = answer.text[:200]
        what = (
            f"the cluster refuses {answer.request.method} {answer.request.url.path} ({answer.status_code}): {message}"
        )
        right = f"give the user of this context the right to do so in namespace {self.namespace}"
        unauthorized = answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
        raise ClusterError(what, mend=right if unauthorized else "")
