"""The order of a release: migration, steps with their gates, verification; and that a rollback takes all of it back."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules.outline import OUTLINE as KIND
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from policies.rules.rollout import RULES, STEPS
from policies.rules.rule import UNKNOWN, Given, Rule
from tests.policies.plain_data import DEPLOYMENT, OUTLINE, REMOVED, Json, changed, part, with_at

BY_NAME = {rule.name: rule for rule in RULES}
OF_THE_ORDER = [rule for rule in RULES if rule.applies(KIND)]
UNKNOWN_OUTLINE = "the outline of the release is missing or not known"


def check(name: str, properties: Json, **configured: Any) -> list[str]:
    return BY_NAME[name].check(properties, Given("prod", configured))


def without(name: str, earlier: str) -> Json:
    """Return OUTLINE where the part `name` does not wait for `earlier`."""
    parts = [
        {**each, "after": [one for one in each["after"] if one != earlier]} if each["name"] == name else each
        for each in OUTLINE["parts"]
    ]
    assert parts != OUTLINE["parts"]
    return {**OUTLINE, "parts": parts}


def test_what_is_right_passes() -> None:
    for rule in RULES:
        assert rule.check(OUTLINE if rule.applies(KIND) else DEPLOYMENT) == []
        assert rule.applies(KIND) is not rule.applies(DEPLOYMENT_KIND)
        assert not rule.applies("kubernetes:batch/v1:Job")


STRATEGY = "spec.strategy"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (f"{STRATEGY}.type", "Recreate", "strategy.type is 'Recreate', and not 'RollingUpdate'"),
        (f"{STRATEGY}.type", REMOVED, "strategy.type is None, and not 'RollingUpdate'"),
        (f"{STRATEGY}.type", UNKNOWN, "strategy.type is a value that is not known yet, and not 'RollingUpdate'"),
        (f"{STRATEGY}.rollingUpdate.maxSurge", 3, "strategy.rollingUpdate.maxSurge is 3, and not 1"),
        (f"{STRATEGY}.rollingUpdate.maxSurge", True, "strategy.rollingUpdate.maxSurge is True, and not 1"),
        (f"{STRATEGY}.rollingUpdate.maxSurge", "25%", "strategy.rollingUpdate.maxSurge is '25%', and not 1"),
        (f"{STRATEGY}.rollingUpdate.maxSurge", REMOVED, "strategy.rollingUpdate.maxSurge is None, and not 1"),
        (f"{STRATEGY}.rollingUpdate.maxUnavailable", 1, "strategy.rollingUpdate.maxUnavailable is 1, and not 0"),
        (
            f"{STRATEGY}.rollingUpdate.maxUnavailable",
            False,
            "strategy.rollingUpdate.maxUnavailable is False, and not 0",
        ),
        (f"{STRATEGY}.rollingUpdate.maxUnavailable", None, "strategy.rollingUpdate.maxUnavailable is None, and not 0"),
        (
            f"{STRATEGY}.rollingUpdate.maxUnavailable",
            UNKNOWN,
            "strategy.rollingUpdate.maxUnavailable is a value that is not known yet, and not 0",
        ),
    ],
)
def test_any_other_strategy_is_refused(path: str, value: Any, says: str) -> None:
    assert check("strategy-of-the-guide", with_at(DEPLOYMENT, path, value)) == [says]


@pytest.mark.parametrize("strategy", [UNKNOWN, None, {}])
def test_a_strategy_that_cannot_be_seen_is_refused(strategy: Any) -> None:
    assert len(check("strategy-of-the-guide", with_at(DEPLOYMENT, STRATEGY, strategy))) == 3


NO_HASH = "its pod template has no annotation release-manager/configuration, which tells one configuration from another"
FROM_MAP = "container api reads configuration from a ConfigMap, which stays as it is in a rollback"
ANNOTATIONS = "spec.template.metadata.annotations"


@pytest.mark.parametrize("value", [REMOVED, "", UNKNOWN])
def test_a_template_that_does_not_tell_its_configuration_is_refused(value: Any) -> None:
    properties = with_at(DEPLOYMENT, f"{ANNOTATIONS}.release-manager/configuration", value)
    assert check("configuration-goes-back", properties) == [NO_HASH]
    assert check("configuration-goes-back", with_at(DEPLOYMENT, ANNOTATIONS, UNKNOWN)) == [NO_HASH]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (".envFrom", [{"configMapRef": {"name": "c"}}], FROM_MAP),
        (".envFrom", [{"configMapRef": UNKNOWN}], FROM_MAP),
        (".envFrom", [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}], FROM_MAP),
        (".envFrom", UNKNOWN, FROM_MAP),
        (".env", [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}], FROM_MAP),
        (".env", [{"name": "A", "valueFrom": UNKNOWN}], FROM_MAP),
        (
            "volumes",
            [{"name": "c", "configMap": {"name": "c"}}],
            "volume c is a ConfigMap, which stays as it is in a rollback",
        ),
        (
            "volumes",
            [{"name": "c", "projected": {"sources": [{"secret": {}}, {"configMap": {"name": "c"}}]}}],
            "volume c is a ConfigMap, which stays as it is in a rollback",
        ),
        (
            "volumes",
            [UNKNOWN],
            "volume a value that is not known yet is a ConfigMap, which stays as it is in a rollback",
        ),
    ],
)
def test_configuration_that_a_rollback_would_leave_is_refused(path: str, value: Any, says: str) -> None:
    assert check("configuration-goes-back", changed(path, value)) == [says]


def test_configuration_that_goes_back_with_the_template_passes() -> None:
    for path, value in (
        (".env", [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
        ("volumes", [{"name": "s", "projected": {"sources": [{"secret": {"name": "s"}}]}}]),
    ):
        assert check("configuration-goes-back", changed(path, value)) == []


def broken_outlines() -> list[Json]:
    return [{}, {"parts": None}, {"parts": UNKNOWN}, {"parts": []}, {"parts": "all"}, {"parts": [UNKNOWN, None, "x"]}]


@pytest.mark.parametrize("rule", OF_THE_ORDER, ids=lambda rule: rule.name)
def test_an_outline_that_cannot_be_seen_is_refused(rule: Rule) -> None:
    for outline in broken_outlines():
        texts = rule.check(outline)
        steps = [f"step {step} % has no gate" for step in (10, 50, 100)]
        assert texts == (steps if rule.name == "gate-for-each-step" else [UNKNOWN_OUTLINE])


@pytest.mark.parametrize("step", [10, 50, 100])
def test_a_step_without_a_gate_is_refused(step: int) -> None:
    assert check("gate-for-each-step", part("gate", f"-step-{step}")) == [f"step {step} % has no gate"]


@pytest.mark.parametrize(("one", "other"), [(10, 50), (50, 100)])
def test_a_step_that_does_not_wait_for_the_one_before_is_refused(one: int, other: int) -> None:
    outline = without(f"release-manager-prod-step-{other}", f"gate release-manager-prod-step-{one}")
    assert check("gate-for-each-step", outline) == [
        f"the gate of step {other} % does not wait for that of step {one} %"
    ]


def test_stable_is_replaced_between_the_last_two_gates() -> None:
    early = without("release-manager-prod", "gate release-manager-prod-step-50")
    assert check("gate-for-each-step", early) == ["release-manager-prod does not wait for the gate of step 50 %"]
    unwatched = without("release-manager-prod-step-100", "deployment release-manager-prod")
    assert check("gate-for-each-step", unwatched) == ["the gate of step 100 % does not watch release-manager-prod"]
    resting = part("deployment", "-canary", rests=False)
    assert check("gate-for-each-step", resting) == [
        "release-manager-prod-canary does not wait for the gate of step 50 %"
    ], "whatever keeps pods is replaced behind the steps"


def test_an_order_that_is_not_known_is_none() -> None:
    for after in (UNKNOWN, None, "gate release-manager-prod-step-10"):
        outline = part("gate", "-step-50", after=after)
        assert "the gate of step 50 % does not wait for that of step 10 %" in check("gate-for-each-step", outline)


def test_a_configuration_may_add_steps_and_take_none_away() -> None:
    assert check("gate-for-each-step", OUTLINE, steps=[10, 25, 50, 100]) == ["step 25 % has no gate"]
    assert check("gate-for-each-step", part("gate", "-step-10"), steps=[50, 100]) == ["step 10 % has no gate"]
    for allowed in ([10, 50, 100], [1, 10, 25, 50, 100]):
        assert STEPS.allows(allowed)
    for wrong in ([50, 100], [100, 50, 10], [0, 10, 50, 100], [10, 50, 100, 101], [10, 50.0, 100], [10, 10, 50, 100]):
        assert not STEPS.allows(wrong)
    for odd in ("10, 50, 100", None, 10, [True, 10, 50, 100]):
        assert not STEPS.allows(odd)


def test_a_release_that_nothing_verifies_is_refused() -> None:
    assert check("verification-is-last", part("gate", "-verified")) == ["nothing verifies the release"]


@pytest.mark.parametrize(
    "earlier",
    [
        "deployment release-manager-prod",
        "deployment release-manager-prod-canary",
        "gate release-manager-prod-step-10",
        "gate release-manager-prod-step-100",
    ],
)
def test_a_verification_that_comes_too_early_is_refused(earlier: str) -> None:
    outline = without("release-manager-prod-verified", earlier)
    says = f"the verification does not wait for {earlier.partition(' ')[2]}"
    assert check("verification-is-last", outline) == [says]


def test_a_rollout_without_steps_is_verified_too() -> None:
    """As in staging, where a rule of its own says nothing about steps."""
    parts = [each for each in OUTLINE["parts"] if "-step-" not in each["name"]]
    assert check("verification-is-last", {**OUTLINE, "parts": parts}) == []
    assert check("migration-is-first", {**OUTLINE, "parts": parts}) == []


NO_MIGRATION = ["nothing migrates the database, or no gate waits for what does"]


def test_a_release_without_a_migration_or_its_gate_is_refused() -> None:
    assert check("migration-is-first", part("gate", "-migration")) == NO_MIGRATION
    assert check("migration-is-first", part("job", "migration")) == NO_MIGRATION
    watch = {**OUTLINE, "parts": [*part("job", "migration")["parts"], {"part": "job", "name": "watch"}]}
    assert check("migration-is-first", watch) == NO_MIGRATION, "another Job migrates nothing"


@pytest.mark.parametrize(
    "late", ["release-manager-prod", "release-manager-prod-canary", "release-manager-prod-step-10"]
)
def test_what_does_not_wait_for_the_migration_is_refused(late: str) -> None:
    outline = without(late, "gate release-manager-prod-migration")
    assert check("migration-is-first", outline) == [f"{late} does not wait for the migration"]


def test_a_gate_that_does_not_wait_for_the_migration_is_refused() -> None:
    says = "the gate of the migration does not wait for its Job"
    assert check("migration-is-first", without("release-manager-prod-migration", "job migration")) == [says]


NO_BUDGET = ["no PodDisruptionBudget selects the pods of release-manager-prod"]


@pytest.mark.parametrize(
    "selector", [{}, {"app": "other"}, {"app": "release-manager", "track": "canary"}, None, UNKNOWN]
)
def test_pods_that_no_budget_selects_are_refused(selector: Any) -> None:
    assert check("disruption-is-bounded", part("budget", "", selector=selector)) == NO_BUDGET
    assert check("disruption-is-bounded", part("budget", "")) == NO_BUDGET


def test_a_budget_may_select_more_than_one_deployment() -> None:
    assert check("disruption-is-bounded", part("budget", "", selector={"app": "release-manager"})) == []


def test_pods_that_are_not_known_are_selected_by_none() -> None:
    selectors: tuple[Any, ...] = (UNKNOWN, None, {})
    for selector in selectors:
        assert check("disruption-is-bounded", part("deployment", "", selector=selector)) == NO_BUDGET


def test_a_canary_that_rests_at_none_needs_no_budget() -> None:
    for rests in (False, None, UNKNOWN):
        found = check("disruption-is-bounded", part("deployment", "-canary", rests=rests))
        assert found == ["no PodDisruptionBudget selects the pods of release-manager-prod-canary"]
