"""Secrets stay secret: what was marked in the inputs is marked in whatever comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.plugins.kubernetes.objects import Object
from sandbox.plugins.protocol.properties import Secret, contains_secret

SECRET_MEMBERS = ("data", "stringData")


def masked(item: Mapping[str, Any], like: Mapping[str, Any]) -> Object:
    """Return an object with every member marked secret that is secret in `like`, and all data of a Secret.

    Objects are walked member by member; a list with one secret in it becomes secret as a whole, because the server
    may reorder it.
    """
    result = dict(item)
    if result.get("kind") == "Secret":
        for name in SECRET_MEMBERS:
            if name in result and not isinstance(result[name], Secret):
                result[name] = Secret(result[name])
        return result
    for key, model in like.items():
        value = result.get(key)
        if value is None or isinstance(value, Secret):
            continue
        if isinstance(value, Mapping) and isinstance(model, Mapping):
            result[key] = masked(value, model)
        elif contains_secret(model):
            result[key] = Secret(value)
    return result
