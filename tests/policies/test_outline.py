"""The outline says of each resource what the rules on order need, and nothing that changes with a release."""

from __future__ import annotations

from policies.rules.alerting import ROUTES_KIND, RULES_KIND
from policies.rules.outline import BUDGET, RECORD, comes_after, parts, parts_of, reference
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from policies.rules.pods import JOB
from policies.rules.rule import UNKNOWN
from tests.policies.plain_data import DEPLOYMENT, with_at
from tests.policies.test_monitoring_rules import ROUTES, RULE_FILE

SELECTOR = {"app": "release-manager", "track": "stable"}
STABLE = {"part": "deployment", "name": "release-manager-prod", "selector": SELECTOR, "rests": False}


def test_a_record_is_a_gate_if_a_hook_decides_whether_it_is_written() -> None:
    properties = {"metadata": {"name": "release-manager-prod-verified"}, "data": {"version": "v1"}}
    gate = [{"part": "gate", "name": "release-manager-prod-verified"}]
    assert parts_of(RECORD, properties, gate=True) == gate
    assert parts_of(RECORD, properties, gate=False) == []
    assert parts_of(RECORD, {"metadata": {"name": UNKNOWN}}, gate=True) == [{"part": "gate", "name": ""}]


def test_a_deployment_says_whom_it_selects_and_whether_it_rests() -> None:
    assert parts_of(DEPLOYMENT_KIND, DEPLOYMENT, gate=False) == [STABLE]
    for replicas, rests in ((0, True), (1, False), (None, False), (UNKNOWN, False)):
        [found] = parts_of(DEPLOYMENT_KIND, with_at(DEPLOYMENT, "spec.replicas", replicas), gate=False)
        assert found["rests"] is rests
    for selector, known in ((UNKNOWN, {}), ({"a": UNKNOWN, "b": "c"}, {"b": "c"}), (None, {}), ("x", {})):
        [found] = parts_of(DEPLOYMENT_KIND, with_at(DEPLOYMENT, "spec.selector.matchLabels", selector), gate=False)
        assert found["selector"] == known


def test_another_version_is_the_same_deployment() -> None:
    other = with_at(DEPLOYMENT, "spec.template.metadata.labels", {"app.kubernetes.io/version": "v2"})
    other = with_at(other, "spec.template.spec.containers.0.image", "other")
    assert parts_of(DEPLOYMENT_KIND, other, gate=False) == [STABLE]


def test_a_job_is_called_by_what_it_does_and_not_by_its_release() -> None:
    template = {"metadata": {"labels": {"component": "migration"}}}
    properties = {"metadata": {"name": "release-manager-prod-migration-0a1b2c3d"}, "spec": {"template": template}}
    assert parts_of(JOB, properties, gate=False) == [{"part": "job", "name": "migration"}]
    assert parts_of(JOB, {}, gate=False) == [{"part": "job", "name": ""}]


def test_a_budget_says_whom_it_selects() -> None:
    properties = {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": SELECTOR}}}
    assert parts_of(BUDGET, properties, gate=False) == [{"part": "budget", "name": "b", "selector": SELECTOR}]


def test_rules_and_routes_say_what_is_watched_and_who_is_told() -> None:
    metadata = {"metadata": {"name": "m"}}
    assert parts_of(RULES_KIND, {**RULE_FILE, **metadata}, gate=False) == [
        {
            "part": "alerts",
            "name": "m",
            "alerts": ["error_ratio > 0.001"],
            "recorded": [{"record": "error_ratio", "expr": "a / b"}],
        }
    ]
    roles = ["DevOps lead", "engineering manager", "on-call engineer", "release manager"]
    assert parts_of(ROUTES_KIND, {**ROUTES, **metadata}, gate=False) == [{"part": "routes", "name": "m", "told": roles}]


def test_of_anything_else_it_says_nothing() -> None:
    for kind in ("kubernetes:core/v1:Service", "release-manager:release:Gate", RECORD):
        assert parts_of(kind, DEPLOYMENT, gate=False) == []


def test_parts_are_found_by_their_sort() -> None:
    outline = {"parts": [STABLE, {"part": "gate", "name": "g"}, UNKNOWN, "text"]}
    assert parts(outline, "deployment") == [STABLE]
    assert parts(outline, "job") == []
    for odd in ({}, {"parts": UNKNOWN}, {"parts": {"part": "deployment"}}):
        assert parts(odd, "deployment") == []


def test_one_part_comes_after_another_if_it_says_so() -> None:
    gate = {"part": "gate", "name": "g", "after": ["deployment release-manager-prod"]}
    assert reference(STABLE) == "deployment release-manager-prod"
    assert comes_after(gate, STABLE)
    assert not comes_after(STABLE, gate)
    assert not comes_after({**gate, "after": UNKNOWN}, STABLE)
    assert not comes_after({**gate, "after": "deployment release-manager-prod"}, STABLE)
