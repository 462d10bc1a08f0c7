"""Everything lies where it belongs, can be looked into, and has no rights that nobody named."""

from __future__ import annotations

from typing import Any

import pytest

from policies.rules.place import BINDING, NAMESPACES, ROLE, RULES
from policies.rules.rule import UNKNOWN, Given

BY_NAME = {rule.name: rule for rule in RULES}
RIGHT_ROLE = {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}
RIGHT_BINDING = {
    "metadata": {"namespace": "production"},
    "roleRef": {"kind": "Role", "name": "watch"},
    "subjects": [{"kind": "ServiceAccount", "name": "watch", "namespace": "production"}],
}


@pytest.mark.parametrize(("environment", "namespace"), [*NAMESPACES.items()])
def test_everything_lies_in_the_namespace_of_its_environment(environment: str, namespace: str) -> None:
    rule, given = BY_NAME["in-namespace"], Given(environment)
    assert rule.check({"metadata": {"namespace": namespace}}, given) == []
    for metadata in ({"namespace": "elsewhere"}, {}, UNKNOWN, {"namespace": UNKNOWN}, None):
        [text] = rule.check({"metadata": metadata}, given)
        assert text.endswith(f"that of {environment} is {namespace!r}")
    [text] = rule.check({"metadata": {"namespace": "elsewhere"}}, given)
    assert text.startswith("its namespace is 'elsewhere';")


def test_an_environment_that_nobody_knows_has_no_namespace() -> None:
    assert BY_NAME["in-namespace"].check({"metadata": {}}, Given("test"))
    assert BY_NAME["in-namespace"].check({"metadata": {"namespace": "production"}}, Given("test"))


def test_namespaces_are_for_objects_of_kubernetes() -> None:
    applies = BY_NAME["in-namespace"].applies
    assert applies("kubernetes:core/v1:ConfigMap")
    assert applies("kubernetes:monitoring.coreos.com/v1:PrometheusRule")
    for kind in ("docker:index/image:Image", "pulumi:providers:kubernetes", "release-manager:release:Gate"):
        assert not applies(kind)


@pytest.mark.parametrize(
    ("kind", "opaque"),
    [
        ("kubernetes:helm.sh/v3:Release", True),
        ("kubernetes:helm.sh/v4:Chart", True),
        ("kubernetes:yaml:ConfigFile", True),
        ("kubernetes:yaml/v2:ConfigGroup", True),
        ("kubernetes:kustomize:Directory", True),
        ("kubernetes:kustomize/v2:Directory", True),
        ("kubernetes:apps/v1:DeploymentPatch", True),
        ("kubernetes:core/v1:ConfigMapList", True),
        ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", True),
        ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", True),
        (ROLE, False),
        (BINDING, False),
        ("kubernetes:apps/v1:Deployment", False),
        ("kubernetes:core/v1:ConfigMap", False),
        ("kubernetes:example.com/v1:Cluster", False),
        ("docker:index/image:Image", False),
    ],
)
def test_what_no_rule_can_look_into_is_refused(kind: str, *, opaque: bool) -> None:
    rule = BY_NAME["nothing-opaque"]
    assert rule.applies(kind) is opaque
    assert rule.check({}) == ["it is of a kind that no rule can look into, or that reaches beyond the namespace"]


def test_a_role_that_names_its_rights_passes() -> None:
    assert BY_NAME["rights-are-named"].check(RIGHT_ROLE) == []
    assert BY_NAME["rights-are-named"].check({"rules": [{"verbs": ["get"], "resources": ["pods"]}]}) == []


@pytest.mark.parametrize("key", ["verbs", "resources", "apiGroups"])
@pytest.mark.parametrize("value", [["*"], ["get", "*"], UNKNOWN, [UNKNOWN]])
def test_a_role_that_gives_anything_is_refused(key: str, value: Any) -> None:
    found = BY_NAME["rights-are-named"].check({"rules": [{**RIGHT_ROLE["rules"][0], key: value}]})
    assert found == [f"a rule of the role gives any of its {key}, or is not known yet"]


@pytest.mark.parametrize("rules", [UNKNOWN, [UNKNOWN], [RIGHT_ROLE["rules"][0], UNKNOWN]])
def test_a_role_that_is_not_known_yet_is_refused(rules: Any) -> None:
    assert len(BY_NAME["rights-are-named"].check({"rules": rules})) == 3


def test_rights_for_an_account_of_the_same_namespace_pass() -> None:
    rule = BY_NAME["rights-are-own"]
    assert rule.check(RIGHT_BINDING) == []
    assert rule.check({**RIGHT_BINDING, "subjects": [{"kind": "ServiceAccount", "name": "watch"}]}) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"roleRef": {"kind": "ClusterRole", "name": "edit"}}, "what it gives is of kind ClusterRole, and not a Role"),
        ({"roleRef": UNKNOWN}, "is of kind a value that is not known yet, and not a Role"),
        ({"roleRef": None}, "what it gives is of kind None, and not a Role"),
        (
            {"subjects": [{"kind": "Group", "name": "all", "namespace": "production"}]},
            "rights to Group all of production",
        ),
        ({"subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": "y"}]}, "rights to ServiceAccount x of y"),
        ({"subjects": UNKNOWN}, "it gives rights to a value that is not known yet"),
        ({"subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": UNKNOWN}]}, "rights to ServiceAccount x"),
    ],
)
def test_rights_of_the_cluster_or_for_others_are_refused(change: dict[str, Any], says: str) -> None:
    [text] = BY_NAME["rights-are-own"].check({**RIGHT_BINDING, **change})
    assert says in text


def test_rules_of_rights_are_about_rights() -> None:
    assert BY_NAME["rights-are-named"].applies(ROLE)
    assert BY_NAME["rights-are-own"].applies(BINDING)
    assert not BY_NAME["rights-are-named"].applies(BINDING)
    assert not BY_NAME["rights-are-own"].applies(ROLE)
