"""The one answer that every check gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a check found. Only PASS promotes; only FAIL is known to be bad; the other three are "don't know"."""

    PASS = "PASS"  # noqa: S105  (a verdict, not a password)
    FAIL = "FAIL"
    NO_DATA = "NO_DATA"
    TOO_FEW = "TOO_FEW"
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True)
class Verdict:
    """A kind with its reason, the numbers and the query behind it, and what a person reads next.

    `reason` is one line. `details` are further lines for a person, such as the last log lines of a pod. `output` is
    what a command printed in the end, for the record; whoever watched it has seen it.
    """

    kind: Kind
    reason: str
    numbers: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))
    query: str = ""
    details: tuple[str, ...] = ()
    output: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether measuring further cannot change it."""
        return self.kind in {Kind.PASS, Kind.FAIL}

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"
