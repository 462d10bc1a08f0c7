"""For each of the nineteen items: proven, stated and waived pass; all else holds the release up, unknown included."""

from __future__ import annotations

from typing import Any

import pytest

from evidence.checklist.checklist import Checklist, Line
from evidence.checklist.item import BY_NAME, ITEMS, Item
from evidence.checklist.proof import Proof, State
from policies.rules.checklist import CHECKLIST as KIND
from policies.rules.checklist import RULES, open_items, rule_of, waived_items
from policies.rules.rule import DEV, PROD, STAGING, UNKNOWN, Given, Rule, Severity, Topic
from tests.policies.plain_data import CHECKLIST, REMOVED, item, with_at

OF_RELEASE = next(rule for rule in RULES if not rule.item)
EACH_ITEM = pytest.mark.parametrize("each", ITEMS, ids=lambda each: each.name)
CLOSES = "ask ann"


def found(each: Item, environment: str = PROD, **facts: Any) -> list[str]:
    return rule_of(each).check(item(each.name, closes=CLOSES, **facts), Given(environment))


def test_there_is_one_rule_for_each_item_named_as_the_guide_orders_them() -> None:
    assert [rule.item for rule in RULES] == [*range(1, 20), 0]
    assert [rule.name for rule in RULES[:19]] == [f"checklist-{each.number:02}-{each.name}" for each in ITEMS]
    assert all(rule.applies(KIND) and not rule.applies("kubernetes:core/v1:ConfigMap") for rule in RULES)


@EACH_ITEM
def test_a_rule_says_which_item_it_is_about(each: Item) -> None:
    rule = rule_of(each)
    assert (rule.name, rule.item) == (f"checklist-{each.number:02}-{each.name}", each.number)
    assert (rule.topic, rule.severity) == (Topic.CHECKLIST, Severity.CRITICAL)
    assert rule.description == f"Item {rule.item} of the checklist: {each.title}."
    waive = "do what closes it, or waive it for this release: checklist.waivers, which everybody is told of."
    assert rule.remedy == waive
    assert rule.applies(KIND)
    assert not rule.applies("kubernetes:core/v1:ConfigMap")
    assert rule.thresholds == ()


@EACH_ITEM
def test_what_is_closed_passes(each: Item) -> None:
    assert found(each, state="proven") == []
    assert found(each, state="stated", until="2031-05-20") == []
    assert found(each, state="waived", until="2031-05-20") == []


@EACH_ITEM
@pytest.mark.parametrize("state", [State.MISSING, State.EXPIRED, State.UNKNOWN])
def test_what_is_open_expired_or_unknown_is_refused_with_what_closes_it(each: Item, state: State) -> None:
    says = [f"{state.value}: nobody said so; what closes it: {CLOSES}"]
    assert found(each, state=state.value, value="nobody said so") == says
    assert found(each, state=state.value, value="") == [f"{state.value}: nothing was found; what closes it: {CLOSES}"]


@EACH_ITEM
def test_what_cannot_be_evaluated_is_refused(each: Item) -> None:
    key = f"{each.number:02}-{each.name}"
    rule, again = rule_of(each), "see what the table says: make checklist STACK=prod"
    later = f"nobody can tell yet how it stands; what closes it: {again}"
    missing = f"it is missing from the checklist; what closes it: {again}"
    odd = f"it does not say whether it is required; what closes it: {again}"
    for properties, says in (
        (with_at(CHECKLIST, f"items.{key}", REMOVED), missing),
        (with_at(CHECKLIST, f"items.{key}", None), missing),
        ({"items": None}, missing),
        ({"items": "all of them"}, missing),
        ({}, missing),
        ({"items": UNKNOWN}, later),
        (with_at(CHECKLIST, f"items.{key}", UNKNOWN), later),
        (with_at(CHECKLIST, f"items.{key}.state", UNKNOWN), later),
        (with_at(CHECKLIST, f"items.{key}.required", UNKNOWN), later),
        (with_at(CHECKLIST, f"items.{key}", "proven"), odd),
        (with_at(CHECKLIST, f"items.{key}.required", REMOVED), odd),
        (with_at(CHECKLIST, f"items.{key}.required", "no"), odd),
        (with_at(CHECKLIST, f"items.{key}.required", 0), odd),
    ):
        assert rule.check(properties, Given(PROD)) == [says]


@EACH_ITEM
@pytest.mark.parametrize("state", ["PROVEN", "ok", "", None, True, REMOVED])
def test_a_state_that_is_none_is_refused(each: Item, state: Any) -> None:
    [text] = rule_of(each).check(with_at(CHECKLIST, f"items.{each.number:02}-{each.name}.state", state), Given(PROD))
    got = None if state is REMOVED else state
    states = "expired, missing, planned, proven, stated, unknown, waived"
    again = "see what the table says: make checklist STACK=prod"
    assert text == f"its state is {got!r}; there are: {states}; what closes it: {again}"


@EACH_ITEM
def test_a_waiver_without_an_end_is_none(each: Item) -> None:
    for until in ("", "for ever", "2031-05", None, UNKNOWN, "2031-05-20 or so", "on 2031-05-20"):
        [text] = found(each, state="waived", until=until)
        assert text == f"its waiver names no day on which it ends; what closes it: {CLOSES}"


@EACH_ITEM
def test_what_the_settings_do_not_require_holds_nothing_up_unless_the_environment_does(each: Item) -> None:
    optional = {"required": False, "state": "missing"}
    assert found(each, DEV, **optional) == []
    demanded = [
        f"the settings do not require it, but {{}} does: add it to checklist.required; what closes it: {CLOSES}"
    ]
    in_prod = [] if each.name in {"migration", "window", "response-team"} else [demanded[0].format("prod")]
    assert found(each, PROD, **optional) == in_prod
    assert found(each, STAGING, **optional) == ([demanded[0].format("staging")] if each.name == "approval" else [])
    assert len(found(each, PROD, required=False, state="proven")) == len(in_prod), "it may be open the next time"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_complete_checklist_passes(rule: Rule) -> None:
    assert rule.check(CHECKLIST, Given(PROD)) == []


def test_a_checklist_is_of_this_environment_and_of_a_release() -> None:
    assert OF_RELEASE.check(CHECKLIST, Given(STAGING)) == ["it is the checklist of 'prod', and this is staging"]
    for environment in (UNKNOWN, None, "Prod"):
        says = [f"it is the checklist of {environment!r}, and this is prod"]
        assert OF_RELEASE.check({**CHECKLIST, "environment": environment}, Given(PROD)) == says
    for version in (UNKNOWN, None, "", 5):
        says = [f"it is the checklist of release {version!r}, which is none"]
        assert OF_RELEASE.check({**CHECKLIST, "version": version}, Given(PROD)) == says


def test_all_open_items_are_found_in_the_order_of_the_guide() -> None:
    items = {**item("rollback", state="missing")["items"], "02-tests": UNKNOWN, "07-notes": None}
    opened = open_items(items, Given(PROD))
    assert [each.item.name for each in opened] == ["tests", "notes", "rollback"]
    assert open_items(CHECKLIST["items"], Given(PROD)) == ()


def test_waived_items_are_found_with_what_is_known_of_them() -> None:
    items = item("backup", state="waived", value="ann: moved")["items"]
    assert waived_items(items) == ((BY_NAME["backup"], items["16-backup"]),)
    assert waived_items(CHECKLIST["items"]) == ()
    assert waived_items(UNKNOWN) == ()


def test_the_inputs_that_the_evidence_makes_are_those_that_the_rules_read() -> None:
    def inputs(state: State) -> dict[str, Any]:
        lines = tuple(Line(each, Proof(state, "git", "a value", until="2031-05-20"), required=True) for each in ITEMS)
        return Checklist(PROD, "v2031.05.14", lines).inputs()

    for state in State:
        refused = [rule.name for rule in RULES if rule.check(inputs(state), Given(PROD))]
        # A release brings its own monitoring, and nothing else that has to be proven before it.
        closed = 1 if state is State.PLANNED else 19 * state.closed
        assert len(refused) == 19 - closed, state
        assert ("checklist-17-monitoring" in refused) is not state.closed
