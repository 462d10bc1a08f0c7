"""Every rule there is passes what is compliant, and refuses what violates it, what is missing and what is unknown.

The tests beside this one say what each rule says; this one holds that none is without such a test, also one to come.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from policies.levels import RULES
from policies.rules.alerting import ROUTES_KIND, RULES_KIND
from policies.rules.checklist import CHECKLIST as CHECKLIST_KIND
from policies.rules.outline import OUTLINE as OUTLINE_KIND
from policies.rules.place import BINDING, ROLE
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from policies.rules.rule import PROD, UNKNOWN, Given, Rule
from tests.policies.plain_data import CHECKLIST, DEPLOYMENT, OUTLINE, REMOVED, Json
from tests.policies.test_monitoring_rules import ROUTES, RULE_FILE
from tests.policies.test_place_rules import RIGHT_BINDING, RIGHT_ROLE

COMPLIANT: dict[str, Json] = {
    DEPLOYMENT_KIND: DEPLOYMENT,
    OUTLINE_KIND: OUTLINE,
    CHECKLIST_KIND: CHECKLIST,
    RULES_KIND: RULE_FILE,
    ROUTES_KIND: ROUTES,
    ROLE: RIGHT_ROLE,
    BINDING: RIGHT_BINDING,
}
_POD = ("spec", "template", "spec")
WRONG: tuple[Any, ...] = ("", "*", "wrong", "default", "registry.internal/app:latest", "/", 0, -1, True, False, [], {})
# What goes against these has to be added to what is compliant; where it is missing nothing goes against them.
ADDED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "no-host-access": ((*_POD, "hostNetwork"), True),
    "no-plain-secret": ((*_POD, "containers", 0, "env"), [{"name": "DATABASE_PASSWORD", "value": "hunter2"}]),
}
MISSING_IS_RIGHT = {*ADDED, "rights-are-named"}
# The image that this very update builds: unknown-image-is-built-here sees whether it is that (test_workload_rules.py).
UNKNOWN_IS_JUDGED_WITH_THE_STACK = {"image-by-digest", "no-latest"}
# Refuses whole kinds of resources, whatever is in them (test_place_rules.py).
BY_KIND = {"nothing-opaque"}


def paths(value: Any, below: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in plain data, the innermost last."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield (*below, key)
        yield from paths(each, (*below, key))


def with_at(right: Json, path: tuple[Any, ...], value: Any) -> Json:
    found = copy.deepcopy(right)
    at: Any = found
    for key in path[:-1]:
        at = at[key]
    if value is REMOVED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return found


def sample(rule: Rule) -> Json:
    return next(data for kind, data in COMPLIANT.items() if rule.applies(kind))


def refuses(rule: Rule, value: Any) -> bool:
    """Whether the rule refuses what is compliant but for `value` at one place, wherever that is."""
    right = sample(rule)
    return any(rule.check(with_at(right, path, value), Given(PROD)) for path in paths(right))


EVERY = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.name not in BY_KIND], ids=lambda rule: rule.name
)


@EVERY
def test_what_is_compliant_passes(rule: Rule) -> None:
    assert rule.check(sample(rule), Given(PROD)) == []


@EVERY
def test_what_violates_it_is_refused(rule: Rule) -> None:
    if rule.name in ADDED:
        assert rule.check(with_at(sample(rule), *ADDED[rule.name]), Given(PROD))
    else:
        assert any(refuses(rule, value) for value in WRONG)


@EVERY
def test_a_field_that_is_missing_is_refused_where_it_must_be_there(rule: Rule) -> None:
    assert refuses(rule, REMOVED) is (rule.name not in MISSING_IS_RIGHT)


@EVERY
def test_a_value_that_is_not_known_yet_is_refused(rule: Rule) -> None:
    assert refuses(rule, UNKNOWN) is (rule.name not in UNKNOWN_IS_JUDGED_WITH_THE_STACK)


def test_what_is_an_exception_here_is_a_rule() -> None:
    names = {rule.name for rule in RULES}
    assert names >= MISSING_IS_RIGHT | UNKNOWN_IS_JUDGED_WITH_THE_STACK | BY_KIND
