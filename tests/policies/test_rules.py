"""Each rule passes what is right, refuses what is wrong or missing, and never passes what it cannot see."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from policies.rules.rule import UNKNOWN, WORKLOADS, Rule, at
from policies.rules.workload import RULES

Json = dict[str, Any]
BY_NAME = {rule.name: rule for rule in RULES}
DIGEST = "registry.internal/app@sha256:" + "0a" * 32

RIGHT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app"},
    "spec": {
        "template": {
            "spec": {
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "api",
                        "image": DIGEST,
                        "env": [{"name": "PORT", "value": "8080"}],
                        "envFrom": [{"secretRef": {"name": "credentials"}}],
                        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
                        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}},
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }
        }
    },
}
REMOVED = object()


def changed(path: str, value: Any) -> Json:
    """Return RIGHT with `value` at `path` below the pod's spec; a path that begins with a dot lies in its container."""
    properties = copy.deepcopy(RIGHT)
    below: Json = properties["spec"]["template"]["spec"]
    if path.startswith("."):
        below = below["containers"][0]
    *parents, last = path.lstrip(".").split(".")
    for key in parents:
        below = below.setdefault(key, {})
    if value is REMOVED:
        del below[last]
    else:
        below[last] = value
    return properties


def check(name: str, properties: Mapping[str, Any]) -> list[str]:
    return BY_NAME[name].check(properties)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_right_passes(rule: Rule) -> None:
    assert rule.check(RIGHT) == []


WRONG = [
    ("containers-known", "containers", REMOVED, "its containers are missing or not known"),
    ("containers-known", "containers", [], "its containers are missing or not known"),
    ("containers-known", "containers", UNKNOWN, "its containers are missing or not known"),
    ("containers-known", "containers", [RIGHT["spec"]["template"]["spec"]["containers"][0], UNKNOWN], "not known"),
    ("containers-known", "initContainers", UNKNOWN, "not known"),
    ("containers-known", "initContainers", [UNKNOWN], "not known"),
    (
        "image-by-digest",
        ".image",
        "registry.internal/app:v1",
        "has image 'registry.internal/app:v1', which is no digest",
    ),
    ("image-by-digest", ".image", "app@sha256:", "which is no digest"),
    ("image-by-digest", ".image", "app@sha256:abc", "which is no digest"),
    ("image-by-digest", ".image", "sha256:" + "0a" * 32, "which is no digest"),
    ("image-by-digest", ".image", REMOVED, "has image None, which is no digest"),
    ("resources-set", ".resources", REMOVED, "has no cpu in resources.requests"),
    ("resources-set", ".resources.requests.cpu", REMOVED, "has no cpu in resources.requests"),
    ("resources-set", ".resources.requests.memory", REMOVED, "has no memory in resources.requests"),
    ("resources-set", ".resources.limits", REMOVED, "has no memory in resources.limits"),
    ("resources-set", ".resources.limits.memory", UNKNOWN, "has no memory in resources.limits"),
    ("resources-set", ".resources", UNKNOWN, "has no cpu in resources.requests"),
    ("probes-set", ".readinessProbe", REMOVED, "container api has no readinessProbe"),
    ("probes-set", ".livenessProbe", REMOVED, "container api has no livenessProbe"),
    ("probes-set", ".livenessProbe", {}, "container api has no livenessProbe"),
    ("probes-set", ".readinessProbe", UNKNOWN, "container api has no readinessProbe"),
    ("restricted", "securityContext.runAsNonRoot", REMOVED, "may run as root"),
    ("restricted", "securityContext.runAsNonRoot", False, "may run as root"),
    ("restricted", "securityContext.runAsNonRoot", UNKNOWN, "may run as root"),
    ("restricted", "securityContext.runAsNonRoot", "true", "may run as root"),
    ("restricted", ".securityContext.runAsNonRoot", False, "may run as root"),
    ("restricted", "securityContext.runAsUser", 0, "runs as user 0"),
    ("restricted", ".securityContext.runAsUser", 0, "runs as user 0"),
    ("restricted", ".securityContext.allowPrivilegeEscalation", REMOVED, "may gain privileges"),
    ("restricted", ".securityContext.allowPrivilegeEscalation", True, "may gain privileges"),
    ("restricted", ".securityContext.allowPrivilegeEscalation", UNKNOWN, "may gain privileges"),
    ("restricted", ".securityContext.privileged", True, "container api is privileged"),
    ("restricted", ".securityContext.privileged", UNKNOWN, "container api is privileged"),
    ("restricted", ".securityContext.capabilities", REMOVED, "keeps capabilities"),
    ("restricted", ".securityContext.capabilities.drop", ["NET_RAW"], "keeps capabilities"),
    ("restricted", ".securityContext.capabilities.drop", UNKNOWN, "keeps capabilities"),
    ("restricted", ".securityContext.capabilities.add", ["SYS_ADMIN"], "adds capabilities"),
    ("restricted", ".securityContext.capabilities.add", UNKNOWN, "adds capabilities"),
    ("restricted", "securityContext.seccompProfile", REMOVED, "has no seccompProfile"),
    ("restricted", "securityContext.seccompProfile.type", "Unconfined", "has no seccompProfile"),
    ("restricted", "securityContext.seccompProfile.type", UNKNOWN, "has no seccompProfile"),
    ("restricted", ".securityContext.seccompProfile.type", "Unconfined", "has no seccompProfile"),
    ("restricted", ".securityContext", REMOVED, "may gain privileges"),
    ("restricted", "securityContext", UNKNOWN, "may run as root"),
    ("no-host-access", "hostNetwork", True, "hostNetwork is True"),
    ("no-host-access", "hostPID", True, "hostPID is True"),
    ("no-host-access", "hostIPC", True, "hostIPC is True"),
    ("no-host-access", "hostNetwork", UNKNOWN, "hostNetwork is a value that is not known yet"),
    (
        "no-host-access",
        "volumes",
        [{"name": "root", "hostPath": {"path": "/"}}],
        "volume root is a directory of the host",
    ),
    ("no-host-access", "volumes", UNKNOWN, "volume a value that is not known yet"),
    ("no-host-access", "volumes", [{"name": "root", "hostPath": UNKNOWN}], "volume root is a directory of the host"),
    ("no-host-access", "volumes", [UNKNOWN], "volume a value that is not known yet"),
    ("no-host-access", ".ports", [{"containerPort": 80, "hostPort": 80}], "container api takes port 80 of the host"),
    ("no-plain-secret", ".env", [{"name": "DB_PASSWORD", "value": "x"}], "has DB_PASSWORD in plain environment"),
    ("no-plain-secret", ".env", [{"name": "database_url", "value": "x"}], "has DATABASE_URL in plain environment"),
    ("no-plain-secret", ".env", [{"name": "GITHUB_TOKEN", "value": UNKNOWN}], "has GITHUB_TOKEN in plain environment"),
]


@pytest.mark.parametrize(("rule", "path", "value", "says"), WRONG)
def test_what_is_wrong_missing_or_unknown_is_refused(rule: str, path: str, value: Any, says: str) -> None:
    found = check(rule, changed(path, value))
    assert found
    assert any(says in text for text in found), found


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.name != "containers-known"], ids=lambda rule: rule.name
)
def test_no_rule_breaks_on_properties_of_any_shape(rule: Rule) -> None:
    for properties in ({}, {"spec": None}, {"spec": UNKNOWN}, changed("containers", "text"), changed("volumes", {})):
        assert isinstance(rule.check(properties), list)


def test_each_rule_looks_at_init_containers_too() -> None:
    bare = changed("initContainers", [{"name": "prepare"}])
    for name in ("image-by-digest", "resources-set", "restricted"):
        assert any("container prepare" in text for text in check(name, bare))


def test_an_image_that_this_update_builds_is_judged_once_it_is_known() -> None:
    assert check("image-by-digest", changed(".image", UNKNOWN)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".securityContext.seccompProfile.type", "Localhost"),
        (".securityContext.runAsNonRoot", True),
        (".securityContext.capabilities.add", ["NET_BIND_SERVICE"]),
        ("securityContext.runAsUser", 10001),
    ],
)
def test_what_the_restricted_standard_allows_passes(path: str, value: Any) -> None:
    assert check("restricted", changed(path, value)) == []


def test_the_container_may_be_strict_where_the_pod_is_not() -> None:
    properties = changed(".securityContext.runAsNonRoot", value=True)
    properties["spec"]["template"]["spec"]["securityContext"].pop("runAsNonRoot")
    assert check("restricted", properties) == []


def test_a_secret_by_reference_passes_and_a_plain_one_is_never_printed() -> None:
    reference = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "url"}}}
    assert check("no-plain-secret", changed(".env", [reference])) == []
    [text] = check("no-plain-secret", changed(".env", [{"name": "API_TOKEN", "value": "hunter2"}]))
    assert "hunter2" not in text


def test_rules_are_about_workloads_and_probes_about_those_that_serve() -> None:
    for rule in RULES:
        for kind in WORKLOADS:
            assert rule.applies(kind) is (rule.name != "probes-set" or not kind.endswith(":Job"))
        for kind in ("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Service", "docker:index/image:Image"):
            assert not rule.applies(kind)


def test_each_rule_has_a_name_of_its_own_and_a_remedy() -> None:
    assert len(BY_NAME) == len(RULES) == 7
    assert all(rule.description and rule.remedy for rule in RULES)


def test_below_what_is_unknown_everything_is_unknown_and_below_what_is_missing_nothing() -> None:
    assert at({"a": {"b": 1}}, "a", "b") == 1
    assert at({"a": UNKNOWN}, "a", "b") is UNKNOWN
    assert at({"a": None}, "a", "b") is None
    assert at({"a": "text"}, "a", "b") is None
    assert not UNKNOWN
