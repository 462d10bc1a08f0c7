"""What a preview does not know is seen as unknown by the rules, and never turns a rule into advice."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import proxy

from policies.levels import RULES
from policies.plain import plain, whole_numbers
from policies.rules.checklist import CHECKLIST as CHECKLIST_KIND
from policies.rules.outline import OUTLINE as OUTLINE_KIND
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from policies.rules.rule import GUIDE, UNKNOWN, at, is_unknown, kind, listed, may_be_set, regardless, text_at
from policies.rules.workload import RULES as OF_PODS
from tests.policies.plain_data import CHECKLIST, DEPLOYMENT, OUTLINE, Json, changed

SENTINELS = [
    proxy.UNKNOWN_STRING_VALUE,
    proxy.UNKNOWN_BOOLEAN_VALUE,
    proxy.UNKNOWN_NUMBER_VALUE,
    proxy.UNKNOWN_ARRAY_VALUE,
    proxy.UNKNOWN_OBJECT_VALUE,
]
RIGHT = ((DEPLOYMENT_KIND, DEPLOYMENT), (CHECKLIST_KIND, CHECKLIST), (OUTLINE_KIND, OUTLINE))


def seen(properties: Json) -> Any:
    """Return the properties as a rule gets them while Pulumi guards them."""
    return plain(proxy.unknown_checking_proxy(properties))


def refused(kind: str, properties: Json) -> list[str]:
    return [text for rule in RULES if rule.applies(kind) for text in rule.check(seen(properties))]


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


@pytest.mark.parametrize(("kind", "properties"), RIGHT)
def test_the_rules_pass_what_is_right_behind_the_guard(kind: str, properties: Json) -> None:
    assert refused(kind, properties) == []


@pytest.mark.parametrize(("kind", "properties"), RIGHT)
@pytest.mark.parametrize("sentinel", SENTINELS)
def test_each_rule_refuses_what_is_unknown_as_a_whole(kind: str, properties: Json, sentinel: str) -> None:
    """For each rule that looks at one of these: all that it could look at is unknown, and it says so itself."""
    silent = {
        rule.name for rule in RULES if rule.applies(kind) and not rule.check(seen(dict.fromkeys(properties, sentinel)))
    }
    # Without containers they have none to look at; `containers-known` refuses those.
    of_containers = {"image-by-digest", "no-latest", "resources-set", "restricted", "no-plain-secret"}
    assert silent == (of_containers if kind == DEPLOYMENT_KIND else set())


@pytest.mark.parametrize("path", ["containers", "initContainers", "volumes", "securityContext", ".resources", ".env"])
def test_a_rule_refuses_what_the_preview_does_not_know(path: str) -> None:
    properties = seen(changed(path, proxy.UNKNOWN_OBJECT_VALUE))
    assert [text for rule in OF_PODS for text in rule.check(properties)]


def test_an_image_that_is_not_known_yet_is_no_violation() -> None:
    assert refused(DEPLOYMENT_KIND, changed(".image", proxy.UNKNOWN_STRING_VALUE)) == []


def test_whole_numbers_are_whole_again() -> None:
    found = whole_numbers({"steps": [10.0, 50.0], "share": 0.5, "on": True, "text": "1.0"})
    assert found == {"steps": [10, 50], "share": 0.5, "on": True, "text": "1.0"}
    assert [type(step) for step in found["steps"]] == [int, int]


def test_below_what_is_unknown_everything_is_unknown_and_below_what_is_missing_nothing() -> None:
    assert at({"a": {"b": 1}}, "a", "b") == 1
    assert at({"a": UNKNOWN}, "a", "b") is UNKNOWN
    assert at({"a": None}, "a", "b") is None
    assert at({"a": "text"}, "a", "b") is None
    assert not UNKNOWN
    assert is_unknown(UNKNOWN)
    assert not is_unknown(None)


def test_a_list_and_a_text_are_read_as_such_or_not_at_all() -> None:
    assert listed({"a": [1, 2]}, "a") == [1, 2]
    assert listed({"a": UNKNOWN}, "a") == [UNKNOWN]
    assert listed({"a": "text"}, "a") == listed({}, "a") == listed({"a": {"b": 1}}, "a") == []
    assert text_at({"a": "text"}, "a") == "text"
    assert text_at({"a": 1}, "a") == text_at({"a": UNKNOWN}, "a") == text_at({}, "a") == ""
    assert may_be_set(UNKNOWN)
    assert may_be_set(value=True)
    assert not may_be_set(None)


def test_a_rule_is_for_the_kinds_that_it_names_and_gets_the_properties() -> None:
    assert kind("a", "b")("a")
    assert not kind("a", "b")("c")
    assert regardless(lambda properties: [str(properties["x"])])({"x": 1}, GUIDE) == ["1"]
