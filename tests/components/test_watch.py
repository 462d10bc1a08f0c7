"""The watch as it is declared: a Job with just the rights of a rollback, after which nothing waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from checks.waiting import Reporter
from components.gate import Record
from components.watch import JobPlan, Watch, WatchArgs, rules
from policies.judging import violations
from policies.rules.rule import Given
from policies.rules.workload import RULES
from tests.components.recorder import REPO_DIGEST, Declared, Recorder, declare
from tests.stack_values import CANARY, settings_of

NAME = "release-manager-staging"
IMAGE = "registry.internal/release-manager-watch@sha256:" + "7a" * 32
JOB, SECRET, CONFIG_MAP = "kubernetes:batch/v1:Job", "kubernetes:core/v1:Secret", "kubernetes:core/v1:ConfigMap"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
RECORDED = {"version": "v1", "configuration": "c0ffee", "revision": "abc", "from": "4"}
BY_JOB: dict[str, Any] = {**CANARY, "rollout__timeout_seconds": 600, "watch": {"mode": "job", "job": {"image": IMAGE}}}
INLINE: dict[str, Any] = {**CANARY, "rollout__timeout_seconds": 600, "watch": {"mode": "inline"}}


def let(_record: Mapping[str, str], _reporter: Reporter) -> None:
    return


def plan(record: Mapping[str, str]) -> JobPlan:
    key = f"key-{record['version']}-{record['from']}"
    return JobPlan(key, json.dumps(dict(record)), '{"notify.slack.token": "xoxb-secret"}')


def declared(*, settled: bool = False, recorded: Mapping[str, str] = RECORDED, **changes: Any) -> Recorder:
    settings = settings_of(**changes)

    def program() -> None:
        record: Record = {**recorded, "image": pulumi.Output.from_input(REPO_DIGEST)}
        Watch("watch", WatchArgs(settings, record, let, plan, IMAGE, settled))

    return declare(program)


@pytest.fixture(scope="module")
def by_job() -> Recorder:
    return declared(**BY_JOB)


def pod_spec(job: Declared) -> dict[str, Any]:
    spec: dict[str, Any] = job.inputs["spec"]["template"]["spec"]
    return spec


def test_without_a_watch_nothing_is_declared() -> None:
    assert [each.kind for each in declared().declared if each.kind.startswith("kubernetes")] == []


def test_inline_a_gate_watches_before_its_record_is_written() -> None:
    recorder = declared(**INLINE)
    record = recorder.only(CONFIG_MAP)
    assert record.object_name == f"{NAME}-watched"
    assert record.hooks == {"before_create": ["watch-gate"], "before_update": ["watch-gate"]}
    assert record.inputs["data"] == {**RECORDED, "image": REPO_DIGEST}
    assert record.ignored == []


def test_inline_the_record_stays_once_the_release_serves_and_was_watched() -> None:
    assert declared(settled=True, **INLINE).only(CONFIG_MAP).ignored == ["data"]


def test_the_job_its_plan_and_its_secrets_are_named_after_the_attempt(by_job: Recorder) -> None:
    names = {by_job.only(kind).object_name for kind in (JOB, SECRET, CONFIG_MAP)}
    assert names == {f"{NAME}-watch-key-v1-4"}
    later = declared(recorded={**RECORDED, "from": "9"}, **BY_JOB)
    assert later.only(JOB).object_name != by_job.only(JOB).object_name, "released again it is watched again"
    assert later.only(JOB).name == by_job.only(JOB).name, "and the Job of the older attempt goes"


def test_nothing_waits_for_the_job_and_it_stays_when_it_has_ended(by_job: Recorder) -> None:
    job = by_job.only(JOB)
    assert job.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"]


def test_the_job_outlives_its_node_and_ends_all_the_same(by_job: Recorder) -> None:
    job = by_job.only(JOB)
    assert job.inputs["spec"]["backoffLimit"] >= 6
    assert 3600 < job.inputs["spec"]["activeDeadlineSeconds"] <= 4 * 3600
    tolerations = {each["key"]: each["tolerationSeconds"] for each in pod_spec(job)["tolerations"]}
    assert set(tolerations) == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
    assert max(tolerations.values()) <= 30
    assert pod_spec(job)["restartPolicy"] == "Never"


def test_the_job_is_told_its_plan_and_its_attempt_and_no_secret_is_in_plain_sight(by_job: Recorder) -> None:
    job = by_job.only(JOB)
    [container] = pod_spec(job)["containers"]
    assert container["image"] == IMAGE
    assert container["args"] == [
        "--plan=/etc/watch/plan/plan.json",
        "--secrets=/etc/watch/secrets/secrets.json",
        "--key=key-v1-4",
    ]
    secret = by_job.only(SECRET)
    assert secret.secrets == {"stringData"}
    assert "xoxb-secret" in secret.inputs["stringData"]["secrets.json"]
    others = [each for each in by_job.declared if each is not secret]
    assert "xoxb-secret" not in json.dumps([each.inputs for each in others], default=str)
    assert json.loads(by_job.only(CONFIG_MAP).inputs["data"]["plan.json"])["image"] == REPO_DIGEST


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.applies(JOB)], ids=lambda rule: rule.name)
def test_the_job_keeps_the_rules_of_the_policy_pack(by_job: Recorder, rule: Any) -> None:
    job = by_job.only(JOB)
    assert rule.check({"kind": "Job", **job.inputs}) == []


@pytest.mark.parametrize("changes", [BY_JOB, INLINE], ids=["job", "inline"])
def test_the_program_lets_all_of_it_be_declared_in_staging(changes: dict[str, Any]) -> None:
    recorder = declared(**changes)
    given = Given("staging")
    assert [found for each in recorder.declared for found in violations(each.kind, each.name, each.inputs, given)] == []


def test_the_job_is_not_one_of_the_applications_pods(by_job: Recorder) -> None:
    labels = by_job.only(JOB).inputs["spec"]["template"]["metadata"]["labels"]
    assert "app" not in labels
    assert "serving" not in labels


def test_the_rights_are_those_of_a_rollback_in_one_namespace(by_job: Recorder) -> None:
    role = by_job.only(ROLE)
    assert role.inputs["metadata"]["namespace"] == "staging"
    granted = role.inputs["rules"]
    resources = {resource for each in granted for resource in each["resources"]}
    assert "secrets" not in resources
    assert "httproutes" not in resources
    verbs = {verb for each in granted for verb in each["verbs"]}
    assert verbs == {"get", "list", "patch", "create", "update", "delete"}
    assert "*" not in json.dumps(granted)
    named = [each for each in granted if {"deployments", "deployments/scale", "services"} & set(each["resources"])]
    assert all(each["resourceNames"][0] == NAME for each in named)


def test_with_a_gateway_its_weights_may_be_set() -> None:
    gateway = {"name": "public", "namespace": "traefik"}
    settings = settings_of(**BY_JOB, ingress={"gateway": gateway})
    assert any("httproutes" in rule["resources"] for rule in rules(settings))


def test_once_the_release_serves_and_was_watched_the_watch_stays_as_it_is() -> None:
    recorder = declared(settled=True, **BY_JOB)
    assert recorder.only(JOB).ignored == ["metadata", "spec"]
    assert recorder.only(CONFIG_MAP).ignored == ["metadata", "data"]
    assert recorder.only(SECRET).ignored == ["metadata", "stringData", "data"]


def test_the_job_comes_when_its_plan_and_its_rights_are_there(by_job: Recorder) -> None:
    job = by_job.only(JOB)
    behind = {by_job.named(urn).kind for urn in job.dependencies}
    assert {SECRET, CONFIG_MAP, ROLE} <= behind
