"""Prometheus, asked which alerting rules it has loaded, and whether they are the ones that were declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import promql_parser
from pydantic import BaseModel, ConfigDict, Field

from checks.prometheus import Prometheus


class DeclaredAlert(Protocol):
    """An alert as the program declares it. Several may have one name, such as one for each severity."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def expr(self) -> str:
        """Its PromQL."""

    @property
    def severity(self) -> str:
        """Its label `severity`."""

    @property
    def for_seconds(self) -> int:
        """How long the expression holds before it fires."""


class LoadedRule(BaseModel):
    """One alerting rule. `health` is "ok", "err" (then `error` says why) or "unknown" before its first evaluation.

    `duration` is its `for`, in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    query: str
    health: str
    error: str = Field(default="", alias="lastError")
    duration: float = 0
    labels: dict[str, str] = Field(default_factory=dict)

    def is_as(self, declared: DeclaredAlert) -> bool:
        """Whether it is the alert that was declared: name, severity, `for` and expression."""
        mine = (self.name, self.labels.get("severity", ""), self.duration)
        wanted = (declared.name, declared.severity, declared.for_seconds)
        return mine == wanted and same_expression(declared.expr, self.query)


class _Group(BaseModel):
    rules: list[LoadedRule]


class _Groups(BaseModel):
    groups: list[_Group]


class _RulesAnswer(BaseModel):
    data: _Groups


class RulesPrometheus(Prometheus):
    """A Prometheus that is also asked for its rules. Every promise is that of Prometheus itself."""

    def alerting_rules(self) -> Sequence[LoadedRule]:
        """Return the alerting rules of every group. Raises Unreachable."""
        answer = self._asked(_RulesAnswer, "api/v1/rules", {"type": "alert"})
        return tuple(rule for group in answer.data.groups for rule in group.rules)


def same_expression(declared: str, loaded: str) -> bool:
    """Whether two texts are the same PromQL: Prometheus writes what it has loaded in a form of its own."""
    try:
        return bool(promql_parser.parse(declared).prettify() == promql_parser.parse(loaded).prettify())
    except ValueError:
        # The parser may not know yet what a newer Prometheus does.
        return declared.split() == loaded.split()
