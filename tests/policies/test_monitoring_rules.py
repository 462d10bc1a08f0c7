"""Each limit of the guide has an alert that is not laxer, complete, and reaches every contact."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from policies.rules.alerting import FILES_KIND, ROLES, ROUTES_KIND, RULES_KIND, has_unknown, routes
from policies.rules.monitoring import LIMITS, RULES, Limit, limit_of
from policies.rules.outline import OUTLINE as KIND
from policies.rules.rule import UNKNOWN, Given
from tests.policies.plain_data import OUTLINE, REMOVED, Json, part, with_at

BY_NAME = {rule.name: rule for rule in RULES}
EXPRESSIONS = next(each["alerts"] for each in OUTLINE["parts"] if each["part"] == "alerts")
ALERT = {
    "alert": "Errors",
    "expr": "error_ratio > 0.001",
    "labels": {"severity": "warning", "owner": "release manager"},
    "annotations": {"runbook_url": "https://runbooks.internal/Errors.md"},
}
SPEC = {"groups": [{"name": "limits", "rules": [{"record": "error_ratio", "expr": "a / b"}, ALERT]}]}
RULE_FILE = {"kind": "PrometheusRule", "spec": SPEC}
PEOPLE = "release manager: R, 1; DevOps lead: D, 2; on-call engineer: O, 3; engineering manager: E, 4"
ROUTES = {
    "kind": "AlertmanagerConfig",
    "spec": {
        "route": {"receiver": "slack", "routes": [{"receiver": "page", "routes": [{"receiver": "incident"}]}]},
        "receivers": [
            {"name": "slack", "slackConfigs": [{"text": PEOPLE}]},
            {"name": "page", "pagerdutyConfigs": [{"description": "x"}]},
            {"name": "incident", "webhookConfigs": [{"url": "https://incidents.internal"}]},
        ],
    },
}


def check(name: str, properties: Json, **configured: Any) -> list[str]:
    return BY_NAME[name].check(properties, Given("prod", configured))


def alerts(*expressions: Any, recorded: Any = ()) -> Json:
    return part("alerts", "", alerts=list(expressions), recorded=list(recorded))


def test_what_is_right_passes() -> None:
    assert check("alert-for-each-limit", OUTLINE) == []
    assert check("contacts-are-routed", OUTLINE) == []
    assert check("alerts-are-complete", RULE_FILE) == []
    assert check("routes-lead-somewhere", ROUTES) == []


def test_rules_are_about_what_watches() -> None:
    for name, kinds in (
        ("alert-for-each-limit", {KIND}),
        ("contacts-are-routed", {KIND}),
        ("alerts-are-complete", {RULES_KIND, FILES_KIND}),
        ("routes-lead-somewhere", {ROUTES_KIND, FILES_KIND}),
    ):
        every = {KIND, RULES_KIND, FILES_KIND, ROUTES_KIND, "kubernetes:apps/v1:Deployment"}
        assert {kind for kind in every if BY_NAME[name].applies(kind)} == kinds


MISSING = [
    "no alert is about error rate above 0.001",
    "no alert is about p99 latency above 0.5",
    "no alert is about cache hit rate below 0.85",
    "no alert is about p99 of database queries above 0.1",
    "no alert is about database connections above 0.8",
    "no alert is about memory above 0.7",
]


@pytest.mark.parametrize("number", range(6))
def test_a_limit_without_an_alert_is_refused(number: int) -> None:
    others = [text for place, text in enumerate(EXPRESSIONS) if place != number]
    recorded = next(each["recorded"] for each in OUTLINE["parts"] if each["part"] == "alerts")
    assert check("alert-for-each-limit", alerts(*others, recorded=recorded)) == [MISSING[number]]


def test_a_release_without_alerts_is_refused() -> None:
    outlines: list[Json] = [{}, {"parts": UNKNOWN}, {"parts": []}, part("alerts", ""), alerts(), alerts(UNKNOWN, None)]
    for outline in outlines:
        assert check("alert-for-each-limit", outline) == MISSING


@pytest.mark.parametrize(
    ("expression", "watches"),
    [
        ("error_ratio > 0.001", True),
        ("error_ratio >= 0.001", True),
        ("error_ratio > 0.0005", True),
        ("error_ratio > 1e-3", True),
        ("error_ratio>bool 0.001", True),
        ("(error_ratio > 0.001)", True),
        ("requests > 100 AND error_ratio > 0.001", True),
        ("absent(x) or\nerror_ratio > 0.001", True),
        ('error_ratio{path=~"a > b"} > 0.001', True),
        ("error_ratio > 0.002", False),
        ("error_ratio > 0", False),
        ("error_ratio < 0.001", False),
        ("error_ratio == 0.001", False),
        ("memory > 0.001", False),
        ("error_ratio", False),
        ("0.001", False),
        ("error_ratio > 0.001 * 50", False),
        ("error_ratio > 0.001 + 1", False),
        ("error_ratio > 0.001 unless error_ratio > 0.5", True),
        ("error_ratio > -0.001", False),
        ("error_ratio > 0.001s", False),
        ("", False),
    ],
)
def test_an_alert_is_about_a_limit_if_it_compares_with_it_or_something_stricter(
    expression: str, *, watches: bool
) -> None:
    assert (MISSING[0] not in check("alert-for-each-limit", alerts(expression))) is watches


@pytest.mark.parametrize(
    ("expression", "number"),
    [
        ("histogram_quantile(0.99, rate(request_duration_seconds_bucket[5m])) > 0.5", 1),
        ("request_seconds:quantile5m > 0.25", 1),
        ("cache_hit_ratio < 0.9", 2),
        ("query_seconds:quantile5m > 0.1", 3),
        ("db_connections_active / db_pool_size >= 0.8", 4),
        ("process_resident_memory_bytes / 268435456 > 0.7", 5),
    ],
)
def test_each_limit_knows_its_measure(expression: str, number: int) -> None:
    assert set(MISSING) - set(check("alert-for-each-limit", alerts(expression))) == {MISSING[number]}


@pytest.mark.parametrize("expression", ["cache_hit_ratio < 0.8", "cache_hit_ratio > 0.85", "query_seconds > 0.11"])
def test_an_alert_that_is_laxer_than_the_limit_is_none(expression: str) -> None:
    assert check("alert-for-each-limit", alerts(expression)) == MISSING


def test_a_recorded_series_stands_for_what_it_is_computed_from() -> None:
    recorded = [{"record": "share", "expr": "memory / limit"}, {"record": "", "expr": "error"}]
    assert MISSING[5] not in check("alert-for-each-limit", alerts("share > 0.7", recorded=recorded))
    assert MISSING[0] in check("alert-for-each-limit", alerts("share > 0.001", recorded=recorded))
    assert MISSING[5] in check("alert-for-each-limit", alerts("other > 0.7", recorded=recorded))
    unknown = part("alerts", "", alerts=["share > 0.7"], recorded=UNKNOWN)
    assert MISSING[5] in check("alert-for-each-limit", unknown)


def test_a_configuration_may_make_a_limit_stricter_and_never_laxer() -> None:
    strict = check("alert-for-each-limit", OUTLINE, p99Seconds=0.2, cacheHitShare=0.95)
    assert strict == ["no alert is about p99 latency above 0.2", "no alert is about cache hit rate below 0.95"]
    lax = {"errorShare": 0.5, "p99Seconds": 5, "cacheHitShare": 0.1, "memoryShare": 1}
    assert check("alert-for-each-limit", alerts(), **lax) == MISSING


@pytest.mark.parametrize("made", LIMITS, ids=lambda limit: limit.name)
def test_what_is_allowed_for_a_limit(made: Limit) -> None:
    threshold = made.threshold
    limit = limit_of(made.name, threshold.name, threshold.default, made.measures.pattern, least=made.least)
    assert (limit.name, limit.measures, limit.least) == (made.name, made.measures, made.least)
    assert (limit.threshold.name, limit.threshold.default) == (threshold.name, threshold.default)
    way = "more" if limit.least else "less"
    assert limit.threshold.allowed == f"{threshold.default} or {way}, which is the guide's limit or a stricter one"
    number, allows = limit.threshold.default, limit.threshold.allows
    assert allows(number)
    assert allows(number + 0.01 if limit.least else number / 2)
    assert not allows(number / 2 if limit.least else number + 0.01)
    for wrong in (True, "0.1", None, 1 if limit.least else 0, -1):
        assert not allows(wrong)
    bounds = {"minimum": number, "exclusiveMaximum": 1} if limit.least else {"exclusiveMinimum": 0, "maximum": number}
    assert limit.threshold.schema == {"type": "number", **bounds}


FIRST = "groups.0.rules.1"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("labels.severity", REMOVED, "alert Errors has severity None; there are: critical, warning, info, none"),
        ("labels.severity", "loud", "alert Errors has severity 'loud'; there are: critical, warning, info, none"),
        (
            "labels.severity",
            UNKNOWN,
            "alert Errors has severity a value that is not known yet; there are: critical, warning, info, none",
        ),
        ("labels.owner", REMOVED, "alert Errors has no owner"),
        ("labels.owner", "", "alert Errors has no owner"),
        ("labels.owner", UNKNOWN, "alert Errors has no owner"),
        ("annotations.runbook_url", REMOVED, "alert Errors has no link to a runbook"),
        ("annotations.runbook_url", "Errors.md", "alert Errors has no link to a runbook"),
        ("annotations.runbook_url", "https:///Errors.md", "alert Errors has no link to a runbook"),
        ("annotations.runbook_url", "ftp://runbooks/Errors.md", "alert Errors has no link to a runbook"),
        ("annotations.runbook_url", UNKNOWN, "alert Errors has no link to a runbook"),
        ("expr", REMOVED, "alert Errors has no expression, or one that is not known yet"),
        ("expr", UNKNOWN, "alert Errors has no expression, or one that is not known yet"),
    ],
)
def test_an_alert_that_leaves_something_out_is_refused(path: str, value: Any, says: str) -> None:
    spec = with_at(SPEC, f"{FIRST}.{path}", value)
    assert check("alerts-are-complete", {**RULE_FILE, "spec": spec}) == [says]
    if not has_unknown(spec):
        file = {"kind": "ConfigMap", "data": {"rules.yml": yaml.safe_dump(spec)}}
        assert check("alerts-are-complete", file) == [says], "in the files of a ConfigMap too"


def test_a_runbook_may_lie_inside() -> None:
    spec = with_at(SPEC, f"{FIRST}.annotations.runbook_url", "http://runbooks.internal/Errors.md")
    assert check("alerts-are-complete", {**RULE_FILE, "spec": spec}) == []


def test_the_owner_may_be_an_annotation() -> None:
    spec = with_at(with_at(SPEC, f"{FIRST}.labels.owner", REMOVED), f"{FIRST}.annotations.owner", "ann")
    assert check("alerts-are-complete", {**RULE_FILE, "spec": spec}) == []


@pytest.mark.parametrize(
    "spec",
    [
        None,
        UNKNOWN,
        {},
        {"groups": []},
        {"groups": UNKNOWN},
        {"groups": [UNKNOWN]},
        {"groups": [{"name": "empty"}]},
        {"groups": [{"rules": UNKNOWN}]},
        {"groups": [{"rules": [UNKNOWN]}]},
        {"groups": [SPEC["groups"][0], {"rules": []}]},
    ],
)
def test_rules_that_cannot_be_seen_are_refused(spec: Any) -> None:
    found = check("alerts-are-complete", {**RULE_FILE, "spec": spec})
    assert found == ["some of its rules are missing or not known"]


@pytest.mark.parametrize(
    "data",
    [None, UNKNOWN, {}, {"plan.json": UNKNOWN}, {"a": "b", "c": "groups: [ {"}, {"text": "of groups: some"}, {"n": 1}],
)
def test_a_config_map_without_rules_is_none_of_this(data: Any) -> None:
    for name in ("alerts-are-complete", "routes-lead-somewhere"):
        assert check(name, {"kind": "ConfigMap", "data": data}) == []


def told(properties: Json, kind: str = ROUTES_KIND) -> set[str]:
    found = routes(kind, properties)
    assert found is not None
    return set(found.told)


def with_receiver(receiver: Json, name: str = "slack") -> Json:
    return {"kind": "AlertmanagerConfig", "spec": {"route": {"receiver": name}, "receivers": [receiver]}}


def test_whom_the_routes_tell() -> None:
    assert told(ROUTES) == set(ROLES)
    page = with_receiver({"name": "slack", "pagerdutyConfigs": [{}]})
    assert told(page) == {"on-call engineer"}, "whom PagerDuty pages is on call"
    one = with_receiver({"name": "slack", "slackConfigs": [{"title": ["x", {"text": "DevOps lead (EU): D, +49"}]}]})
    assert told(one) == {"DevOps lead"}
    named = with_receiver({"name": "engineering-manager", "emailConfigs": [{"to": "x"}]}, "engineering-manager")
    assert told(named) == {"engineering manager"}
    for text in ("the release manager", "release manager:", "release managers: R", "prerelease manager: R", "x: y"):
        assert told(with_receiver({"name": "slack", "slackConfigs": [{"text": text}]})) == set(), text
    split = "release manager\nsome text: and more"
    assert told(with_receiver({"name": "slack", "slackConfigs": [{"text": split}]})) == set()


def test_nobody_is_told_by_a_receiver_that_no_route_names_or_that_reaches_nobody() -> None:
    assert told(with_receiver({"name": "other", "slackConfigs": [{"text": PEOPLE}]})) == set()
    assert told(with_receiver({"name": "slack", "slackConfigs": [], "text": PEOPLE})) == set()
    assert told(with_receiver({"name": "release-manager"}, "release-manager")) == set()
    assert told({"spec": None}) == set()


def test_a_route_to_nobody_is_refused() -> None:
    nobody = "a route leads to receiver {!r}, which reaches nobody"
    assert check("routes-lead-somewhere", with_receiver({"name": "slack"})) == [nobody.format("slack")]
    slack: Json = with_at(ROUTES, "kind", "AlertmanagerConfig")["spec"]["receivers"][0]
    assert check("routes-lead-somewhere", with_receiver(slack, "x")) == [nobody.format("x")]
    below = with_at(ROUTES, "spec.receivers.2.webhookConfigs", [])
    assert check("routes-lead-somewhere", below) == [nobody.format("incident")]
    assert check("routes-lead-somewhere", {"kind": "AlertmanagerConfig"}) == [nobody.format("")]


@pytest.mark.parametrize("path", ["spec", "spec.route", "spec.receivers", "spec.receivers.0", "spec.route.receiver"])
def test_routes_that_are_not_known_yet_are_refused(path: str) -> None:
    assert check("routes-lead-somewhere", with_at(ROUTES, path, UNKNOWN)) == ["its routes are not known yet"]
    assert check("routes-lead-somewhere", {**ROUTES, "metadata": UNKNOWN}) == [], "its name leads nowhere"


def test_the_file_of_an_alertmanager_is_read_as_well() -> None:
    """Others use that Alertmanager too: what is not of this release may go to nobody."""
    document: Json = {
        "route": {"receiver": "nobody", "routes": [{"receiver": "slack"}]},
        "receivers": [{"name": "nobody"}, {"name": "slack", "slack_configs": [{"text": PEOPLE}]}],
    }
    properties: Json = {"kind": "ConfigMap", "data": {"alertmanager.yml": yaml.safe_dump(document), "a": "b"}}
    assert told(properties, FILES_KIND) == set(ROLES)
    assert check("routes-lead-somewhere", properties) == []
    document["receivers"] = [{"name": "nobody"}, {"name": "slack", "pagerduty_configs": [{}]}]
    properties["data"] = {"alertmanager.yml": yaml.safe_dump(document)}
    assert told(properties, FILES_KIND) == {"on-call engineer"}
    document["receivers"] = [{"name": "nobody"}, {"name": "slack"}]
    properties["data"] = {"alertmanager.yml": yaml.safe_dump(document)}
    assert check("routes-lead-somewhere", properties) == ["a route leads to receiver 'slack', which reaches nobody"]


def test_a_limit_is_above_unless_it_says_least() -> None:
    assert not limit_of("x", "y", 0.5, "z").least


@pytest.mark.parametrize("role", ROLES)
def test_a_contact_who_hears_nothing_is_missed(role: str) -> None:
    others = [each for each in ROLES if each != role]
    assert check("contacts-are-routed", part("routes", "", told=others)) == [f"no route of alerts names the {role}"]


@pytest.mark.parametrize("value", [None, UNKNOWN, [], [UNKNOWN], "release manager"])
def test_routes_that_cannot_be_seen_tell_nobody(value: Any) -> None:
    assert len(check("contacts-are-routed", part("routes", "", told=value))) == 4
    assert len(check("contacts-are-routed", part("routes", ""))) == 4


def test_an_unknown_value_is_found_wherever_it_stands() -> None:
    assert has_unknown({"a": [1, {"b": UNKNOWN}]})
    assert not has_unknown({"a": [1, {"b": "text"}, None]})
