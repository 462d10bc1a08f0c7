"""Who owns which field of a live object, and how the provider takes fields over or gives them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.plugins.kubernetes.difference import parse_path
from sandbox.plugins.kubernetes.objects import Object, copy_of, dig, items_of, remove_member, set_member, text

APPLY: Final = "Apply"
UPDATE: Final = "Update"
# Managers whose fields a real update takes over: hand-made changes with kubectl, and this provider's own creates.
TAKEN_OVER: Final = (
    ("kubectl", APPLY),
    ("kubectl", UPDATE),
    ("before-first-apply", UPDATE),
    ("pulumi-kubernetes", UPDATE),
    ("pulumi-resource-kubernetes", UPDATE),
)
OWN_CREATORS: Final = ("pulumi-kubernetes", "pulumi-resource-kubernetes")


def created_by_provider(live: Mapping[str, Any]) -> bool:
    """Tell whether fields are still owned by a create of this provider, not yet by an apply."""
    return any(
        text(entry, "operation") == UPDATE and text(entry, "manager").startswith(OWN_CREATORS)
        for entry in items_of(live, "metadata", "managedFields")
    )


def take_over(live: Mapping[str, Any], manager: str) -> list[Object]:
    """Return a JSON patch that makes a manager own what kubectl or a create owns; empty where there is nothing."""
    kept: list[Object] = []
    merged: Object = {}
    api_version, taken = "", False
    for entry in items_of(live, "metadata", "managedFields"):
        ours = text(entry, "manager") == manager and text(entry, "operation") == APPLY
        foreign = not ours and _is_taken_over(entry)
        if ours or foreign:
            merged = _merged(merged, dig(entry, "fieldsV1") or {})
            api_version = text(entry, "apiVersion")
            taken = taken or foreign
        else:
            kept.append(entry)
    if not taken:
        return []
    own = {
        "manager": manager,
        "operation": APPLY,
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": merged,
    }
    version = text(live, "metadata", "resourceVersion")
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, own]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def honour_ignored(inputs: Object, live: Mapping[str, Any], manager: str, ignored: Sequence[str]) -> Object:
    """Return inputs in which ignored fields cannot change: left out where only others own them, else as they are live.

    Only paths of members can be ignored here; those with an index are left to the engine.
    """
    result: Object = copy_of(inputs)
    for path_text in ignored:
        steps = parse_path(path_text)
        path = [step for step in steps if isinstance(step, str)]
        if len(path) != len(steps) or "*" in path:
            continue
        entries = items_of(live, "metadata", "managedFields")
        mine = any(_owns(entry, path) for entry in entries if text(entry, "manager") == manager)
        others = any(_owns(entry, path) for entry in entries if text(entry, "manager") != manager)
        value = dig(live, *path)
        if others and not mine:
            remove_member(result, *path)
        elif value is not None:
            set_member(result, copy_of(value), *path)
    return result


def bare(item: Mapping[str, Any]) -> Object:
    """Return an object without any fields: to apply it is to give up every field of a manager."""
    metadata = {key: dig(item, "metadata", key) for key in ("name", "namespace") if dig(item, "metadata", key)}
    return {"apiVersion": item.get("apiVersion"), "kind": item.get("kind"), "metadata": metadata}


def _is_taken_over(entry: Mapping[str, Any]) -> bool:
    if text(entry, "subresource"):
        return False
    return any(
        text(entry, "manager").startswith(name) and text(entry, "operation") == operation
        for name, operation in TAKEN_OVER
    )


def _owns(entry: Mapping[str, Any], path: Sequence[str]) -> bool:
    return dig(entry, "fieldsV1", *(f"f:{step}" for step in path)) is not None


def _merged(left: Mapping[str, Any], right: Mapping[str, Any]) -> Object:
    result: Object = dict(left)
    for key, value in right.items():
        known = result.get(key)
        result[key] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result
