"""The rules of Prometheus as data, and the form in which Prometheus and its operator read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "none"]
Document = dict[str, Any]
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True)
class Recording:
    """A series that Prometheus computes from others."""

    name: str
    expr: str

    def document(self) -> Document:
        """Return the rule as Prometheus reads it."""
        return {"record": self.name, "expr": self.expr}


@dataclass(frozen=True)
class Alert:
    """An alert. `about` names the limit or state that it watches; several alerts may be about the same.

    `summary` is a template of Prometheus, one line. `gates`: whether it stands in the way of a release while it fires;
    what tells of a release that did not go on must not, or no next one ever would. `labels` are further ones, and
    `common` those that all alerts of a stack carry.
    """

    name: str
    about: str
    severity: Severity
    expr: str
    for_seconds: int
    summary: str
    gates: bool
    labels: Mapping[str, str] = field(default_factory=dict)

    def document(self, common: Mapping[str, str], runbooks: str) -> Document:
        """Return the rule as Prometheus reads it."""
        labels = {**common, "about": self.about, "gate": "yes" if self.gates else "no", **self.labels}
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": duration(self.for_seconds)} if self.for_seconds else {}),
            "labels": {**labels, "severity": self.severity},
            "annotations": {"summary": self.summary, "runbook_url": f"{runbooks.rstrip('/')}/{self.name}.md"},
        }


@dataclass(frozen=True)
class Group:
    """Rules that Prometheus evaluates one after the other."""

    name: str
    rules: tuple[Recording | Alert, ...]


def duration(seconds: int) -> str:
    """Return a time span as Prometheus writes it: 90 is 90s, 120 is 2m. Raises ValueError below 1."""
    if seconds < 1:
        message = f"a time span is {seconds} s: allowed is 1 and more"
        raise ValueError(message)
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def number(value: float) -> str:
    """Return a number as PromQL writes it, without the noise of binary fractions."""
    return f"{value:.10g}"
