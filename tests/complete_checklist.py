"""A checklist on which every item is proven."""

from __future__ import annotations

from evidence.checklist.checklist import Checklist, Line
from evidence.checklist.item import ITEMS
from evidence.checklist.proof import Proof, State


def checklist_of(
    environment: str = "staging", version: str = "v1", *, state: State = State.PROVEN, of: str = ""
) -> Checklist:
    """Return the checklist of a version; item `of` stands at `state`."""
    lines = tuple(
        Line(
            item,
            Proof(state if item.name == of else State.PROVEN, "a test", "as it is", closes="a person"),
            required=True,
        )
        for item in ITEMS
    )
    return Checklist(environment, version, lines)
