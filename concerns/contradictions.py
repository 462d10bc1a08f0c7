"""Settings that are each allowed, and together make no sense.

A rule names the concerns that it judges as its parameters, so it is asked as soon as those are right, whatever is
wrong with the others: a person sees everything at once.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from concerns.analysis import AnalysisSettings, PrometheusSettings
from concerns.application import ApplicationSettings
from concerns.approval import ApprovalSettings
from concerns.canary_shares import expresses, pods_of_share, smallest_replicas
from concerns.checklist import ChecklistSettings
from concerns.cluster import ClusterSettings
from concerns.contacts import ContactSettings
from concerns.health import HealthSettings, IngressSettings
from concerns.image import ImageSettings
from concerns.migration import MigrationSettings
from concerns.monitoring import monitoring_contradictions
from concerns.notify import NotifySettings, unknown_roles
from concerns.quantity import amount
from concerns.release import ReleaseSettings
from concerns.rollout import RolloutSettings
from concerns.verification import VerificationSettings
from concerns.watch import WatchSettings, watch_contradictions
from concerns.wrong import IN_ADDRESS, NOT_SHOWN, Wrong, contradiction

Rule = Callable[..., Iterator[Wrong]]

# From the creation of a pod to its first ready answer and the drain of the pod that it replaces.
SECONDS_PER_POD = 10
NAMES_OF = {"dev": {"dev", "development"}, "staging": {"staging"}, "prod": {"prod", "production"}}
SECRET_NAME = re.compile(r"password|passwd|token|secret|private_key|api_?key", re.IGNORECASE)


def contradictions(concerns: Mapping[str, Any]) -> list[Wrong]:
    """Return what is wrong between `concerns`: the right ones of a stack, each under its name in the settings."""
    asked = [(rule, list(inspect.signature(rule).parameters)) for rule in RULES]
    return [
        wrong
        for rule, names in asked
        if all(name in concerns for name in names)
        for wrong in rule(*(concerns[name] for name in names))
    ]


def _canary(rollout: RolloutSettings) -> Iterator[Wrong]:
    if rollout.strategy == "rolling":
        if rollout.steps:
            yield contradiction("rollout.steps", rollout.steps, "strategy 'rolling' has no steps: leave them out")
        return
    if not rollout.steps:
        yield contradiction("rollout.steps", rollout.steps, "strategy 'canary' needs them, such as [10, 50, 100]")


def _shares(rollout: RolloutSettings, ingress: IngressSettings) -> Iterator[Wrong]:
    if rollout.strategy == "rolling":
        return
    if ingress.gateway is not None:
        # Its weights express any share; only a version without a pod cannot take one.
        if rollout.capacity == "fixed" and rollout.replicas == 1 and rollout.steps[:-1]:
            yield contradiction(
                "rollout.replicas", 1, "with rollout.capacity 'fixed' the canary would take the only pod: 2"
            )
        return
    for step in rollout.steps[:-1]:
        pods, share = pods_of_share(step, rollout.replicas, rollout.capacity)
        if abs(share - step) > rollout.share_tolerance_percent:
            least = smallest_replicas(rollout.steps[:-1], rollout.share_tolerance_percent, rollout.capacity)
            mend = f"{least} replicas can express all steps" if least else "no number of replicas expresses all steps"
            allowed = (
                f"{rollout.replicas} replicas cannot express it: {pods} canary pods of them are {share:.1f} %"
                if rollout.capacity == "fixed"
                else f"{rollout.replicas} replicas cannot express it: {pods} canary pods beside them are {share:.1f} %"
            )
            yield contradiction("rollout.steps", step, f"{allowed}; {mend} within {rollout.share_tolerance_percent:g}")
    scaled = rollout.autoscaling
    if scaled is not None and not expresses(
        rollout.steps[:-1], scaled.minimum, rollout.share_tolerance_percent, rollout.capacity
    ):
        least = smallest_replicas(rollout.steps[:-1], rollout.share_tolerance_percent, rollout.capacity)
        allowed = f"so few replicas cannot express all of rollout.steps; {least} can"
        yield contradiction("rollout.autoscaling.minimum", scaled.minimum, allowed)


def _analysis(
    rollout: RolloutSettings, analysis: AnalysisSettings | None, prometheus: PrometheusSettings | None
) -> Iterator[Wrong]:
    if rollout.strategy != "canary":
        return
    for name, found in {"analysis": analysis, "prometheus": prometheus}.items():
        if found is None:
            yield contradiction(name, None, "rollout.strategy is 'canary': its steps are judged by it")
    if analysis is None:
        return
    for name in ("rule_out_error_percent", "rule_out_slow_percent"):
        wanted = getattr(analysis, name)
        if len(wanted) != len(rollout.steps):
            yield contradiction(
                f"analysis.{name}", wanted, f"rollout.steps has {len(rollout.steps)} steps: one number for each"
            )
    if analysis.minimum_seconds > analysis.maximum_seconds:
        yield contradiction(
            "analysis.minimum_seconds",
            analysis.minimum_seconds,
            f"at most analysis.maximum_seconds ({analysis.maximum_seconds:g})",
        )
    needed = len(rollout.steps) * analysis.maximum_seconds + rollout.replicas * SECONDS_PER_POD
    if rollout.timeout_seconds < needed:
        allowed = (
            f"{len(rollout.steps)} steps of analysis.maximum_seconds ({analysis.maximum_seconds:g}) and the start of"
            f" {rollout.replicas} pods need {needed:g} or more"
        )
        yield contradiction("rollout.timeout_seconds", rollout.timeout_seconds, allowed)


def _autoscaling(rollout: RolloutSettings) -> Iterator[Wrong]:
    wanted = rollout.autoscaling
    if wanted is None:
        return
    if wanted.minimum > wanted.maximum:
        allowed = f"at most rollout.autoscaling.maximum ({wanted.maximum})"
        yield contradiction("rollout.autoscaling.minimum", wanted.minimum, allowed)
    if not wanted.minimum <= rollout.replicas <= wanted.maximum:
        allowed = f"within rollout.autoscaling ({wanted.minimum} to {wanted.maximum}): the first release starts so many"
        yield contradiction("rollout.replicas", rollout.replicas, allowed)
    if rollout.capacity == "fixed":
        yield contradiction("rollout.capacity", "fixed", "the autoscaler sets how many pods there are: surge")


def _replacement(rollout: RolloutSettings) -> Iterator[Wrong]:
    if rollout.max_surge + rollout.max_unavailable == 0:
        yield contradiction(
            "rollout.max_surge",
            0,
            "with rollout.max_unavailable 0 no pod could ever be replaced: one must be 1 or more",
        )
        return
    if rollout.max_unavailable >= rollout.replicas:
        allowed = f"less than rollout.replicas ({rollout.replicas}), or no pod would be left to answer"
        yield contradiction("rollout.max_unavailable", rollout.max_unavailable, allowed)
    rounds = math.ceil(rollout.replicas / (rollout.max_surge + rollout.max_unavailable))
    needed = rounds * SECONDS_PER_POD
    if rollout.timeout_seconds < needed:
        allowed = f"{rollout.replicas} pods in {rounds} rounds need {needed} s or more to be replaced and verified"
        yield contradiction("rollout.timeout_seconds", rollout.timeout_seconds, allowed)


def _way_in(ingress: IngressSettings) -> Iterator[Wrong]:
    if ingress.gateway is None and not ingress.class_name:
        allowed = "name the IngressClass that serves the host of health.url, or an ingress.gateway"
        yield contradiction("ingress.class_name", "", allowed)


def _tls(health: HealthSettings, ingress: IngressSettings) -> Iterator[Wrong]:
    if health.url.username or health.url.password:
        yield contradiction("health.url", str(health.url), "must not hold a user or a password")
    if ingress.gateway is not None:
        return
    over_tls = health.url.scheme == "https"
    if over_tls and ingress.tls_secret is None:
        allowed = f"health.url is {health.url}: name the Secret with the certificate of its host"
        yield contradiction("ingress.tls_secret", None, allowed)
    if not over_tls and ingress.tls_secret is not None:
        yield contradiction("health.url", str(health.url), "ingress.tls_secret is set: use https, or leave it out")


def _approvers(
    approval: ApprovalSettings, migration: MigrationSettings, checklist: ChecklistSettings
) -> Iterator[Wrong]:
    forge = checklist.forge
    if not (approval.recorded or approval.signed or (forge is not None and forge.environment)):
        allowed = "then nobody could approve: set approval.signed, or checklist.forge.environment"
        yield contradiction("approval.recorded", approval.recorded, allowed)
    if approval.approvers:
        return
    if approval.required:
        yield contradiction("approval.approvers", (), "approval.required is true: name who may approve a release")
    if migration.mode == "safe":
        yield contradiction("approval.approvers", (), "migration.mode is 'safe': name who may approve its SQL")


def _tag(release: ReleaseSettings) -> Iterator[Wrong]:
    if release.branch is not None and release.tag is None:
        yield contradiction("release.branch", release.branch, "release.tag is missing: the branch is that of the tag")
    if release.tag is not None and not release.pushed:
        allowed = "release.tag is set, and a tag names a version only if what is built is as pushed: true"
        yield contradiction("release.pushed", release.pushed, allowed)


def _promotion(
    image: ImageSettings, release: ReleaseSettings, cluster: ClusterSettings, application: ApplicationSettings
) -> Iterator[Wrong]:
    source = image.promote_from
    if source is None:
        return
    if (source.namespace, source.deployment) == (cluster.namespace, application.deployment):
        allowed = "it is this stack's own Deployment: name that of the environment before"
        yield contradiction("image.promote_from.deployment", source.deployment, allowed)
    if not release.pushed:
        allowed = "image.promote_from is set, and takes the image of a commit, not of a changed work tree: true"
        yield contradiction("release.pushed", release.pushed, allowed)


def _memory(application: ApplicationSettings) -> Iterator[Wrong]:
    wanted = application.resources
    if amount(wanted.memory_request) > amount(wanted.memory_limit):
        allowed = f"at most application.resources.memory_limit ({wanted.memory_limit})"
        yield contradiction("application.resources.memory_request", wanted.memory_request, allowed)


def _secrets(application: ApplicationSettings) -> Iterator[Wrong]:
    for name, value in application.environment.items():
        if SECRET_NAME.search(name) or IN_ADDRESS.search(value):
            allowed = f"it looks like a secret: put it into Secret {application.credentials} (application.credentials)"
            yield Wrong(f"application.environment.{name}", f"got {NOT_SHOWN}; {allowed}")


def _scripts(environment: str, verification: VerificationSettings) -> Iterator[Wrong]:
    others = {name: other for other, names in NAMES_OF.items() if other != environment for name in names}
    for number, script in enumerate(verification.scripts):
        for word in script.command[1:]:
            other = others.get(word.rpartition("=")[2])
            if other is not None:
                yield contradiction(
                    f"verification.scripts.{number}.command", word, f"it names {other}, and this stack is {environment}"
                )


def _windows(verification: VerificationSettings, rollout: RolloutSettings, health: HealthSettings) -> Iterator[Wrong]:
    pods, asked = verification.pods_timeout_seconds, verification.health_timeout_seconds
    if rollout.strategy == "rolling" and pods is not None and pods < rollout.timeout_seconds:
        allowed = (
            f"strategy 'rolling' replaces the pods in this step: rollout.timeout_seconds ({rollout.timeout_seconds})"
        )
        yield contradiction("verification.pods_timeout_seconds", pods, f"{allowed} or more")
    needed = health.attempts * (health.interval_seconds + health.timeout_seconds)
    if asked is not None and asked < needed:
        allowed = f"health.attempts ({health.attempts}), each with its time-out, may take {needed:g} s: that or more"
        yield contradiction("verification.health_timeout_seconds", asked, allowed)


def _key_metrics(
    verification: VerificationSettings, analysis: AnalysisSettings | None, prometheus: PrometheusSettings | None
) -> Iterator[Wrong]:
    if verification.key_metrics is None:
        return
    for name, found in {"analysis": analysis, "prometheus": prometheus}.items():
        if found is None:
            yield contradiction(name, None, "verification.key_metrics is set: its limits and its Prometheus stand here")


def _escalation(notify: NotifySettings, contacts: tuple[ContactSettings, ...]) -> Iterator[Wrong]:
    yield from unknown_roles(notify, contacts)


def _watch(watch: WatchSettings, prometheus: PrometheusSettings | None) -> Iterator[Wrong]:
    yield from watch_contradictions(watch, prometheus)


RULES: tuple[Rule, ...] = (
    _canary,
    _shares,
    _analysis,
    _autoscaling,
    _replacement,
    _way_in,
    _tls,
    _approvers,
    _tag,
    _promotion,
    _memory,
    _secrets,
    _scripts,
    _windows,
    monitoring_contradictions,
    _key_metrics,
    _escalation,
    _watch,
)
