"""What a preview does not know is seen as unknown by the rules, and never turns a rule into advice."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import proxy

from policies.plain import plain
from policies.rules.rule import UNKNOWN
from policies.rules.workload import RULES
from tests.policies.test_rules import RIGHT, changed

SENTINELS = [
    proxy.UNKNOWN_STRING_VALUE,
    proxy.UNKNOWN_BOOLEAN_VALUE,
    proxy.UNKNOWN_NUMBER_VALUE,
    proxy.UNKNOWN_ARRAY_VALUE,
    proxy.UNKNOWN_OBJECT_VALUE,
]


def seen(properties: dict[str, Any]) -> Any:
    """Return the properties as a rule gets them while Pulumi guards them."""
    return plain(proxy.unknown_checking_proxy(properties))


def test_known_values_come_out_as_they_went_in() -> None:
    values = {"a": [1, {"b": "text"}, None, True], "c": {}, "d": [], "e": 1.5}
    assert seen(values) == values
    assert type(seen(values)["a"]) is list
    assert type(seen(values)["c"]) is dict


@pytest.mark.parametrize("sentinel", SENTINELS)
def test_an_unknown_value_is_unknown_wherever_it_stands(sentinel: str) -> None:
    found = seen({"a": sentinel, "b": [1, sentinel], "c": {"d": {"e": sentinel}}})
    assert found["a"] is UNKNOWN
    assert found["b"][1] is UNKNOWN
    assert found["c"]["d"]["e"] is UNKNOWN


def test_the_rules_pass_what_is_right_behind_the_guard() -> None:
    assert [text for rule in RULES for text in rule.check(seen(RIGHT))] == []


@pytest.mark.parametrize("path", ["containers", "initContainers", "volumes", "securityContext", ".resources"])
def test_a_rule_refuses_what_the_preview_does_not_know(path: str) -> None:
    properties = seen(changed(path, proxy.UNKNOWN_OBJECT_VALUE))
    assert [text for rule in RULES for text in rule.check(properties)]


def test_an_image_that_is_not_known_yet_is_no_violation() -> None:
    properties = seen(changed(".image", proxy.UNKNOWN_STRING_VALUE))
    assert [text for rule in RULES for text in rule.check(properties)] == []
