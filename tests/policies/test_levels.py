"""How strictly each rule is held where: nothing in production is advice, and nobody configures a rule away."""

from __future__ import annotations

import re

import pytest

from policies.configuration import refusals, schema_of
from policies.judging import as_table, violations, violations_table
from policies.levels import RULES, Level, environment_of, level_of, strictest
from policies.rules.checklist import CHECKLIST as CHECKLIST_KIND
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from policies.rules.rule import DEV, PROD, STAGING, Given, Rule, Severity, Topic
from policies.rules.workload import RULES as OF_PODS
from tests.policies.plain_data import CHECKLIST, changed, item

BY_NAME = {rule.name: rule for rule in RULES}
EACH_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def at_level(environment: str, level: Level) -> set[str]:
    return {rule.name for rule in RULES if level_of(rule, environment) is level}


def test_production_holds_every_rule() -> None:
    assert at_level(PROD, Level.MANDATORY) == set(BY_NAME)


def test_staging_holds_the_checklist_the_pods_and_the_order() -> None:
    told = {"strategy-of-the-guide", "gate-for-each-step"} | {
        rule.name for rule in RULES if rule.topic is Topic.MONITORING
    }
    assert at_level(STAGING, Level.ADVISORY) == told
    assert at_level(STAGING, Level.MANDATORY) == set(BY_NAME) - told


def test_dev_holds_what_would_harm_others_and_little_else() -> None:
    held = {"containers-known", "no-host-access", "no-plain-secret", "in-namespace", "nothing-opaque"}
    assert at_level(DEV, Level.MANDATORY) == held
    assert {rule.topic for rule in RULES if level_of(rule, DEV) is Level.ADVISORY} == {Topic.WORKLOAD, Topic.ROLLOUT}
    assert not [name for name in at_level(DEV, Level.ADVISORY) if name.startswith("checklist")]


def test_a_stack_of_another_name_is_held_to_production() -> None:
    for stack in ("dev", "staging", "prod"):
        assert environment_of(stack) == stack
    for stack in ("production", "Dev", "", "prod-2"):
        assert environment_of(stack) == PROD
        assert level_of(BY_NAME["no-latest"], stack) is Level.MANDATORY


def test_the_strictest_of_two_environments_counts() -> None:
    assert strictest(DEV) == DEV
    assert strictest(DEV, STAGING) == strictest(STAGING, DEV) == STAGING
    assert strictest(STAGING, "another") == PROD


@EACH_RULE
def test_a_rule_says_what_it_wants_how_much_it_matters_and_what_mends_it(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{3,60}", rule.name)
    assert rule.description.endswith(".")
    assert rule.remedy.endswith(".")
    assert rule.severity in Severity
    assert bool(rule.item) is rule.name.startswith("checklist-") or rule.name == "checklist-of-this-release"


def test_each_rule_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(RULES) == 44


@EACH_RULE
@pytest.mark.parametrize("level", ["disabled", "advisory"])
def test_no_configuration_takes_a_rule_of_production_away(rule: Rule, level: str) -> None:
    says = f"{rule.name} is mandatory in prod, and the configuration makes it {level}"
    assert refusals(PROD, {rule.name: (level, {})}) == [says]
    assert refusals(PROD, {rule.name: ("mandatory", {})}) == []
    assert refusals(PROD, {rule.name: ("remediate", {})}) == []


def test_a_configuration_may_make_rules_stricter_where_they_are_not_held() -> None:
    assert refusals(STAGING, {"gate-for-each-step": ("mandatory", {})}) == []
    assert refusals(STAGING, {"gate-for-each-step": ("advisory", {})}) == []
    assert refusals(STAGING, {"gate-for-each-step": ("disabled", {})}) == [
        "gate-for-each-step is advisory in staging, and the configuration makes it disabled"
    ]
    assert refusals(DEV, {"no-latest": ("mandatory", {}), "migration-is-first": ("disabled", {})}) == []


def test_a_configuration_sets_thresholds_within_what_they_allow() -> None:
    assert refusals(PROD, {"gate-for-each-step": ("mandatory", {"steps": [10, 25, 50, 100]})}) == []
    [text] = refusals(PROD, {"gate-for-each-step": ("mandatory", {"steps": [100]})})
    assert text.startswith("gate-for-each-step: steps is [100]; allowed is a list of whole numbers that goes up")
    assert refusals(PROD, {"no-latest": ("mandatory", {"steps": [100]})}) == [
        "no-latest has no threshold 'steps'; there are: none"
    ]
    assert refusals(PROD, {"no-plain-secret": ("mandatory", {"names": []})}) == [
        "no-plain-secret has no threshold 'names'; there are: secretNames"
    ]


def test_a_schema_documents_each_threshold() -> None:
    found = schema_of(BY_NAME["alert-for-each-limit"])
    assert found["p99Seconds"]["default"] == 0.5
    assert found["p99Seconds"]["maximum"] == 0.5
    assert "the guide's limit or a stricter one" in found["p99Seconds"]["description"]
    assert len(found) == 6
    assert schema_of(BY_NAME["no-latest"]) == {}
    for rule in RULES:
        for each in rule.thresholds:
            assert each.allows(each.default)
            assert Given(PROD, {each.name: object()}).value(each) == each.default, (
                "the guide's, where it is not allowed"
            )


def test_violations_are_those_of_mandatory_rules() -> None:
    wrong = changed("hostPID", value=True)
    wrong["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = 3

    def found(environment: str) -> list[tuple[str, str, str, str]]:
        return [
            (one.rule, one.subject, one.wrong, one.mends)
            for one in violations(DEPLOYMENT_KIND, "stable", wrong, Given(environment))
            if one.rule != "in-namespace"
        ]

    host = BY_NAME["no-host-access"]
    in_staging = [("no-host-access", "stable", "hostPID is True", host.remedy)]
    assert found(STAGING) == found(DEV) == in_staging
    strategy = BY_NAME["strategy-of-the-guide"]
    too_many = "strategy.rollingUpdate.maxSurge is 3, and not 1"
    assert found(PROD) == [*in_staging, ("strategy-of-the-guide", "stable", too_many, strategy.remedy)]


def test_one_open_item_of_the_checklist_is_one_violation() -> None:
    assert violations(CHECKLIST_KIND, "checklist", CHECKLIST, Given(PROD)) == []
    [found] = violations(CHECKLIST_KIND, "checklist", item("review", state="unknown"), Given(PROD))
    assert found.rule == "checklist-03-review"


def test_a_table_keeps_names_and_commands_whole() -> None:
    address = "https://github.com/o/r/pull/12-with-a-long-name"
    assert as_table(("a", "b"), (4, 10), [("one", f"look at {address}"), ("two", "x"), ("three", "")]).splitlines() == [
        "a     b",
        "----  ----------",
        "one   look at",
        f"      {address}",
        "two   x",
        "three",
    ]


def test_the_table_of_violations_has_each_with_its_remedy() -> None:
    table = violations_table(violations(CHECKLIST_KIND, "list", item("review", state="unknown"), Given(PROD)))
    heading, _, first, *_ = table.splitlines()
    assert heading.split("  ")[0] == "rule"
    assert first.startswith("checklist-03-review         list")
    assert "unknown: as it should be" in first


def test_the_rules_about_pods_are_all_among_them() -> None:
    assert {rule.name for rule in OF_PODS} <= set(BY_NAME)
