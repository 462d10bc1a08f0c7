"""Which inputs of an Image changed, told the way the official provider tells it: nothing is ever replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.docker.inputs import without_nulls
from sandbox.plugins.protocol.properties import Unknown, without_secrets

STATE_INPUTS = "__inputs"
# Credentials are often renewed, and a new password builds the same image.
CREDENTIALS = frozenset({"username", "password"})

ADD = provider_pb2.PropertyDiff.ADD
DELETE = provider_pb2.PropertyDiff.DELETE
UPDATE = provider_pb2.PropertyDiff.UPDATE


def recorded_inputs(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that the state was made from; a state without them is taken for the inputs themselves."""
    plain: dict[str, Any] = without_secrets(dict(state))
    inputs = plain.get(STATE_INPUTS, plain)
    return dict(inputs) if isinstance(inputs, Mapping) else {}


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, provider_pb2.PropertyDiff.Kind.ValueType]:
    """Return how each top-level input changed; an input that is not known yet counts as changed."""
    before = without_nulls(without_secrets(dict(old)))
    after = without_nulls(without_secrets(dict(new)))
    result: dict[str, provider_pb2.PropertyDiff.Kind.ValueType] = {}
    for key in sorted(before.keys() | after.keys()):
        if key.startswith("__"):
            continue
        if key not in before:
            result[key] = ADD
        elif key not in after:
            result[key] = DELETE
        elif not _same(before[key], after[key]) and not (key == "registry" and _only_credentials(before, after)):
            result[key] = UPDATE
    return result


def response(changes: Mapping[str, provider_pb2.PropertyDiff.Kind.ValueType]) -> provider_pb2.DiffResponse:
    """Return the changes as the engine wants them."""
    if not changes:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME,
        diffs=list(changes),
        detailedDiff={key: provider_pb2.PropertyDiff(kind=kind) for key, kind in changes.items()},
        hasDetailedDiff=True,
    )


def _same(before: object, after: object) -> bool:
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return False
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(_same(*pair) for pair in zip(before, after, strict=True))
    return type(before) is type(after) and before == after


def _only_credentials(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old, new = before["registry"], after["registry"]
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    keys = (old.keys() | new.keys()) - CREDENTIALS
    return all(key in old and key in new and _same(old[key], new[key]) for key in keys)
