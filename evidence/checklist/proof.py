"""What is known of one item of the checklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How an item stands. The first four let a release begin; MISSING, EXPIRED and UNKNOWN never do.

    PLANNED: the release itself brings it, and a gate proves it before the first pod moves.
    """

    PROVEN = "proven"
    PLANNED = "planned"
    STATED = "stated"
    WAIVED = "waived"
    MISSING = "missing"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def closed(self) -> bool:
        """Whether the item lets a release begin."""
        return self in {State.PROVEN, State.PLANNED, State.STATED, State.WAIVED}


@dataclass(frozen=True)
class Proof:
    """How an item stands, and by what.

    `source` names where it was looked up, `value` what was found: text that stays the same while the situation does.
    `seen` is what changes with every look (ages, counts, times): shown, never kept in the state. `closes` is the
    command or the person that closes an item that is open. `until` is the day on which a statement or waiver ends.
    None of them holds a secret.
    """

    state: State
    source: str
    value: str
    seen: str = ""
    link: str = ""
    closes: str = ""
    until: str = ""


# Each is called once in a run, in a thread of its own, and answers UNKNOWN rather than raise where a service is down.
Prover = Callable[[], Proof]
Provers = Mapping[str, Prover]
