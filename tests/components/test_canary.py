"""A release in steps: the canary stands beside a whole stable, and nothing goes on without its gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from checks.waiting import Reporter
from cluster.standing import Standing
from components.rollout import Rollout, RolloutArgs
from tests.components.recorder import REPO_DIGEST, Declared, Recorder, RefusedError, declare
from tests.stack_values import CANARY, settings_of

NAME = "release-manager-staging"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
SERVICE = "kubernetes:core/v1:Service"
RECORDED = {"version": "v1", "configuration": "c0ffee", "revision": "abc", "from": "4"}


def let(_record: Mapping[str, str], _reporter: Reporter) -> None:
    return


def program(**changes: Any) -> None:
    settings = settings_of(**{**CANARY, **changes})
    image = pulumi.Output.from_input(REPO_DIGEST)
    Rollout("rollout", RolloutArgs(settings, image, "v1", {**RECORDED, "image": image}, Standing(), let))


@pytest.fixture(scope="module")
def declared() -> Recorder:
    return declare(program)


def deployment(recorder: Recorder, name: str) -> Declared:
    return next(each for each in recorder.all(DEPLOYMENT) if each.object_name == name)


def test_the_canary_rests_at_zero_and_only_the_gates_scale_it(declared: Recorder) -> None:
    canary = deployment(declared, f"{NAME}-canary")
    assert canary.inputs["spec"]["replicas"] == 0
    assert canary.ignored == ["spec.replicas"]
    assert deployment(declared, NAME).ignored == []


def test_canary_and_stable_run_the_same_but_for_their_track(declared: Recorder) -> None:
    one, other = (deployment(declared, name).inputs["spec"]["template"] for name in (NAME, f"{NAME}-canary"))
    assert (one["metadata"]["labels"].pop("track"), other["metadata"]["labels"].pop("track")) == ("stable", "canary")
    for template in (one, other):
        for spread in template["spec"]["topologySpreadConstraints"]:
            spread["labelSelector"]["matchLabels"].pop("track")
    assert one == other


def test_pods_of_both_serve_behind_one_service_and_neither_deployment_takes_the_others(declared: Recorder) -> None:
    selector = declared.only(SERVICE).inputs["spec"]["selector"]
    found = [deployment(declared, name).inputs["spec"] for name in (NAME, f"{NAME}-canary")]
    for spec in found:
        assert selector.items() <= spec["template"]["metadata"]["labels"].items()
    assert not found[0]["selector"]["matchLabels"].items() <= found[1]["template"]["metadata"]["labels"].items()
    assert not found[1]["selector"]["matchLabels"].items() <= found[0]["template"]["metadata"]["labels"].items()


def test_each_step_has_a_record_of_the_release_and_where_it_started(declared: Recorder) -> None:
    for step in (10, 50, 100):
        [found] = [each for each in declared.declared if each.name == f"rollout-step-{step}-record"]
        assert found.object_name == f"{NAME}-step-{step}"
        assert found.inputs["data"] == {**RECORDED, "image": REPO_DIGEST, "step": str(step)}
        assert found.hooks["before_create"] == found.hooks["before_update"] == [f"rollout-step-{step}-gate"]


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        ("rollout-service", {"rollout-canary", "rollout-step-10-record", "rollout-stable"}),
        ("rollout-canary", {"rollout-step-10-record", "rollout-step-50-record", "rollout-stable"}),
        ("rollout-step-10-record", {"rollout-step-50-record", "rollout-stable", "rollout-step-100-record"}),
        ("rollout-step-50-record", {"rollout-stable", "rollout-step-100-record"}),
        ("rollout-stable", {"rollout-step-100-record"}),
    ],
)
def test_nothing_goes_on_behind_what_was_not_let(refused: str, missing: set[str]) -> None:
    recorder = Recorder(refused=refused)
    with pytest.raises(RefusedError):
        declare(program, recorder=recorder)
    assert missing.isdisjoint(each.name for each in recorder.declared)


def test_where_others_scale_stable_the_engine_does_not() -> None:
    scaled = {"minimum": 9, "maximum": 18, "cpu_percent": 70}
    recorder = declare(lambda: program(rollout__autoscaling=scaled))
    assert deployment(recorder, NAME).ignored == ["spec.replicas"]
    spec = recorder.only(AUTOSCALER).inputs["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": NAME}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (9, 18)
    fixed = declare(lambda: program(rollout__capacity="fixed", rollout__replicas=10))
    assert deployment(fixed, NAME).ignored == ["spec.replicas"]
    assert fixed.all(AUTOSCALER) == []


def test_the_urns_stay_as_they_are(declared: Recorder) -> None:
    """An object that changes its URN is made under the new one and then deleted under the old: it is gone."""
    rollout = "release-manager:release:Rollout"
    kinds = {
        "rollout-stable": DEPLOYMENT,
        "rollout-canary": DEPLOYMENT,
        "rollout-service": SERVICE,
        "rollout-ingress": "kubernetes:networking.k8s.io/v1:Ingress",
        "rollout-disruptions": "kubernetes:policy/v1:PodDisruptionBudget",
    }
    found = {each.name: each.urn.split("::", 2)[2] for each in declared.declared}
    assert {name: found[name] for name in kinds} == {name: f"{rollout}${kind}::{name}" for name, kind in kinds.items()}
