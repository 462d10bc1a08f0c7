"""The annotations by which a program steers the provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.plugins.kubernetes.objects import annotation

PREFIX: Final = "pulumi.com/"
AUTONAMED: Final = PREFIX + "autonamed"
SKIP_AWAIT: Final = PREFIX + "skipAwait"
WAIT_FOR: Final = PREFIX + "waitFor"
TIMEOUT_SECONDS: Final = PREFIX + "timeoutSeconds"
REPLACE_UNREADY: Final = PREFIX + "replaceUnready"
PATCH_FORCE: Final = PREFIX + "patchForce"
PATCH_FIELD_MANAGER: Final = PREFIX + "patchFieldManager"
DELETION_PROPAGATION: Final = PREFIX + "deletionPropagationPolicy"


def is_true(item: Mapping[str, Any], key: str) -> bool:
    """Tell whether an annotation is the text `true`."""
    return annotation(item, key) == "true"


def timeout_seconds(item: Mapping[str, Any], custom: float) -> float | None:
    """Return how long to wait, in seconds: the resource option first, then the annotation, else None."""
    if custom:
        return custom
    value = annotation(item, TIMEOUT_SECONDS)
    return float(value) if value.isdigit() else None


def deletion_propagation(item: Mapping[str, Any]) -> str:
    """Return the propagation policy of a delete: Foreground unless the annotation says otherwise."""
    policies = {"orphan": "Orphan", "background": "Background"}
    return policies.get(annotation(item, DELETION_PROPAGATION).lower(), "Foreground")
