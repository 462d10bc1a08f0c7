"""The cluster as the gates use it: few calls, each bounded, each in terms of our own objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from lightkube.core.exceptions import ConfigError

from checks.objects import Deployment, Event, Job, Pod
from checks.reader import Unreachable
from cluster.errors import ClusterError

JsonObject = dict[str, Any]
FIELD_MANAGER = "release-manager-gate"
# The engine's plug-in takes over, with its next update, what was written under a name that begins so. Else a variable
# that a rollback has put back would stay in the pods of a later release that does not declare it.
WRITER = "pulumi-kubernetes-gate"
_APPS = "apis/apps/v1"
_BATCH = "apis/batch/v1"
_CORE = "api/v1"
_DISCOVERY = "apis/discovery.k8s.io/v1"
_COORDINATION = "apis/coordination.k8s.io/v1"


def _anybody() -> None:
    """Let every change through: what a run may do that shares the cluster with no other."""


class Cluster:
    """One namespace of a cluster. Implements checks.reader.ClusterReader and the few changes that gates make."""

    def __init__(self, client: httpx.Client, namespace: str, guard: Callable[[], None] = _anybody) -> None:
        self._client = client
        self._address = str(client.base_url).rstrip("/")
        self.namespace = namespace
        self._guard = guard

    def guarded_by(self, guard: Callable[[], None]) -> Cluster:
        """Return the same cluster whose every change first calls `guard`, which raises where it must not be made."""
        return Cluster(self._client, self.namespace, guard)

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

    def replica_set_templates(self, selector: str) -> Mapping[str, JsonObject]:
        """Return the pod template of each ReplicaSet that the selector matches, by the uid of the ReplicaSet."""
        items = self._list(_APPS, "replicasets", labelSelector=selector)
        return {item["metadata"]["uid"]: item["spec"]["template"] for item in items}

    def service_selector(self, name: str) -> Mapping[str, str] | None:
        """Return the labels that the Service selects pods by, or None where there is no such Service."""
        found = self.get(_CORE, "services", name)
        return None if found is None else dict(found["spec"].get("selector") or {})

    def pods_behind(self, service: str) -> set[str]:
        """Return the names of the pods that the Service sends requests to now."""
        slices = self._list(_DISCOVERY, "endpointslices", labelSelector=f"kubernetes.io/service-name={service}")
        endpoints = [endpoint for each in slices for endpoint in each.get("endpoints") or []]
        # An endpoint that says nothing of itself is ready, as the API has it.
        ready = [each for each in endpoints if (each.get("conditions") or {}).get("ready") in {True, None}]
        return {str((each.get("targetRef") or {}).get("name", "")) for each in ready}

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

    def config_maps(self, selector: str) -> Sequence[JsonObject]:
        """Return the ConfigMaps that the selector matches, as JSON."""
        return self._list(_CORE, "configmaps", labelSelector=selector)

    def delete_config_map(self, name: str) -> None:
        """Delete the ConfigMap; one that is not there is fine."""
        answer = self._request("DELETE", self._path(_CORE, "configmaps", name))
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._checked(answer)

    def write_config_map(
        self,
        name: str,
        data: Mapping[str, str],
        *,
        resource_version: str | None,
        labels: Mapping[str, str] | None = None,
    ) -> bool:
        """Write the ConfigMap's data; False where somebody else wrote it since `resource_version` (None: it is new)."""
        metadata: JsonObject = {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER, **(labels or {})},
        }
        body: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}
        parameters = {"fieldManager": WRITER}
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
                params={"fieldManager": WRITER},
                content=json.dumps(patch),
                headers={"Content-Type": "application/json-patch+json"},
            )
        )

    def scale(self, name: str, replicas: int) -> None:
        """Set the number of replicas of the Deployment. Raises ClusterError where that is refused."""
        path = self._path(_APPS, "deployments", name) + "/scale"
        self._merge(path, {"spec": {"replicas": replicas}})

    def label_pod(self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None) -> bool:
        """Set labels (and annotations) of the pod; False where it is gone. Raises ClusterError where refused."""
        metadata = {"labels": dict(labels), "annotations": dict(annotations or {})}
        answer = self._merge(self._path(_CORE, "pods", name), {"metadata": metadata}, gone_is_fine=True)
        return answer.status_code != httpx.codes.NOT_FOUND

    def pod_metrics(self, name: str, port: int, *, timeout_seconds: float) -> str | None:
        """Return the text of the pod's own /metrics, read through the API server; None where the pod is gone."""
        path = f"/{_CORE}/namespaces/{self.namespace}/pods/{name}:{port}/proxy/metrics"
        answer = self._request("GET", path, timeout=timeout_seconds)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._checked(answer).text

    def create_job(self, job: Mapping[str, Any]) -> None:
        """Create the Job. Raises ClusterError where that is refused, as where one of its name is there already."""
        parameters = {"fieldManager": WRITER}
        self._checked(self._request("POST", self._path(_BATCH, "jobs"), params=parameters, json=dict(job)))

    def delete_job(self, name: str) -> None:
        """Delete the Job and its pods; one that is not there is fine."""
        answer = self._request("DELETE", self._path(_BATCH, "jobs", name), params={"propagationPolicy": "Background"})
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._checked(answer)

    def lease(self, name: str, *, timeout_seconds: float) -> JsonObject | None:
        """Return the Lease as JSON, or None."""
        answer = self._request("GET", self._path(_COORDINATION, "leases", name), timeout=timeout_seconds)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: JsonObject = self._checked(answer).json()
        return found

    def write_lease(
        self, name: str, spec: JsonObject, *, resource_version: str | None, timeout_seconds: float
    ) -> str | None:
        """Write the Lease and return its new version; None where it is not as at `resource_version` (None: it is new).

        The only change that no guard is asked about: it is what the guard itself rests on.
        """
        metadata: JsonObject = {"name": name, "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}}
        if resource_version is not None:
            metadata["resourceVersion"] = resource_version
        answer = self._request(
            "POST" if resource_version is None else "PUT",
            self._path(_COORDINATION, "leases", "" if resource_version is None else name),
            guarded=False,
            params={"fieldManager": WRITER},
            json={"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec},
            timeout=timeout_seconds,
        )
        gone = resource_version is not None and answer.status_code == httpx.codes.NOT_FOUND
        if gone or answer.status_code == httpx.codes.CONFLICT:
            return None
        version: str = self._checked(answer).json()["metadata"]["resourceVersion"]
        return version

    def objects(self, group: str, kind: str) -> list[JsonObject]:
        """Return all objects of the kind in the namespace as JSON."""
        return self._list(group, kind)

    def nodes(self) -> list[JsonObject]:
        """Return the nodes of the cluster as JSON; they belong to no namespace."""
        answer = self._checked(self._request("GET", f"/{_CORE}/nodes"))
        items: list[JsonObject] = answer.json().get("items", [])
        return items

    def create(self, group: str, kind: str, body: Mapping[str, Any]) -> bool:
        """Create the object; False where one of its name is there already. Raises ClusterError where refused."""
        parameters = {"fieldManager": WRITER}
        answer = self._request("POST", self._path(group, kind), params=parameters, json=dict(body))
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        self._checked(answer)
        return True

    def change(self, group: str, kind: str, name: str, patch: Mapping[str, Any]) -> bool:
        """Merge `patch` into the object; False where it is gone. Raises ClusterError where that is refused."""
        answer = self._merge(self._path(group, kind, name), dict(patch), gone_is_fine=True)
        return answer.status_code != httpx.codes.NOT_FOUND

    def change_exactly(self, group: str, kind: str, name: str, patch: Sequence[Mapping[str, Any]]) -> bool:
        """Apply the JSON patch; False where the object was written since the resourceVersion that the patch names."""
        answer = self._request(
            "PATCH",
            self._path(group, kind, name),
            params={"fieldManager": WRITER},
            content=json.dumps(list(patch)),
            headers={"Content-Type": "application/json-patch+json"},
        )
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        self._checked(answer)
        return True

    def delete_leaving_pods(self, name: str, *, uid: str, resource_version: str) -> bool:
        """Delete the Deployment alone; False where it is not as at `resource_version` any more.

        Its ReplicaSets and pods stay, without an owner. It may take a moment until the Deployment is gone.
        """
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Orphan",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
        }
        answer = self._request("DELETE", self._path(_APPS, "deployments", name), json=options)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._checked(answer)
        return True

    def _merge(self, path: str, patch: JsonObject, *, gone_is_fine: bool = False) -> httpx.Response:
        answer = self._request(
            "PATCH",
            path,
            params={"fieldManager": WRITER},
            content=json.dumps(patch),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        if gone_is_fine and answer.status_code == httpx.codes.NOT_FOUND:
            return answer
        return self._checked(answer)

    def _path(self, group: str, kind: str, name: str = "") -> str:
        base = f"/{group}/namespaces/{self.namespace}/{kind}"
        return f"{base}/{name}" if name else base

    def _list(self, group: str, kind: str, **parameters: str) -> list[JsonObject]:
        answer = self._checked(self._request("GET", self._path(group, kind), params=parameters))
        items: list[JsonObject] = answer.json().get("items", [])
        return items

    def _request(self, method: str, path: str, *, guarded: bool = True, **arguments: Any) -> httpx.Response:  # noqa: ANN401
        if guarded and method != "GET":
            self._guard()
        try:
            # Whole: to join a path to its base costs the client more than all else that it does for a request.
            answer = self._client.request(method, f"{self._address}{path}", **arguments)
        except ConfigError as error:
            raise ClusterError(
                f"signing in to the cluster at {self._address} failed: {error}",
                mend="run the sign-in command that the kubeconfig names by hand",
            ) from error
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unreachable(
                f"the cluster at {self._address} gives no answer ({why}); see that it runs and that "
                "cluster.context names the right one"
            ) from error
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Unreachable(f"the cluster at {self._address} answered {answer.status_code}")
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
