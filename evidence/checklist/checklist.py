"""The nineteen items of one release, each with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidence.checklist.item import Item
from evidence.checklist.proof import Proof, State


@dataclass(frozen=True)
class Line:
    """One item, how it stands, and whether the environment requires it."""

    item: Item
    proof: Proof
    required: bool

    @property
    def open(self) -> bool:
        """Whether it keeps the release from beginning."""
        return self.required and not self.proof.state.closed

    @property
    def key(self) -> str:
        """Its name in the inputs: they sort as the items do."""
        return f"{self.item.number:02}-{self.item.name}"


@dataclass(frozen=True)
class Checklist:
    """All items in the guide's order. `break_glass` says in one line what was waived in an emergency, and by whom."""

    environment: str
    version: str
    lines: tuple[Line, ...]
    break_glass: str = ""

    @property
    def open(self) -> tuple[Line, ...]:
        """What keeps the release from beginning; nothing where it may begin."""
        return tuple(line for line in self.lines if line.open)

    @property
    def waived(self) -> tuple[Line, ...]:
        """What the release goes without, for its record and its pull request."""
        return tuple(line for line in self.lines if line.proof.state is State.WAIVED)

    def told_waived(self) -> dict[str, Any]:
        """Return what the release goes without as facts of its record: who, why and until when; empty where nothing."""
        items = [
            f"{line.item.number} {line.item.name}: {line.proof.source} until {line.proof.until}: {line.proof.value}"
            for line in self.waived
        ]
        return {} if not items else {"items": items, **({"break_glass": self.break_glass} if self.break_glass else {})}

    def inputs(self) -> dict[str, Any]:
        """Return plain data for a resource: the same as long as the situation is, so without what was just seen."""
        items = {line.key: _input(line) for line in self.lines}
        return {"environment": self.environment, "version": self.version, "items": items}


def _input(line: Line) -> dict[str, Any]:
    item, proof = line.item, line.proof
    return {
        "number": item.number,
        "title": item.title,
        "required": line.required,
        "state": proof.state.value,
        "source": proof.source,
        "value": proof.value,
        "link": proof.link,
        "closes": proof.closes,
        "until": proof.until,
    }
