"""What a rule is, and how it sees a value that is not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Found = list[str]
Properties = Mapping[str, Any]
DEV, STAGING, PROD = "dev", "staging", "prod"


@dataclass(frozen=True, eq=False)
class Unknown:
    """A value that is not known yet. It equals nothing and is never true.

    `origins` are the types of the resources that it will come from; None where nobody can tell.
    """

    origins: frozenset[str] | None = None

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "a value that is not known yet"


UNKNOWN = Unknown()


class Severity(StrEnum):
    """How much harm it does to go against a rule."""

    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Topic(StrEnum):
    """What a rule is about."""

    CHECKLIST = "checklist"
    WORKLOAD = "workload"
    ROLLOUT = "rollout"
    MONITORING = "monitoring"


@dataclass(frozen=True)
class Threshold:
    """A number or list that a configuration of the pack may set, as long as `allows` it; `default` is the guide's.

    `schema` is its JSON schema, and `allowed` says in words what `allows` lets: never less than the guide asks for.
    """

    name: str
    default: Any
    schema: Mapping[str, Any]
    allows: Callable[[Any], bool]
    allowed: str


@dataclass(frozen=True)
class Given:
    """What rules are told beside the properties: the environment, and what a configuration has set."""

    environment: str = PROD
    values: Mapping[str, Any] = field(default_factory=dict)

    def value(self, threshold: Threshold) -> Any:  # noqa: ANN401
        """Return the threshold as it is configured, and the guide's where that is missing or not allowed."""
        wanted = self.values.get(threshold.name)
        return wanted if threshold.allows(wanted) else threshold.default


GUIDE = Given()
Judge = Callable[[Properties, Given], Found]


@dataclass(frozen=True)
class Rule:
    """One thing that must hold for the resources that `applies` picks, by their type.

    `judge` gets the resource's properties as plain data, UNKNOWN in place of what is not known yet, and returns one
    text for each violation: what is wrong, with the value got. `remedy` says what mends it. `item` is the number of
    the checklist's item that the rule is about, 0 where it is about none.
    """

    name: str
    topic: Topic
    severity: Severity
    description: str
    remedy: str
    applies: Callable[[str], bool]
    judge: Judge
    item: int = 0
    thresholds: tuple[Threshold, ...] = ()

    def check(self, properties: Properties, given: Given = GUIDE) -> Found:
        """Return one text for each violation; none where the resource is as it should be."""
        return self.judge(properties, given)


def regardless(check: Callable[[Properties], Found]) -> Judge:
    """Return the judge that asks `check`, which is the same in every environment."""

    def judge(properties: Properties, _given: Given) -> Found:
        return check(properties)

    return judge


def kind(*wanted: str) -> Callable[[str], bool]:
    """Return whether a type token is one of these."""
    return lambda token: token in wanted


def is_unknown(value: Any) -> bool:  # noqa: ANN401
    """Whether the value is one that is not known yet."""
    return isinstance(value, Unknown)


def at(value: Any, *path: str) -> Any:  # noqa: ANN401
    """Return what lies at `path` below `value`: None where it is missing, UNKNOWN where it is not known yet."""
    for key in path:
        if isinstance(value, Unknown):
            return value
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def listed(value: Any, *path: str) -> list[Any]:  # noqa: ANN401
    """Return the entries of the list at `path`: none where it is missing, one UNKNOWN where it is not known yet."""
    found = at(value, *path)
    if is_unknown(found):
        return [found]
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []


def may_be_set(value: Any) -> bool:  # noqa: ANN401
    """Whether the value is set, or not known yet: what cannot be judged does not pass."""
    return is_unknown(value) or bool(value)


def text_at(value: Any, *path: str) -> str:  # noqa: ANN401
    """Return the text at `path`; empty where it is missing, unknown or no text."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""
