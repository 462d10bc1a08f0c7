"""What a stack must not share with another: a stack file that was copied, and changed in all places but one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from concerns.contradictions import NAMES_OF
from concerns.wrong import Wrong, contradiction

Values = Mapping[str, Any]


def shared_with_others(stack: str, values: Values, others: Mapping[str, Values]) -> Iterator[Wrong]:
    """Return what `values` of `stack` and those of `others`, all as their files have them, must not have in common."""
    environment = values.get("environment")
    if stack in NAMES_OF and environment in NAMES_OF and environment != stack:
        yield contradiction("environment", environment, f"stack '{stack}' is the environment '{stack}'")
    for other, theirs in others.items():
        where = f"is that of stack '{other}' (Pulumi.{other}.yaml): a stack has one of its own"
        for path in (("cluster", "namespace"), ("application", "deployment"), ("health", "url")):
            mine = _at(values, path)
            if mine is None or _compared(path, mine) != _compared(path, _at(theirs, path)):
                continue
            context = ("cluster", "context")
            if path == ("cluster", "namespace") and _at(values, context) != _at(theirs, context):
                continue
            yield contradiction(".".join(path), mine, where)


def _at(values: Values, path: tuple[str, ...]) -> str | None:
    found: Any = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _compared(path: tuple[str, ...], value: str | None) -> str | None:
    try:
        return urlsplit(value).hostname if path == ("health", "url") and value is not None else value
    except ValueError:
        return value
