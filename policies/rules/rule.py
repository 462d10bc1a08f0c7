"""What a rule is, and how it sees a value that is not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = list[str]


class Unknown:
    """A value that the preview does not know yet. It equals nothing and is never true."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "a value that is not known yet"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Rule:
    """One thing that must hold for the resources that `applies` picks, by their type.

    `check` gets the resource's properties as plain data, UNKNOWN in place of what is not known yet, and returns one
    text for each violation: what is wrong, with the value got. `remedy` says what mends it.
    """

    name: str
    description: str
    remedy: str
    applies: Callable[[str], bool]
    check: Callable[[Mapping[str, Any]], Found]


WORKLOADS = ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet", "kubernetes:batch/v1:Job")


def workload(kind: str) -> bool:
    """Whether the type token is one that runs pods."""
    return kind in WORKLOADS


def serving(kind: str) -> bool:
    """Whether the type token is one whose pods answer requests."""
    return kind in WORKLOADS[:2]


def at(value: Any, *path: str) -> Any:  # noqa: ANN401
    """Return what lies at `path` below `value`: None where it is missing, UNKNOWN where it is not known yet."""
    for key in path:
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def pod_spec(properties: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the pod's spec of a workload."""
    return at(properties, "spec", "template", "spec")


def containers(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return all containers of a workload, init containers among them; none where they are not known."""
    return [entry for entry in container_entries(properties) if isinstance(entry, Mapping)]


def container_entries(properties: Mapping[str, Any]) -> list[Any]:
    """Return all that is declared as a container, UNKNOWN in place of what is not known yet."""
    spec = pod_spec(properties)
    return listed(spec, "initContainers") + listed(spec, "containers")


def listed(value: Any, *path: str) -> list[Any]:  # noqa: ANN401
    """Return the entries of the list at `path`: none where it is missing, one UNKNOWN where it is not known yet."""
    found = at(value, *path)
    if found is UNKNOWN:
        return [UNKNOWN]
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []


def may_be_set(value: Any) -> bool:  # noqa: ANN401
    """Whether the value is set, or not known yet: what cannot be judged does not pass."""
    return value is UNKNOWN or bool(value)


def name_of(container: Mapping[str, Any]) -> str:
    """Return how a message calls the container."""
    return f"container {at(container, 'name')}"
