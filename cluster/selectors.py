"""Label selectors as the cluster reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def labels_of(item: Mapping[str, Any]) -> Labels:
    """Return the labels of an object or a pod template."""
    return item.get("metadata", {}).get("labels") or {}


def selects_all(wanted: Labels | None, labels: Labels) -> bool:
    """Whether a Service's selector matches; one without any entry matches nothing."""
    return bool(wanted) and all(labels.get(key) == value for key, value in (wanted or {}).items())


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a label selector (matchLabels and matchExpressions) matches; an empty one matches everything."""
    if selector is None:
        return False
    exact: Labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def keys_of(selector: Mapping[str, Any] | None) -> set[str]:
    """Return the names of the labels that a label selector speaks of."""
    found = selector or {}
    return {*(found.get("matchLabels") or {}), *(each["key"] for each in found.get("matchExpressions") or [])}


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def told(selector: Labels | None) -> str:
    """Return the selector as kubectl takes it."""
    return ",".join(f"{key}={value}" for key, value in sorted((selector or {}).items())) or "nothing"
