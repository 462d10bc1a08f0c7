"""What the engine has on record from the update before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import invoke


def recorded_outputs(kind: str, name: str) -> Mapping[str, Any]:
    """Return the outputs that the engine has on record for the resource of type `kind`, or none.

    None also where the engine cannot tell: what rests on this must be right without it.
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        # Asked for the resources of a stack that was never updated the engine crashes; such a stack has no outputs.
        if not _ask("readStackOutputs", name=stack):
            return {}
        resources = _ask("readStackResourceOutputs", stackName=stack)
    except Exception as error:  # noqa: BLE001  (the SDK raises nothing narrower)
        pulumi.log.debug(f"the engine does not tell what it has on record: {error}")
        return {}
    for urn, resource in resources.items():
        if resource["type"] == kind and urn.endswith(f"::{name}"):
            outputs: Mapping[str, Any] = resource["outputs"]
            return outputs
    return {}


def _ask(function: str, **arguments: str) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = invoke(f"pulumi:pulumi:{function}", arguments).value["outputs"]
    return answer
