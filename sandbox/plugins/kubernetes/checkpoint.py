"""What the engine keeps in state for an object: the live object, the inputs it was made from, and the field manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.plugins.kubernetes.masking import masked
from sandbox.plugins.kubernetes.objects import Object, from_properties, to_properties

INPUTS: Final = "__inputs"
INITIAL_API_VERSION: Final = "__initialApiVersion"
FIELD_MANAGER: Final = "__fieldManager"


class State:
    """A resource's old state as the engine sends it."""

    def __init__(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        plain = from_properties(outputs)
        kept = plain.pop(INPUTS, None)
        # An imported or hand-edited state may lack its inputs among the outputs.
        self.inputs: Object = kept if isinstance(kept, dict) else from_properties(inputs)
        self.initial_api_version: str = plain.pop(INITIAL_API_VERSION, "") or self.inputs.get("apiVersion", "")
        self.manager: str = plain.pop(FIELD_MANAGER, "")
        self.live: Object = plain


def outputs_of(
    live: Object, inputs: Object, marks: Mapping[str, Any], *, initial_api_version: str, manager: str
) -> Object:
    """Return a resource's outputs; what is secret in `marks` (the inputs as the engine sent them) is secret there."""
    result = masked(to_properties(live), marks)
    result[INPUTS] = masked(to_properties(inputs), marks)
    result[INITIAL_API_VERSION] = initial_api_version
    result[FIELD_MANAGER] = manager
    return result
