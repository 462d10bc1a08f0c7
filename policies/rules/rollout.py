"""Rules about how a release replaces the one before: strategy, order, gates, configuration, disruption."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from policies.rules.outline import (
    BUDGET_PART,
    DEPLOYMENT_PART,
    GATE_PART,
    JOB_PART,
    MIGRATION_JOB,
    OUTLINE,
    comes_after,
    parts,
)
from policies.rules.pods import DEPLOYMENT, containers, name_of, pod_spec, pod_template
from policies.rules.rule import (
    Found,
    Given,
    Properties,
    Rule,
    Severity,
    Threshold,
    Topic,
    at,
    kind,
    listed,
    may_be_set,
    regardless,
    text_at,
)

STEPS_OF_THE_GUIDE = (10, 50, 100)
MAX_SURGE, MAX_UNAVAILABLE = 1, 0
CONFIGURATION = "release-manager/configuration"
NO_OUTLINE = "the outline of the release is missing or not known"


def _steps_allowed(value: Any) -> bool:  # noqa: ANN401
    whole = isinstance(value, list) and all(type(step) is int and 0 < step <= 100 for step in value)
    return whole and value == sorted(set(value)) and set(STEPS_OF_THE_GUIDE) <= set(value)


STEPS = Threshold(
    name="steps",
    default=list(STEPS_OF_THE_GUIDE),
    schema={"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 100}},
    allows=_steps_allowed,
    allowed="a list of whole numbers that goes up and has 10, 50 and 100 among them: steps may be added to the guide's",
)


def strategy_of_the_guide(properties: Properties) -> Found:
    """Refuse a Deployment that is not replaced by RollingUpdate with maxSurge 1 and maxUnavailable 0."""
    strategy = at(properties, "spec", "strategy")
    wanted: tuple[tuple[tuple[str, ...], Any], ...] = (
        (("type",), "RollingUpdate"),
        (("rollingUpdate", "maxSurge"), MAX_SURGE),
        (("rollingUpdate", "maxUnavailable"), MAX_UNAVAILABLE),
    )
    return [
        f"strategy.{'.'.join(path)} is {at(strategy, *path)!r}, and not {value!r}"
        for path, value in wanted
        if not _equals(at(strategy, *path), value)
    ]


def _equals(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    return not isinstance(found, bool) and bool(found == wanted)


def configuration_goes_back(properties: Properties) -> Found:
    """Refuse configuration that a rollback of the pod template would not take back with the image."""
    found: Found = []
    if not text_at(pod_template(properties), "metadata", "annotations", CONFIGURATION):
        found.append(f"its pod template has no annotation {CONFIGURATION}, which tells one configuration from another")
    for each in containers(properties):
        sources = [at(source, "configMapRef") for source in listed(each, "envFrom")]
        sources += [at(variable, "valueFrom", "configMapKeyRef") for variable in listed(each, "env")]
        if any(may_be_set(source) for source in sources):
            found.append(f"{name_of(each)} reads configuration from a ConfigMap, which stays as it is in a rollback")
    for volume in listed(pod_spec(properties), "volumes"):
        sources = [volume, *listed(volume, "projected", "sources")]
        if any(may_be_set(at(source, "configMap")) for source in sources):
            found.append(f"volume {at(volume, 'name')} is a ConfigMap, which stays as it is in a rollback")
    return found


def _gate(outline: Properties, ending: str) -> Mapping[str, Any] | None:
    return next((each for each in parts(outline, GATE_PART) if text_at(each, "name").endswith(ending)), None)


def _step(outline: Properties, percent: int) -> Mapping[str, Any] | None:
    return _gate(outline, f"-step-{percent}")


def gate_for_each_step(outline: Properties, given: Given) -> Found:
    """Refuse a rollout without a gate for each step, or whose steps do not wait for each other.

    Stable is replaced behind the gate of the last step but one, and the last gate watches it being replaced.
    """
    steps = given.value(STEPS)
    found = [f"step {step} % has no gate" for step in steps if _step(outline, step) is None]
    for (one, earlier), (other, later) in pairwise([(step, _step(outline, step)) for step in steps]):
        if earlier is not None and later is not None and not comes_after(later, earlier):
            found.append(f"the gate of step {other} % does not wait for that of step {one} %")
    last, before_last = _step(outline, steps[-1]), _step(outline, steps[-2])
    for stable in _serving(outline):
        if before_last is not None and not comes_after(stable, before_last):
            found.append(f"{text_at(stable, 'name')} does not wait for the gate of step {steps[-2]} %")
        if last is not None and not comes_after(last, stable):
            found.append(f"the gate of step {steps[-1]} % does not watch {text_at(stable, 'name')}")
    return found


def verification_is_last(outline: Properties) -> Found:
    """Refuse a release without a verification that comes after every Deployment and every step."""
    deployments = parts(outline, DEPLOYMENT_PART)
    if not deployments:
        return [NO_OUTLINE]
    verified = _gate(outline, "-verified")
    if verified is None:
        return ["nothing verifies the release"]
    steps = [each for each in parts(outline, GATE_PART) if "-step-" in text_at(each, "name")]
    return [
        f"the verification does not wait for {text_at(each, 'name')}"
        for each in (*deployments, *steps)
        if not comes_after(verified, each)
    ]


def migration_is_first(outline: Properties) -> Found:
    """Refuse a release whose Deployments or steps do not wait for the gate behind the migration."""
    deployments = parts(outline, DEPLOYMENT_PART)
    if not deployments:
        return [NO_OUTLINE]
    gate = _gate(outline, "-migration")
    job = next((each for each in parts(outline, JOB_PART) if at(each, "name") == MIGRATION_JOB), None)
    if gate is None or job is None:
        return ["nothing migrates the database, or no gate waits for what does"]
    steps = [each for each in parts(outline, GATE_PART) if "-step-" in text_at(each, "name")]
    late = [each for each in (*deployments, *steps) if not comes_after(each, gate)]
    found = [f"{text_at(each, 'name')} does not wait for the migration" for each in late]
    return found if comes_after(gate, job) else [*found, "the gate of the migration does not wait for its Job"]


def disruption_is_bounded(outline: Properties) -> Found:
    """Refuse a Deployment that keeps pods and whose pods no PodDisruptionBudget selects."""
    serving = _serving(outline)
    if not serving:
        return [NO_OUTLINE]
    budgets = [at(each, "selector") for each in parts(outline, BUDGET_PART)]
    return [
        f"no PodDisruptionBudget selects the pods of {text_at(each, 'name')}"
        for each in serving
        if not any(_selects(budget, at(each, "selector")) for budget in budgets)
    ]


def _selects(budget: Any, pods: Any) -> bool:  # noqa: ANN401
    known = isinstance(budget, Mapping) and isinstance(pods, Mapping) and bool(budget)
    return known and budget.items() <= pods.items()


def _serving(outline: Properties) -> list[Mapping[str, Any]]:
    """Return the Deployments that keep pods between releases: all but the canary, which rests at 0."""
    return [each for each in parts(outline, DEPLOYMENT_PART) if at(each, "rests") is not True]


RULES = (
    Rule(
        name="strategy-of-the-guide",
        topic=Topic.ROLLOUT,
        severity=Severity.HIGH,
        description="Deployments are replaced by RollingUpdate, maxSurge 1, maxUnavailable 0.",
        remedy="Set rollout.max_surge to 1 and rollout.max_unavailable to 0 in the stack's settings.",
        applies=kind(DEPLOYMENT),
        judge=regardless(strategy_of_the_guide),
    ),
    Rule(
        name="configuration-goes-back",
        topic=Topic.ROLLOUT,
        severity=Severity.HIGH,
        description="Configuration is part of the pod template, so that a rollback takes it back with the image.",
        remedy="Put it into application.environment; the hash of it stands in the template and in the records.",
        applies=kind(DEPLOYMENT),
        judge=regardless(configuration_goes_back),
    ),
    Rule(
        name="gate-for-each-step",
        topic=Topic.ROLLOUT,
        severity=Severity.CRITICAL,
        description="The rollout goes through 10, 50 and 100 %, and each step waits for the gate of the one before.",
        remedy="Set rollout.strategy to canary and rollout.steps to [10, 50, 100] in the stack's settings.",
        applies=kind(OUTLINE),
        judge=gate_for_each_step,
        thresholds=(STEPS,),
    ),
    Rule(
        name="verification-is-last",
        topic=Topic.ROLLOUT,
        severity=Severity.CRITICAL,
        description="A verification comes after the last step, and after every Deployment.",
        remedy="Declare Verification after Rollout, as __main__.py does.",
        applies=kind(OUTLINE),
        judge=regardless(verification_is_last),
    ),
    Rule(
        name="migration-is-first",
        topic=Topic.ROLLOUT,
        severity=Severity.CRITICAL,
        description="The migration, and the gate that waits for it, come before the first Deployment.",
        remedy="Declare Rollout after Migration, as __main__.py does.",
        applies=kind(OUTLINE),
        judge=regardless(migration_is_first),
    ),
    Rule(
        name="disruption-is-bounded",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="A PodDisruptionBudget keeps pods serving while nodes are drained.",
        remedy="Declare a PodDisruptionBudget with the selector of the Deployment, as components/rollout.py does.",
        applies=kind(OUTLINE),
        judge=regardless(disruption_is_bounded),
    ),
)
