"""What the program declares, as the plain data that rules look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi import _types
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from policies.rules.images import kind_in
from policies.rules.rule import UNKNOWN, Unknown

A_SECRET = "(a secret)"  # noqa: S105  (what is shown in place of one)
_SIGNATURE = rpc._special_sig_key  # noqa: SLF001  (how the engine marks a secret is part of its protocol)
_SECRET = rpc._special_secret_sig  # noqa: SLF001


def before_registration(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a resource is constructed with, as the engine would be told: an Output is not known yet."""
    return {_on_the_wire(key): _plain(value) for key, value in properties.items() if value is not None}


def at_registration(request: resource_pb2.RegisterResourceRequest) -> dict[str, Any]:
    """Return what the engine is asked to register, each unknown value with the types of what it comes from."""
    origins = {
        key: frozenset(kind_in(urn) for urn in found.urns) for key, found in request.propertyDependencies.items()
    }
    values = json_format.MessageToDict(request.object)
    return {key: _read(value, origins.get(key, frozenset())) for key, value in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, pulumi.Output | pulumi.Resource | pulumi.Asset | pulumi.Archive) or isawaitable(value):
        return UNKNOWN
    kind = type(value)
    if _types.is_input_type(kind):
        names = _types.input_type_py_to_pulumi_names(kind)
        fields = _types.input_type_to_untranslated_dict(value)
        return {names.get(key, key): _plain(each) for key, each in fields.items() if each is not None}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value


def _on_the_wire(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)


def _read(value: Any, origins: frozenset[str]) -> Any:  # noqa: ANN401
    if value == rpc.UNKNOWN:
        return Unknown(origins)
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return A_SECRET
        return {key: _read(each, origins) for key, each in value.items()}
    if isinstance(value, list):
        return [_read(each, origins) for each in value]
    return value
