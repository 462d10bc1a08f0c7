"""Who owns which field of an object, so that what a release leaves out goes and what it does not know stays.

The engine declares objects by server-side apply, always under one name: a field that this name owns and that the
release does not declare is taken off, a field of anybody else stays. The engine's plug-in also takes over whatever
kubectl owns, and with it the right to take it off at the next update.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.api import WRITER, JsonObject

# The plug-in takes over fields of managers whose name begins so, which heals an object that it made without apply.
ENGINE_MANAGER = "pulumi-kubernetes-release"
BY_HAND = "made-by-hand"
_PEOPLE = ("kubectl", "before-first-apply", BY_HAND, WRITER)
# What `kubectl apply` compares with: no longer true once the engine declares the object.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def handed_over(live: Mapping[str, Any], *, whole_spec: bool) -> list[JsonObject]:
    """Return the JSON patch after which nothing of the object is kubectl's; empty where there is nothing to do.

    With `whole_spec` the spec becomes the engine's, so that its next apply takes off what it does not declare
    (containers, variables, volumes). `replicas` never does: who scales the Deployment stays free to. Everything else
    that people set (a Service's type, annotations of an ingress controller) stays theirs, for good.
    """
    kept: list[Any] = []
    people: JsonObject = {}
    engine: JsonObject = {}
    version = ""
    for entry in live["metadata"].get("managedFields") or []:
        fields = entry.get("fieldsV1") or {}
        if entry["manager"] == ENGINE_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource"):
            engine = _merged(engine, fields)
        elif entry["manager"].startswith(_PEOPLE) and not entry.get("subresource"):
            people = _merged(people, fields)
        else:
            kept.append(entry)
            continue
        version = entry["apiVersion"]
    if whole_spec:
        spec = dict(people.get("f:spec", {}))
        scaled = {"f:replicas": spec.pop("f:replicas")} if "f:replicas" in spec else {}
        engine = _merged(engine, {"f:spec": spec} if spec else {})
        people = {**{key: value for key, value in people.items() if key != "f:spec"}}
        people |= {"f:spec": scaled} if scaled else {}
    mine = [_entry(ENGINE_MANAGER, "Apply", version, engine)] if engine else []
    theirs = [_entry(BY_HAND, "Update", version, people)] if people else []
    wanted = [*kept, *mine, *theirs]
    stale = LAST_APPLIED in (live["metadata"].get("annotations") or {})
    if not stale and _without_times(wanted) == _without_times(live["metadata"].get("managedFields") or []):
        return []
    path = f"/metadata/annotations/{LAST_APPLIED.replace('/', '~1')}"
    return [
        *([{"op": "remove", "path": path}] if stale else []),
        {"op": "replace", "path": "/metadata/managedFields", "value": wanted},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def _entry(manager: str, operation: str, version: str, fields: JsonObject) -> JsonObject:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def _without_times(entries: list[Any]) -> list[JsonObject]:
    bare = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return sorted(bare, key=lambda entry: (entry["manager"], entry["operation"], entry.get("subresource", "")))


def _merged(left: Mapping[str, Any], right: Mapping[str, Any]) -> JsonObject:
    result: JsonObject = dict(left)
    for key, value in right.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result
