"""What a configuration of the pack (`--policy-pack-config`) may set: levels up, and thresholds within what they allow.

Pulumi itself lets it do anything, down to turning a rule off. Here the pack refuses to run with less than its table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from policies.levels import RULES, Level, level_named, level_of
from policies.rules.rule import Rule, Threshold

_BY_NAME = {rule.name: rule for rule in RULES}
_STRICTNESS = (Level.OFF, Level.ADVISORY, Level.MANDATORY)


def schema_of(rule: Rule) -> dict[str, dict[str, Any]]:
    """Return the JSON schema of what may be set for the rule: each threshold, with what it is and its default."""
    return {
        each.name: {
            **each.schema,
            "default": each.default,
            "description": f"{rule.description} Allowed: {each.allowed}.",
        }
        for each in rule.thresholds
    }


def refusals(environment: str, wanted: Mapping[str, tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return what the configuration must not set, one text each.

    `wanted` has, by the name of a policy, its level (as Level has it, or `remediate`, which is as strict as mandatory)
    and its thresholds. What the configuration does not name is as the table has it.
    """
    found: list[str] = []
    for name, (level, values) in wanted.items():
        rule = _BY_NAME.get(name)
        held = level_named(name, environment) if rule is None else level_of(rule, environment)
        if level in _STRICTNESS and _STRICTNESS.index(Level(level)) < _STRICTNESS.index(held):
            found.append(f"{name} is {held.value} in {environment}, and the configuration makes it {level}")
        found += _thresholds(name, () if rule is None else rule.thresholds, values)
    return found


def _thresholds(name: str, thresholds: Iterable[Threshold], values: Mapping[str, Any]) -> list[str]:
    known = {each.name: each for each in thresholds}
    return [
        f"{name} has no threshold {key!r}; there are: {', '.join(known) or 'none'}"
        if key not in known
        else f"{name}: {key} is {value!r}; allowed is {known[key].allowed}"
        for key, value in values.items()
        if key not in known or not known[key].allows(value)
    ]
