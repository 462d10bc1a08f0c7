"""What every kind's question about readiness is made of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.plugins.kubernetes.objects import Kind, Object, dig, items_of, text


@dataclass(frozen=True)
class Snapshot:
    """The cluster at one moment, as far as an object's readiness is concerned.

    `related` holds the objects of the kinds that the awaiter asked for, by kind name, in the object's namespace.
    `settled` tells that the awaiter's settling key has not changed for its settling time.
    """

    item: Object
    related: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    settled: bool = True

    def owned(self, kind: str, owner: Object) -> list[Object]:
        """Return the related objects of a kind that an object owns."""
        return [item for item in self.related.get(kind, ()) if is_owned_by(item, owner)]


@dataclass(frozen=True)
class Assessment:
    """The answer: ready, failed for good, or not yet.

    `status` says what is awaited, `warnings` what looks wrong on the way, `reasons` why it is not ready.
    """

    ready: bool
    failed: bool = False
    status: str = ""
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Awaiter:
    """How to wait for a kind.

    `on_read` says that a refresh checks it as well. A `settling` key must stay the same for `settling_seconds`.
    """

    assess: Callable[[Snapshot], Assessment]
    timeout_seconds: float = 600.0
    related: tuple[Kind, ...] = ()
    on_read: bool = False
    settling: Callable[[Snapshot], Hashable] | None = None
    settling_seconds: float = 0.0


def is_owned_by(item: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Tell whether an object names another one as its owner."""
    uid = text(owner, "metadata", "uid")
    return any(text(reference, "uid") == uid for reference in items_of(item, "metadata", "ownerReferences"))


def condition(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a condition of an object's status, empty where it has none of that type."""
    for entry in items_of(item, "status", "conditions"):
        if dig(entry, "type") == name:
            found: Mapping[str, Any] = entry
            return found
    return {}


def problem_of(entry: Mapping[str, Any]) -> str:
    """Return a condition's reason and message in the official provider's form, empty where it lacks one."""
    reason, message = text(entry, "reason"), text(entry, "message")
    return f"[{reason}] {message}" if reason and message else ""


def is_observed(item: Mapping[str, Any]) -> bool:
    """Tell whether the controller has seen the latest version of an object."""
    return bool(dig(item, "status", "observedGeneration") == dig(item, "metadata", "generation"))


def qualified_name(item: Mapping[str, Any]) -> str:
    """Return an object's name with its namespace, unless that is the default one."""
    namespace, name = text(item, "metadata", "namespace"), text(item, "metadata", "name")
    return name if namespace in {"", "default"} else f"{namespace}/{name}"
