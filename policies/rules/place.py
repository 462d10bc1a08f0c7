"""Rules about where things are declared, with which rights, and that rules can look at them at all."""

from __future__ import annotations

import re
from typing import Any

from policies.rules.rule import (
    DEV,
    PROD,
    STAGING,
    Found,
    Given,
    Properties,
    Rule,
    Severity,
    Topic,
    at,
    is_unknown,
    listed,
    regardless,
)

NAMESPACES = {DEV: "development", STAGING: "staging", PROD: "production"}
KUBERNETES = "kubernetes:"
RIGHTS = "kubernetes:rbac.authorization.k8s.io/"
ROLE, BINDING = f"{RIGHTS}v1:Role", f"{RIGHTS}v1:RoleBinding"
# They declare objects that no rule gets to see, or a part of an object that somebody else declared.
OPAQUE = re.compile(r"^kubernetes:(helm\.sh|kustomize|yaml)[/:]|^kubernetes:.*(Patch|List)$")


def in_namespace(properties: Properties, given: Given) -> Found:
    """Refuse an object outside of the namespace of its environment."""
    wanted, found = NAMESPACES.get(given.environment), at(properties, "metadata", "namespace")
    if wanted is not None and found == wanted:
        return []
    return [f"its namespace is {found!r}; that of {given.environment} is {wanted!r}"]


def never(_properties: Properties) -> Found:
    """Refuse the resource, whatever it is like."""
    return ["it is of a kind that no rule can look into, or that reaches beyond the namespace"]


def rights_are_named(properties: Properties) -> Found:
    """Refuse a role that gives what nobody has named: any verb, any resource, any group."""
    rules = listed(properties, "rules")
    wide = [key for rule in rules for key in ("verbs", "resources", "apiGroups") if _is_wide(at(rule, key))]
    return [f"a rule of the role gives any of its {key}, or is not known yet" for key in dict.fromkeys(wide)]


def _is_wide(given: Any) -> bool:  # noqa: ANN401
    return is_unknown(given) or any(one == "*" or is_unknown(one) for one in given or ())


def rights_are_own(properties: Properties) -> Found:
    """Refuse a binding to a role of the whole cluster, and one for somebody whom another namespace owns."""
    found: Found = []
    if at(properties, "roleRef", "kind") != "Role":
        found.append(f"what it gives is of kind {at(properties, 'roleRef', 'kind')}, and not a Role of its namespace")
    own = at(properties, "metadata", "namespace")
    for subject in listed(properties, "subjects"):
        kind, namespace = at(subject, "kind"), at(subject, "namespace")
        if kind != "ServiceAccount" or namespace not in {None, own}:
            found.append(f"it gives rights to {kind} {at(subject, 'name')} of {namespace}, and not to one of its own")
    return found


def _namespaced(kind: str) -> bool:
    return kind.startswith(KUBERNETES)


def _closed_to_rules(kind: str) -> bool:
    return bool(OPAQUE.search(kind)) or (kind.startswith(RIGHTS) and "Cluster" in kind)


def _role(kind: str) -> bool:
    return kind == ROLE


def _binding(kind: str) -> bool:
    return kind == BINDING


RULES = (
    Rule(
        name="in-namespace",
        topic=Topic.WORKLOAD,
        severity=Severity.CRITICAL,
        description="Everything lies in the namespace of its environment: development, staging or production.",
        remedy="Set cluster.namespace in the stack's settings, and use the stack that is called after its environment.",
        applies=_namespaced,
        judge=in_namespace,
    ),
    Rule(
        name="nothing-opaque",
        topic=Topic.WORKLOAD,
        severity=Severity.CRITICAL,
        description="Everything is declared object by object, within its namespace, so that rules can look at it.",
        remedy="Declare the objects themselves: no chart, no manifest file, no patch, no rights of the whole cluster.",
        applies=_closed_to_rules,
        judge=regardless(never),
    ),
    Rule(
        name="rights-are-named",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="A role names the verbs, resources and groups that it gives.",
        remedy="Name them in place of *.",
        applies=_role,
        judge=regardless(rights_are_named),
    ),
    Rule(
        name="rights-are-own",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="Rights are given by a Role to a ServiceAccount of the same namespace.",
        remedy="Bind a Role of the namespace to a ServiceAccount of it.",
        applies=_binding,
        judge=regardless(rights_are_own),
    ),
)
