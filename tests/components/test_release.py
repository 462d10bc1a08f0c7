"""Migration, rollout and verification: what the cluster is asked for, field by field, and by which name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from checks.waiting import Reporter
from cluster.release import Release
from cluster.service_port import ServicePort
from cluster.standing import Standing
from components import pod
from components.gate import Record
from components.migration import Migration, MigrationArgs
from components.rollout import Rollout, RolloutArgs
from components.verification import Verification, VerificationArgs
from policies.rules.workload import RULES
from tests.components.recorder import REPO_DIGEST, Declared, Recorder, declare
from tests.stack_values import settings_of

VERSION = "staging-abc1234"
NAME = "release-manager-staging"
JOB = "kubernetes:batch/v1:Job"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RECORD = "kubernetes:core/v1:ConfigMap"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
SERVICE = "kubernetes:core/v1:Service"


BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
RECORDED = {"configuration": "c0ffee", "revision": "abc", "from": "4"}


def let(_record: Mapping[str, str], _reporter: Reporter) -> None:
    return


def release(version: str = VERSION, **changes: Any) -> Recorder:
    settings = settings_of(**changes)

    def program() -> None:
        image = pulumi.Output.from_input(REPO_DIGEST)
        Migration("migration", MigrationArgs(settings, image, version, plan=let, check=let))
        record: Record = {**RECORDED, "version": version, "image": image}
        Rollout("rollout", RolloutArgs(settings, image, version, record, Standing(), let))
        Verification("verification", VerificationArgs(settings, record, let))

    return declare(program)


@pytest.fixture(scope="module")
def declared() -> Recorder:
    return release()


def pod_spec(found: Declared) -> dict[str, Any]:
    spec: dict[str, Any] = found.inputs["spec"]["template"]["spec"]
    return spec


def container(found: Declared) -> dict[str, Any]:
    [only] = pod_spec(found)["containers"]
    assert isinstance(only, dict)
    return only


WORKLOADS = pytest.mark.parametrize("kind", [JOB, DEPLOYMENT])


def test_nothing_else_is_declared(declared: Recorder) -> None:
    assert sorted(each.kind for each in declared.declared if each.kind.startswith("kubernetes")) == sorted(
        [JOB, DEPLOYMENT, SERVICE, INGRESS, BUDGET, RECORD, RECORD]
    )


def test_no_two_resources_share_a_urn_or_an_object(declared: Recorder) -> None:
    urns = [each.urn for each in declared.declared]
    assert len(set(urns)) == len(urns)
    objects = [(each.kind, each.object_name) for each in declared.declared if each.kind.startswith("kubernetes")]
    assert len(set(objects)) == len(objects)


def test_everything_lies_in_the_namespace_of_the_stack(declared: Recorder) -> None:
    for each in declared.declared:
        if each.kind.startswith("kubernetes"):
            assert each.inputs["metadata"]["namespace"] == "staging"


@pytest.mark.parametrize(
    ("kind", "parent"),
    [(JOB, "Migration"), (DEPLOYMENT, "Rollout"), (BUDGET, "Rollout"), (SERVICE, "Rollout"), (INGRESS, "Rollout")],
)
def test_each_resource_is_a_child_of_its_component(declared: Recorder, kind: str, parent: str) -> None:
    assert declared.named(declared.only(kind).parent).kind == f"release-manager:release:{parent}"


def test_the_gates_are_children_of_what_they_guard(declared: Recorder) -> None:
    gates = declared.all("release-manager:release:Gate")
    parents = [declared.named(each.parent).kind.rpartition(":")[2] for each in gates]
    assert sorted(parents) == ["Migration", "Verification"]


@WORKLOADS
def test_the_image_is_named_by_digest(declared: Recorder, kind: str) -> None:
    assert container(declared.only(kind))["image"] == REPO_DIGEST


@WORKLOADS
def test_pods_meet_the_restricted_standard_with_a_read_only_root(declared: Recorder, kind: str) -> None:
    spec = pod_spec(declared.only(kind))
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] == pod.USER_ID
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(declared.only(kind))["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    assert container(declared.only(kind))["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


@WORKLOADS
def test_the_environment_names_the_version_and_holds_no_secret(declared: Recorder, kind: str) -> None:
    found = container(declared.only(kind))
    values = {each["name"]: each["value"] for each in found["env"]}
    assert values == {"LOG_LEVEL": "INFO", "PORT": "8080", "RELEASE_VERSION": VERSION}
    assert found["envFrom"] == [{"secretRef": {"name": "release-manager-credentials"}}]


@WORKLOADS
def test_each_pod_says_what_it_needs(declared: Recorder, kind: str) -> None:
    assert container(declared.only(kind))["resources"] == {
        "requests": {"cpu": "50m", "memory": "128Mi"},
        "limits": {"memory": "256Mi"},
    }


@pytest.mark.parametrize("kind", [JOB, DEPLOYMENT, SERVICE, INGRESS])
def test_the_gate_waits_and_not_the_plug_in(declared: Recorder, kind: str) -> None:
    assert declared.only(kind).inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_declared_passes_every_policy(declared: Recorder, rule: Any) -> None:
    judged = [each for each in declared.declared if rule.applies(each.kind)]
    assert judged
    assert [text for each in judged for text in rule.check(each.inputs)] == []


def test_the_migration_is_run_once_with_its_command_and_time_out(declared: Recorder) -> None:
    job = declared.only(JOB)
    assert job.inputs["spec"]["backoffLimit"] == 0
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 120
    assert pod_spec(job)["restartPolicy"] == "Never"
    assert container(job)["command"][-1] == "alembic"
    assert '"$@" upgrade head' in container(job)["command"][2]


def test_the_pods_of_the_migration_never_serve(declared: Recorder) -> None:
    selector = declared.only(SERVICE).inputs["spec"]["selector"]
    labels = declared.only(JOB).inputs["spec"]["template"]["metadata"]["labels"]
    assert not selector.items() <= labels.items()
    assert not {"app": "release-manager"}.items() <= labels.items(), "nor do the checks count them as pods"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "staging-def5678"},
        {"migration__command": ["python", "-m", "alembic", "upgrade", "head"]},
        {"application__environment": {"LOG_LEVEL": "DEBUG"}},
    ],
)
def test_a_job_that_would_differ_has_another_name(declared: Recorder, changes: dict[str, Any]) -> None:
    other = release(**changes).only(JOB)
    assert other.object_name != declared.only(JOB).object_name
    assert other.name != declared.only(JOB).name
    assert release().only(JOB).object_name == declared.only(JOB).object_name


@pytest.mark.parametrize("version", [VERSION, "staging-abc1234-0a1b2c3d"])
def test_the_name_of_the_job_fits_into_a_label(version: str) -> None:
    name = release(version).only(JOB).object_name
    assert len(name) <= 63
    assert name.startswith(f"{NAME}-migration-")


def record(recorder: Recorder, name: str) -> Declared:
    return next(each for each in recorder.all(RECORD) if each.object_name == name)


def test_the_record_of_the_migration_names_the_job_and_comes_after_it(declared: Recorder) -> None:
    job, found = declared.only(JOB), record(declared, f"{NAME}-migration")
    assert found.inputs["data"] == {
        "job": job.object_name,
        "version": VERSION,
        "image": REPO_DIGEST,
        "configuration": settings_of().application.configuration_hash,
        "resource": job.name,
    }
    assert found.hooks["before_create"] == ["migration-gate"]
    assert job.urn in declared.named(found.parent).dependencies


def test_the_record_of_the_verification_is_a_release(declared: Recorder) -> None:
    found = record(declared, f"{NAME}-verified")
    wanted = Release(version=VERSION, image=REPO_DIGEST, configuration="c0ffee", revision="abc")
    assert found.inputs["data"] == {**wanted.model_dump(), "from": "4"}
    assert found.hooks["before_create"] == ["verification-gate"]


def test_the_deployment_replaces_its_pods_without_losing_any(declared: Recorder) -> None:
    deployment = declared.only(DEPLOYMENT)
    spec = deployment.inputs["spec"]
    assert deployment.object_name == NAME
    assert spec["replicas"] == 3
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert spec["progressDeadlineSeconds"] == 300
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert spec["template"]["metadata"]["labels"]["app"] == "release-manager"


def test_pods_are_spread_and_a_drain_takes_one_at_a_time(declared: Recorder) -> None:
    deployment, budget = declared.only(DEPLOYMENT), declared.only(BUDGET)
    spread = deployment.inputs["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert {each["whenUnsatisfiable"] for each in spread} == {"ScheduleAnyway"}
    assert budget.inputs["spec"] == {"maxUnavailable": 1, "selector": deployment.inputs["spec"]["selector"]}


def test_the_service_can_be_left_by_a_pod_that_its_deployment_keeps(declared: Recorder) -> None:
    selector = declared.only(SERVICE).inputs["spec"]["selector"]
    kept = declared.only(DEPLOYMENT).inputs["spec"]["selector"]["matchLabels"]
    assert selector.keys() - kept.keys() == {"serving"}


def test_a_template_tells_which_configuration_it_has(declared: Recorder) -> None:
    template = declared.only(DEPLOYMENT).inputs["spec"]["template"]["metadata"]
    named = settings_of().application.configuration_hash
    assert template["annotations"] == {"release-manager/configuration": named}


def test_the_selector_of_the_deployment_does_not_change_with_the_version(declared: Recorder) -> None:
    other = release("staging-def5678").only(DEPLOYMENT)
    assert other.inputs["spec"]["selector"] == declared.only(DEPLOYMENT).inputs["spec"]["selector"]
    assert other.urn == declared.only(DEPLOYMENT).urn


def test_probes_ask_whether_it_lives_and_whether_it_is_ready(declared: Recorder) -> None:
    api = container(declared.only(DEPLOYMENT))
    assert api["ports"] == [{"name": "http", "containerPort": 8080}]
    assert api["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert api["livenessProbe"]["httpGet"] == api["startupProbe"]["httpGet"] == {"path": "/livez", "port": "http"}


def test_requests_reach_the_pods_under_the_host_of_the_health_address(declared: Recorder) -> None:
    service, ingress = declared.only(SERVICE), declared.only(INGRESS)
    labels = declared.only(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["labels"]
    assert service.inputs["spec"]["selector"].items() <= labels.items()
    assert service.inputs["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080}]
    spec = ingress.inputs["spec"]
    assert spec["ingressClassName"] == "traefik"
    assert spec["tls"] == [{"hosts": ["staging-api.internal"], "secretName": "staging-tls"}]
    [rule] = spec["rules"]
    assert rule["host"] == "staging-api.internal"
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": service.object_name, "port": {"number": 80}}


def test_the_port_of_a_service_that_stands_is_kept() -> None:
    """To rename it under load is to lose requests."""
    settings = settings_of()
    here = Standing(port=ServicePort(8000, ""))

    def program() -> None:
        record: Record = {**RECORDED, "version": VERSION, "image": REPO_DIGEST}
        Rollout("rollout", RolloutArgs(settings, REPO_DIGEST, VERSION, record, here, let))

    found = declare(program)
    assert found.only(SERVICE).inputs["spec"]["ports"] == [{"port": 8000, "targetPort": 8080}]
    [path] = found.only(INGRESS).inputs["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["port"] == {"number": 8000}


@pytest.mark.parametrize("kind", [DEPLOYMENT, SERVICE, INGRESS, BUDGET])
def test_everything_is_written_under_one_name(declared: Recorder, kind: str) -> None:
    """What a person or a rollback has set under another name is then taken over, and taken off where not declared."""
    annotations = declared.only(kind).inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/patchFieldManager"] == "pulumi-kubernetes-release"


def test_without_a_certificate_there_is_no_tls() -> None:
    ingress = release(ingress__tls_secret=..., health__url="http://dev-api.internal/health").only(INGRESS)
    assert "tls" not in ingress.inputs["spec"]


def test_the_configuration_is_named_by_all_of_it_and_only_by_it() -> None:
    one = settings_of().application.configuration_hash
    assert one == settings_of(rollout__replicas=5).application.configuration_hash
    assert one != settings_of(application__environment={"LOG_LEVEL": "DEBUG"}).application.configuration_hash
    assert one != settings_of(application__credentials="others").application.configuration_hash
    reordered = settings_of(application__environment={"B": "2", "A": "1"}).application
    assert reordered.configuration_hash == (
        settings_of(application__environment={"A": "1", "B": "2"}).application.configuration_hash
    )
