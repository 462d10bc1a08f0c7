"""Each rule about pods passes what is right, refuses what is wrong or missing, and never passes what it cannot see."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules.images import BUILD, DIGEST, Declared, kind_in, unknown_images_are_built_here
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from policies.rules.pods import JOB, WORKLOADS
from policies.rules.rule import UNKNOWN, Given, Rule, Unknown
from policies.rules.workload import RULES, SECRET_NAMES
from tests.policies.plain_data import DEPLOYMENT, REMOVED, changed, with_at
from tests.policies.plain_data import DIGEST as IMAGE

BY_NAME = {rule.name: rule for rule in RULES}
CONTAINER = DEPLOYMENT["spec"]["template"]["spec"]["containers"][0]


def check(name: str, properties: dict[str, Any], **configured: Any) -> list[str]:
    return BY_NAME[name].check(properties, Given("prod", configured))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_right_passes(rule: Rule) -> None:
    assert rule.check(DEPLOYMENT) == []


IS_ROOT = "runs as user 0, or nobody knows as whom"
NO_DIGEST = "container api has image {!r}, which is no digest"
NO_ROOT = "container api may run as root: runAsNonRoot is not true"
NO_GAIN = "container api may gain privileges: allowPrivilegeEscalation is not false"
KEEPS = "container api keeps capabilities: capabilities.drop has no ALL"
ADDS = "container api adds capabilities: only NET_BIND_SERVICE may be added"
UNSEEN = "its containers are missing or not known"
WRONG: list[tuple[str, str, Any, list[str]]] = [
    ("containers-known", "containers", REMOVED, [UNSEEN]),
    ("containers-known", "containers", [], [UNSEEN]),
    ("containers-known", "containers", UNKNOWN, [UNSEEN]),
    ("containers-known", "containers", [CONTAINER, UNKNOWN], [UNSEEN]),
    ("containers-known", "initContainers", UNKNOWN, [UNSEEN]),
    ("containers-known", "initContainers", [UNKNOWN], [UNSEEN]),
    ("image-by-digest", ".image", "app:v1", [NO_DIGEST.format("app:v1")]),
    ("image-by-digest", ".image", "app@sha256:", [NO_DIGEST.format("app@sha256:")]),
    ("image-by-digest", ".image", "app@sha256:abc", [NO_DIGEST.format("app@sha256:abc")]),
    ("image-by-digest", ".image", f"{IMAGE}0", [NO_DIGEST.format(f"{IMAGE}0")]),
    ("image-by-digest", ".image", "sha256:" + "0a" * 32, [NO_DIGEST.format("sha256:" + "0a" * 32)]),
    ("image-by-digest", ".image", REMOVED, [NO_DIGEST.format(None)]),
    (
        "image-by-digest",
        ".image",
        Unknown(frozenset({"kubernetes:core/v1:Secret"})),
        ["container api has an image that is not known yet and that this update does not build"],
    ),
    ("no-latest", ".image", "app:latest", ["container api has image 'app:latest', which is latest"]),
    ("no-latest", ".image", "registry:5000/app", ["container api has image 'registry:5000/app', which is latest"]),
    (
        "no-latest",
        ".image",
        f"app:latest@{IMAGE.partition('@')[2]}",
        [f"container api has image 'app:latest@{IMAGE.partition('@')[2]}', which is latest"],
    ),
    ("no-latest", ".image", REMOVED, ["container api has image None, which is latest"]),
    ("resources-set", ".resources.requests.cpu", REMOVED, ["container api has no cpu in resources.requests"]),
    ("resources-set", ".resources.requests.memory", REMOVED, ["container api has no memory in resources.requests"]),
    ("resources-set", ".resources.limits", REMOVED, ["container api has no memory in resources.limits"]),
    ("resources-set", ".resources.limits.memory", "", ["container api has no memory in resources.limits"]),
    ("resources-set", ".resources.limits.memory", UNKNOWN, ["container api has no memory in resources.limits"]),
    (
        "resources-set",
        ".resources",
        UNKNOWN,
        [
            "container api has no cpu in resources.requests",
            "container api has no memory in resources.requests",
            "container api has no memory in resources.limits",
        ],
    ),
    ("probes-set", ".readinessProbe", REMOVED, ["container api has no readinessProbe"]),
    ("probes-set", ".livenessProbe", REMOVED, ["container api has no livenessProbe"]),
    ("probes-set", ".livenessProbe", {}, ["container api has no livenessProbe"]),
    ("probes-set", ".readinessProbe", UNKNOWN, ["container api has no readinessProbe"]),
    ("restricted", "securityContext.runAsNonRoot", REMOVED, [NO_ROOT]),
    ("restricted", "securityContext.runAsNonRoot", False, [NO_ROOT]),
    ("restricted", "securityContext.runAsNonRoot", UNKNOWN, [NO_ROOT]),
    ("restricted", "securityContext.runAsNonRoot", "true", [NO_ROOT]),
    ("restricted", ".securityContext.runAsNonRoot", False, [NO_ROOT]),
    ("restricted", ".securityContext.runAsNonRoot", UNKNOWN, [NO_ROOT]),
    ("restricted", "securityContext.runAsUser", 0, [f"container api {IS_ROOT}"]),
    ("restricted", "securityContext.runAsUser", UNKNOWN, [f"container api {IS_ROOT}"]),
    ("restricted", ".securityContext.runAsUser", 0, [f"container api {IS_ROOT}"]),
    ("restricted", ".securityContext.allowPrivilegeEscalation", REMOVED, [NO_GAIN]),
    ("restricted", ".securityContext.allowPrivilegeEscalation", True, [NO_GAIN]),
    ("restricted", ".securityContext.allowPrivilegeEscalation", UNKNOWN, [NO_GAIN]),
    ("restricted", ".securityContext.privileged", True, ["container api is privileged"]),
    ("restricted", ".securityContext.privileged", UNKNOWN, ["container api is privileged"]),
    ("restricted", ".securityContext.capabilities", REMOVED, [KEEPS]),
    ("restricted", ".securityContext.capabilities.drop", ["NET_RAW"], [KEEPS]),
    ("restricted", ".securityContext.capabilities.drop", UNKNOWN, [KEEPS]),
    ("restricted", ".securityContext.capabilities.add", ["SYS_ADMIN"], [ADDS]),
    ("restricted", ".securityContext.capabilities.add", UNKNOWN, [ADDS]),
    ("restricted", "securityContext.seccompProfile", REMOVED, ["container api has no seccompProfile"]),
    ("restricted", "securityContext.seccompProfile.type", "Unconfined", ["container api has no seccompProfile"]),
    ("restricted", "securityContext.seccompProfile.type", UNKNOWN, ["container api has no seccompProfile"]),
    ("restricted", ".securityContext.seccompProfile.type", "Unconfined", ["container api has no seccompProfile"]),
    (
        "restricted",
        ".securityContext.procMount",
        "Unmasked",
        ["container api has another procMount than Default"],
    ),
    ("restricted", ".securityContext.procMount", UNKNOWN, ["container api has another procMount than Default"]),
    ("restricted", ".securityContext", REMOVED, [NO_GAIN, KEEPS]),
    ("no-host-access", "hostNetwork", True, ["hostNetwork is True"]),
    ("no-host-access", "hostPID", True, ["hostPID is True"]),
    ("no-host-access", "hostIPC", True, ["hostIPC is True"]),
    ("no-host-access", "hostNetwork", UNKNOWN, ["hostNetwork is a value that is not known yet"]),
    (
        "no-host-access",
        "volumes",
        [{"name": "root", "hostPath": {"path": "/"}}],
        ["volume root is a directory of the host"],
    ),
    ("no-host-access", "volumes", UNKNOWN, ["volume a value that is not known yet is a directory of the host"]),
    ("no-host-access", "volumes", [{"name": "root", "hostPath": UNKNOWN}], ["volume root is a directory of the host"]),
    ("no-host-access", ".ports", [{"hostPort": 80}], ["container api takes port 80 of the host"]),
    (
        "no-host-access",
        ".ports",
        UNKNOWN,
        ["container api takes port a value that is not known yet of the host"],
    ),
    *(
        ("no-plain-secret", ".env", [{"name": name, "value": "x"}], [f"container api has {name} in plain environment"])
        for name in (
            *("DB_PASSWORD", "DB_PASSWD", "github_token", "SECRET", "PRIVATE_KEY", "API_KEY", "CREDENTIALS"),
            *("database_url", "REDIS_URL", "RABBITMQ_URL"),
        )
    ),
    (
        "no-plain-secret",
        ".env",
        [{"name": "TOKEN", "value": UNKNOWN}],
        ["container api has TOKEN in plain environment"],
    ),
    (
        "no-plain-secret",
        ".env",
        [{"name": "CACHE", "value": "Redis://:hunter2@cache:6379"}],
        ["container api has CACHE in plain environment"],
    ),
    ("no-plain-secret", ".env", UNKNOWN, ["container api has a variable that is not known yet"]),
    ("no-plain-secret", ".env", [{"name": UNKNOWN}], ["container api has a variable that is not known yet"]),
    (
        "no-unused-rights",
        "automountServiceAccountToken",
        REMOVED,
        ["automountServiceAccountToken is None, and not False"],
    ),
    ("no-unused-rights", "automountServiceAccountToken", True, ["automountServiceAccountToken is True, and not False"]),
    (
        "no-unused-rights",
        "automountServiceAccountToken",
        UNKNOWN,
        ["automountServiceAccountToken is a value that is not known yet, and not False"],
    ),
    (
        "no-unused-rights",
        "volumes",
        [{"name": "token", "projected": {"sources": [{"configMap": {}}, {"serviceAccountToken": {"path": "t"}}]}}],
        ["volume token holds the token of its service account"],
    ),
    (
        "no-unused-rights",
        "volumes",
        [UNKNOWN],
        ["volume a value that is not known yet holds the token of its service account"],
    ),
]


@pytest.mark.parametrize(("rule", "path", "value", "says"), WRONG)
def test_what_is_wrong_missing_or_unknown_is_refused(rule: str, path: str, value: Any, says: list[str]) -> None:
    assert check(rule, changed(path, value)) == says


LABELS = "spec.template.metadata.labels"
VERSION = "app.kubernetes.io/version"
NO_VERSION = "its pods have no label app.kubernetes.io/version"


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({VERSION: "v1"}, ["its pods have label app=None, and not app=release-manager"]),
        ({VERSION: "v1", "app": "other"}, ["its pods have label app=other, and not app=release-manager"]),
        (
            {VERSION: "v1", "app": UNKNOWN},
            ["its pods have label app=a value that is not known yet, and not app=release-manager"],
        ),
        ({"app": "release-manager"}, [NO_VERSION]),
        ({"app": "release-manager", VERSION: UNKNOWN}, [NO_VERSION]),
        (
            UNKNOWN,
            [NO_VERSION, "its pods have label app=a value that is not known yet, and not app=release-manager"],
        ),
    ],
)
def test_pods_that_serve_are_found_by_their_label_and_say_their_version(labels: Any, says: list[str]) -> None:
    assert check("pods-labelled", with_at(DEPLOYMENT, LABELS, labels)) == says


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_pods_of_a_job_do_not_count_among_those_that_serve(kind: str) -> None:
    job = _as(kind, with_at(DEPLOYMENT, LABELS, {"component": "migration"}))
    assert check("pods-labelled", job) == []
    serving = "its pods have label app=release-manager, so they count among those that serve"
    assert check("pods-labelled", _as(kind, DEPLOYMENT)) == [serving]
    unknown = "its pods have label app=a value that is not known yet, so they count among those that serve"
    assert check("pods-labelled", _as(kind, with_at(DEPLOYMENT, LABELS, {"app": UNKNOWN}))) == [unknown]


def _as(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the same pods as another kind of workload declares them."""
    template = properties["spec"]["template"]
    if kind == "Pod":
        return {"kind": kind, **template}
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return {"kind": kind, "spec": spec}


@pytest.mark.parametrize("kind", ["Job", "CronJob", "Pod", "StatefulSet"])
def test_the_pods_of_every_kind_of_workload_are_found(kind: str) -> None:
    assert check("containers-known", _as(kind, DEPLOYMENT)) == []
    assert check("no-host-access", _as(kind, changed("hostPID", value=True))) == ["hostPID is True"]


def test_what_is_projected_beside_a_token_is_no_right() -> None:
    volume = {"name": "files", "projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": "s"}}]}}
    assert check("no-unused-rights", changed("volumes", [volume])) == []


def test_a_job_that_asks_the_cluster_has_an_account_of_its_own() -> None:
    watch = changed("serviceAccountName", "release-manager-prod-watch")
    watch["spec"]["template"]["spec"]["automountServiceAccountToken"] = True
    mounted = ["automountServiceAccountToken is True, and not False"]
    assert check("no-unused-rights", _as("Job", watch)) == []
    assert check("no-unused-rights", watch) == mounted, "pods that serve have no use for it"
    for account in ("", "default", UNKNOWN):
        watch["spec"]["template"]["spec"]["serviceAccountName"] = account
        assert check("no-unused-rights", _as("Job", watch)) == mounted
    watch["spec"]["template"]["spec"] |= {"serviceAccountName": "own", "automountServiceAccountToken": UNKNOWN}
    assert len(check("no-unused-rights", _as("Job", watch))) == 1


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.name != "containers-known"], ids=lambda rule: rule.name
)
def test_no_rule_breaks_on_properties_of_any_shape(rule: Rule) -> None:
    shapes: list[dict[str, Any]] = [{}, {"spec": None}, {"spec": UNKNOWN}]
    for properties in [*shapes, changed("containers", "text"), changed("volumes", {})]:
        assert isinstance(rule.check(properties), list)


def test_each_rule_looks_at_init_containers_too() -> None:
    bare = changed("initContainers", [{"name": "prepare"}])
    for name in ("image-by-digest", "resources-set", "restricted"):
        assert any("container prepare" in text for text in check(name, bare))


def test_an_image_that_is_not_known_yet_passes_where_this_update_builds_it() -> None:
    """Where nobody can tell what it comes from, whoever can tell judges it again."""
    for image in (UNKNOWN, Unknown(frozenset({BUILD, "kubernetes:core/v1:ConfigMap"}))):
        assert check("image-by-digest", changed(".image", image)) == []
        assert check("no-latest", changed(".image", image)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".securityContext.seccompProfile.type", "Localhost"),
        (".securityContext.runAsNonRoot", True),
        (".securityContext.capabilities.add", ["NET_BIND_SERVICE"]),
        (".securityContext.procMount", "Default"),
        ("securityContext.runAsUser", 10001),
    ],
)
def test_what_the_restricted_standard_allows_passes(path: str, value: Any) -> None:
    assert check("restricted", changed(path, value)) == []


def test_the_container_may_be_strict_where_the_pod_is_not() -> None:
    properties = changed(".securityContext.runAsNonRoot", value=True)
    properties["spec"]["template"]["spec"]["securityContext"].pop("runAsNonRoot")
    assert check("restricted", properties) == []


def test_an_image_with_a_port_in_its_registry_and_a_tag_is_not_latest() -> None:
    for image in ("registry:5000/app:v1", IMAGE, "app:latest-1"):
        assert check("no-latest", changed(".image", image)) == []


def test_a_build_is_not_called_latest() -> None:
    assert check("no-latest", {"imageName": "registry:5000/app:prod-abc1234"}) == []
    for name in ("registry:5000/app:latest", "registry:5000/app"):
        assert check("no-latest", {"imageName": name}) == [f"the build has image {name!r}, which is latest"]
    assert check("no-latest", {"imageName": UNKNOWN}) == ["nobody can tell yet what the image that is built is called"]


def test_a_secret_by_reference_passes_and_a_plain_one_is_never_printed() -> None:
    reference = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "url"}}}
    assert check("no-plain-secret", changed(".env", [reference])) == []
    for variable in ({"name": "API_TOKEN", "value": "hunter2"}, {"name": "A", "value": "amqp://u:hunter2@mq/"}):
        [text] = check("no-plain-secret", changed(".env", [variable]))
        assert "hunter2" not in text
    assert check("no-plain-secret", changed(".env", [{"name": "A", "value": "https://user@host/"}])) == []


def test_a_configuration_may_name_more_secrets_and_no_fewer() -> None:
    variable = changed(".env", [{"name": "INTERNAL_PIN", "value": "1"}])
    assert check("no-plain-secret", variable) == []
    assert check("no-plain-secret", variable, secretNames=["pin"])
    assert check("no-plain-secret", changed(".env", [{"name": "TOKEN", "value": "1"}]), secretNames=["pin"])
    assert SECRET_NAMES.allows([])
    for wrong in ("pin", [""], ["p"], [1], None):
        assert not SECRET_NAMES.allows(wrong)


def test_rules_are_about_workloads_and_probes_about_those_that_serve() -> None:
    for rule in RULES:
        for kind in WORKLOADS:
            serves = kind.startswith("kubernetes:apps") or kind.endswith(":ReplicationController")
            assert rule.applies(kind) is (rule.name != "probes-set" or serves)
        assert rule.applies(BUILD) is (rule.name == "no-latest")
        for kind in ("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Service"):
            assert not rule.applies(kind)


def test_a_whole_stack_is_asked_what_an_unknown_image_comes_from() -> None:
    unknown = changed(".image", UNKNOWN)

    def found(kind: str, properties: dict[str, Any], *origins: str) -> dict[str, list[str]]:
        return unknown_images_are_built_here([Declared("urn:a", kind, properties, {"spec": origins})])

    text = "container api has an image that is not known yet and that this update does not build"
    assert found(DEPLOYMENT_KIND, unknown) == {"urn:a": [text]}
    assert found(JOB, unknown, "kubernetes:core/v1:ConfigMap") == {"urn:a": [text]}
    assert found(DEPLOYMENT_KIND, unknown, "kubernetes:core/v1:ConfigMap", BUILD) == {}
    assert found(DEPLOYMENT_KIND, changed(".image", "app:v1")) == {}, "a rule of its own refuses it"
    assert found("kubernetes:core/v1:ConfigMap", unknown) == {}


def test_a_urn_tells_the_kind_of_its_resource() -> None:
    assert kind_in("urn:pulumi:prod::release-manager::a:b:C$docker:index/image:Image::image") == BUILD
    assert kind_in("urn:pulumi:prod::release-manager::docker:index/image:Image::image") == BUILD
    assert kind_in("nothing") == kind_in("a::b::c") == ""
    assert DIGEST.search(IMAGE)
