"""Settings that fit alone and not together are refused, with key, value and what would fit, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from settings import SettingsError
from tests.stack_values import CANARY, settings_of

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hunter2-the-secret"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def refused(**changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_of(**changes)
    head, *lines = str(caught.value).splitlines()
    assert head == f"{len(lines)} settings in Pulumi.staging.yaml are wrong; nothing was changed:"
    return [line.strip() for line in lines]


CASES: list[tuple[dict[str, Any], str]] = [
    (
        {"rollout__timeout_seconds": 29},
        "rollout.timeout_seconds: got 29; 3 pods in 3 rounds need 30 s or more to be replaced and verified",
    ),
    (
        {"rollout__max_surge": 0},
        "rollout.max_surge: got 0; with rollout.max_unavailable 0 no pod could ever be replaced: one must be 1 or more",
    ),
    (
        {"rollout__max_unavailable": 3},
        "rollout.max_unavailable: got 3; less than rollout.replicas (3), or no pod would be left to answer",
    ),
    (
        {"rollout__steps": [10, 100]},
        "rollout.steps: got a list; strategy 'rolling' has no steps: leave them out",
    ),
    (
        {"ingress__tls_secret": ...},
        (
            "ingress.tls_secret: got none; health.url is https://staging-api.internal/health: name the Secret with the"
            " certificate of its host"
        ),
    ),
    (
        {"health__url": "http://staging-api.internal/health"},
        "health.url: got 'http://staging-api.internal/health'; ingress.tls_secret is set: use https, or leave it out",
    ),
    (
        {"approval": {"required": True, "approvers": ["ana"], "recorded": False}},
        "approval.recorded: got False; then nobody could approve: set approval.signed, or checklist.forge.environment",
    ),
    (
        {"approval": {"required": True, "approvers": ["ana"], "identities": {"eve": ["eve@example.com"]}}},
        "approval.identities: got an object; must be those of approvers, and eve is none",
    ),
    (
        {"approval": {"required": True, "approvers": ["ana", "ben"], "identities": {"ana": ["x"], "ben": ["X"]}}},
        "approval.identities: got an object; must not be those of two approvers",
    ),
    (
        {"approval": {"required": True}},
        "approval.approvers: got none; approval.required is true: name who may approve a release",
    ),
    (
        {"migration__mode": "safe"},
        "approval.approvers: got none; migration.mode is 'safe': name who may approve its SQL",
    ),
    (
        {"release": {"branch": "release/v%Y.%m.%d", "pushed": True}},
        "release.branch: got 'release/v%Y.%m.%d'; release.tag is missing: the branch is that of the tag",
    ),
    (
        {"release": {"tag": "v%Y.%m.%d"}},
        (
            "release.pushed: got False; release.tag is set, and a tag names a version only if what is built is as"
            " pushed: true"
        ),
    ),
    (
        {
            "release": {"pushed": True},
            "image__promote_from": {"namespace": "staging", "deployment": "release-manager-staging"},
        },
        (
            "image.promote_from.deployment: got 'release-manager-staging'; it is this stack's own Deployment: name that"
            " of the environment before"
        ),
    ),
    (
        {"image__promote_from": {"namespace": "development", "deployment": "release-manager-dev"}},
        (
            "release.pushed: got False; image.promote_from is set, and takes the image of a commit, not of a changed"
            " work tree: true"
        ),
    ),
    (
        {"application__resources__memory_request": "1Gi"},
        "application.resources.memory_request: got '1Gi'; at most application.resources.memory_limit (256Mi)",
    ),
    (
        {
            "verification__scripts": [
                {"name": "smoke", "command": ["tests/smoke-tests.sh", "--environment", "dev"], "timeout_seconds": 9}
            ]
        },
        "verification.scripts.0.command: got 'dev'; it names dev, and this stack is staging",
    ),
    (
        {
            "verification__scripts": [
                {"name": "it", "command": ["tests/smoke-tests.sh", "--environment=production"], "timeout_seconds": 9}
            ]
        },
        "verification.scripts.0.command: got '--environment=production'; it names prod, and this stack is staging",
    ),
]


@pytest.mark.parametrize(("changes", "line"), CASES)
def test_what_does_not_fit_together_is_named_with_what_would_fit(changes: dict[str, Any], line: str) -> None:
    assert refused(**changes) == [line]


@pytest.mark.parametrize(
    "environment",
    [{"DATABASE_PASSWORD": PASSWORD}, {"API_TOKEN": PASSWORD}, {"DATABASE_URL": f"postgresql://app:{PASSWORD}@db/app"}],
)
def test_a_secret_among_the_plain_variables_is_refused_and_not_shown(environment: dict[str, str]) -> None:
    [line] = refused(application__environment=environment)
    assert line == (
        f"application.environment.{next(iter(environment))}: got a value that is not shown; it looks like a secret:"
        " put it into Secret release-manager-credentials (application.credentials)"
    )


def test_a_password_in_the_address_of_health_is_refused_and_not_shown() -> None:
    [line] = refused(health__url=f"https://somebody:{PASSWORD}@staging-api.internal/health")
    assert line == "health.url: got 'https://***@staging-api.internal/health'; must not hold a user or a password"


def test_one_that_may_be_missing_shortens_what_a_rollout_needs() -> None:
    settings_of(rollout__timeout_seconds=20, rollout__max_unavailable=1)
    assert "3 pods in 2 rounds need 20 s" in refused(rollout__timeout_seconds=19, rollout__max_unavailable=1)[0]


def test_all_contradictions_are_told_together() -> None:
    lines = refused(rollout__max_surge=0, migration__mode="safe", ingress__tls_secret=...)
    assert [line.partition(":")[0] for line in lines] == [
        "rollout.max_surge",
        "ingress.tls_secret",
        "approval.approvers",
    ]


def test_contradictions_are_told_together_with_wrong_values_of_other_concerns() -> None:
    lines = refused(cluster__namespace="Staging", rollout__max_surge=0, approval={"required": True})
    assert [line.partition(":")[0] for line in lines] == [
        "cluster.namespace",
        "rollout.max_surge",
        "approval.approvers",
    ]


def test_a_concern_with_a_wrong_value_is_not_judged_against_others() -> None:
    assert len(refused(approval={"required": "yes"}, migration__mode="safe")) == 1


ANALYSIS = CANARY["analysis"]


def test_a_canary_that_is_right_in_everything_is_let() -> None:
    assert settings_of(**CANARY).rollout.steps == (10, 50, 100)


def test_a_canary_needs_steps() -> None:
    assert refused(**{**CANARY, "rollout__steps": []})[0] == (
        "rollout.steps: got none; strategy 'canary' needs them, such as [10, 50, 100]"
    )


def test_a_canary_needs_the_numbers_that_it_is_judged_by() -> None:
    lines = refused(**{key: value for key, value in CANARY.items() if key.startswith("rollout")})
    assert [line.partition(";")[0] for line in lines] == ["analysis: got none", "prometheus: got none"]


@pytest.mark.parametrize("name", ["rule_out_error_percent", "rule_out_slow_percent"])
def test_each_step_has_to_say_what_it_rules_out(name: str) -> None:
    assert refused(**{**CANARY, "analysis": {**ANALYSIS, name: [1, 0.1]}}) == [
        f"analysis.{name}: got a list; rollout.steps has 3 steps: one number for each"
    ]


def test_a_rollout_time_out_shorter_than_its_gates_is_refused() -> None:
    [line] = refused(**{**CANARY, "analysis": {**ANALYSIS, "maximum_seconds": 80}})
    assert line == (
        "rollout.timeout_seconds: got 300; 3 steps of analysis.maximum_seconds (80) and the start of 9 pods need 330"
        " or more"
    )


def test_a_least_time_above_the_most_is_refused() -> None:
    [line] = refused(**{**CANARY, "analysis": {**ANALYSIS, "minimum_seconds": 61}})
    assert line == "analysis.minimum_seconds: got 61.0; at most analysis.maximum_seconds (60)"


def test_a_share_that_the_replicas_cannot_express_is_refused_with_the_smallest_count_that_can() -> None:
    lines = refused(**{**CANARY, "rollout__replicas": 3})
    assert lines[0] == (
        "rollout.steps: got 10; 3 replicas cannot express it: 1 canary pods beside them are 25.0 %; 9 replicas can"
        " express all steps within 0.5"
    )
    assert not any("got 50" in line for line in lines), "three canary pods beside three are 50 %"


def test_a_wider_tolerance_lets_a_share_that_is_near_enough() -> None:
    near = {**CANARY, "rollout__replicas": 8, "rollout__share_tolerance_percent": 2}
    assert settings_of(**near).rollout.replicas == 8
    assert (
        "8 replicas cannot express it: 1 canary pods beside them are 11.1 %"
        in refused(**{**near, "rollout__share_tolerance_percent": 1})[0]
    )


def test_with_a_fixed_total_the_canary_takes_the_place_of_stable_pods() -> None:
    fixed = {**CANARY, "rollout__capacity": "fixed", "rollout__replicas": 10}
    assert settings_of(**fixed).rollout.capacity == "fixed"
    assert (
        "9 replicas cannot express it: 1 canary pods of them are 11.1 %; 10 replicas can"
        in refused(**{**fixed, "rollout__replicas": 9})[0]
    )


SCALED = {"minimum": 9, "maximum": 18, "cpu_percent": 70}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"rollout__autoscaling": {**SCALED, "maximum": 8}},
            "rollout.autoscaling.minimum: got 9; at most rollout.autoscaling.maximum (8)",
        ),
        (
            {"rollout__autoscaling": {**SCALED, "minimum": 10}},
            "rollout.replicas: got 9; within rollout.autoscaling (10 to 18)",
        ),
        (
            {"rollout__autoscaling": {**SCALED, "minimum": 2}},
            "rollout.autoscaling.minimum: got 2; so few replicas cannot express all of rollout.steps; 9 can",
        ),
    ],
)
def test_an_autoscaler_must_leave_the_steps_their_shares(changes: dict[str, Any], line: str) -> None:
    assert any(found.startswith(line) for found in refused(**{**CANARY, **changes}))
