"""How a rollback ended."""

from __future__ import annotations

from dataclasses import dataclass

from checks.verdict import Kind


@dataclass(frozen=True)
class Outcome:
    """PASS only where the version gone back to is seen to serve everything; `reason` is one sentence for a person.

    `off_seconds` passed until no bad pod was left in the Service, None where some stayed; `whole_seconds` until every
    check had ended. `moved` says whether the pods were changed, or told to change, at all. `undone` names what could
    not be done, each with the command that does it by hand.
    """

    kind: Kind
    reason: str
    moved: bool
    off_seconds: float | None = None
    whole_seconds: float = 0.0
    undone: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"
