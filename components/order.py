"""In which order the resources of a program are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """A resource: whose child it is, what it names as done before it is begun, and whether it is a component."""

    parent: int | None = None
    depends_on: frozenset[int] = field(default_factory=frozenset)
    component: bool = False


def before(nodes: Mapping[int, Node]) -> dict[int, frozenset[int]]:
    """Return for each resource all that is done before it is begun.

    What waits for a component waits for its children, and a child waits for all that its parent waits for.
    """
    children: dict[int, list[int]] = {}
    for key, node in nodes.items():
        if node.parent is not None:
            children.setdefault(node.parent, []).append(key)
    return {key: _reached(key, nodes, children) for key in nodes}


def _reached(start: int, nodes: Mapping[int, Node], children: Mapping[int, list[int]]) -> frozenset[int]:
    reached: set[int] = set()
    waiting = list(_named(start, nodes))
    while waiting:
        key = waiting.pop()
        if key in reached or key not in nodes:
            continue
        reached.add(key)
        waiting += [*(children.get(key, ()) if nodes[key].component else ()), *_named(key, nodes)]
    return frozenset(reached)


def _named(key: int, nodes: Mapping[int, Node]) -> Iterable[int]:
    """Yield what a resource names itself, and what those that it is a child of name."""
    above: int | None = key
    while above is not None and above in nodes:
        yield from nodes[above].depends_on
        above = nodes[above].parent
