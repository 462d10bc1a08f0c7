"""Rules about pods: each would also be true of a workload of anybody else's."""

from __future__ import annotations

import re
from typing import Any

from policies.rules.images import BUILD, image_by_digest, no_latest
from policies.rules.pods import container_entries, containers, name_of, pod_spec, pod_template, serving, workload
from policies.rules.rule import (
    Found,
    Given,
    Properties,
    Rule,
    Severity,
    Threshold,
    Topic,
    at,
    is_unknown,
    listed,
    may_be_set,
    regardless,
    text_at,
)

APP, VERSION = "app", "app.kubernetes.io/version"
APP_OF_THE_GUIDE = "release-manager"
SECRET_WORDS = ("PASSWORD", "PASSWD", "TOKEN", "SECRET", "PRIVATE_KEY", "API_KEY", "CREDENTIAL")
SECRET_URLS = ("DATABASE_URL", "REDIS_URL", "RABBITMQ_URL")
LOGIN_IN_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s@]*:[^/\s@]+@", re.IGNORECASE)

SECRET_NAMES = Threshold(
    name="secretNames",
    default=[],
    schema={"type": "array", "items": {"type": "string", "minLength": 2}},
    allows=lambda value: isinstance(value, list) and all(isinstance(one, str) and len(one) > 1 for one in value),
    allowed="a list of words, two letters or longer, that make the name of a variable that of a secret, beside those"
    " that always do",
)


def containers_known(properties: Properties) -> Found:
    """Refuse a workload whose containers cannot be looked at: what cannot be judged does not pass."""
    known, declared = containers(properties), container_entries(properties)
    return [] if known and len(known) == len(declared) else ["its containers are missing or not known"]


def resources_set(properties: Properties) -> Found:
    """Refuse a container without a CPU request, a memory request and a memory limit."""
    wanted = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
    return [
        f"{name_of(each)} has no {resource} in resources.{section}"
        for each in containers(properties)
        for section, resource in wanted
        if not at(each, "resources", section, resource)
    ]


def probes_set(properties: Properties) -> Found:
    """Refuse a serving container without readiness and liveness probes. An init container may not have any."""
    return [
        f"{name_of(each)} has no {probe}"
        for each in listed(pod_spec(properties), "containers")
        for probe in ("readinessProbe", "livenessProbe")
        if not at(each, probe)
    ]


def restricted(properties: Properties) -> Found:
    """Refuse what the restricted Pod Security Standard refuses."""
    outer = at(pod_spec(properties), "securityContext")
    return [
        f"{name_of(each)} {wrong}"
        for each in containers(properties)
        for wrong in _unrestricted(at(each, "securityContext"), outer)
    ]


def _unrestricted(inner: Any, outer: Any) -> Found:  # noqa: ANN401
    no_root, profile = (
        at(outer, *path) if at(inner, *path) is None else at(inner, *path)
        for path in (("runAsNonRoot",), ("seccompProfile", "type"))
    )
    kept = "ALL" not in (at(inner, "capabilities", "drop") or [])
    added = [one for one in listed(inner, "capabilities", "add") if one != "NET_BIND_SERVICE"]
    wrong = (
        (no_root is not True, "may run as root: runAsNonRoot is not true"),
        (
            at(inner, "allowPrivilegeEscalation") is not False,
            "may gain privileges: allowPrivilegeEscalation is not false",
        ),
        (may_be_set(at(inner, "privileged")), "is privileged"),
        (
            any(_is_root(at(context, "runAsUser")) for context in (inner, outer)),
            "runs as user 0, or nobody knows as whom",
        ),
        (kept, "keeps capabilities: capabilities.drop has no ALL"),
        (bool(added), "adds capabilities: only NET_BIND_SERVICE may be added"),
        (profile not in {"RuntimeDefault", "Localhost"}, "has no seccompProfile"),
        (at(inner, "procMount") not in {None, "Default"}, "has another procMount than Default"),
    )
    return [text for applies, text in wrong if applies]


def _is_root(user: Any) -> bool:  # noqa: ANN401
    return is_unknown(user) or user == 0


def no_host_access(properties: Properties) -> Found:
    """Refuse the host's namespaces, directories and ports."""
    spec = pod_spec(properties)
    found = [f"{key} is {at(spec, key)}" for key in ("hostNetwork", "hostPID", "hostIPC") if may_be_set(at(spec, key))]
    mounted = [volume for volume in listed(spec, "volumes") if may_be_set(at(volume, "hostPath"))]
    ports = [
        f"{name_of(each)} takes port {at(port, 'hostPort')} of the host"
        for each in containers(properties)
        for port in listed(each, "ports")
        if may_be_set(at(port, "hostPort"))
    ]
    return [*found, *(f"volume {at(volume, 'name')} is a directory of the host" for volume in mounted), *ports]


def no_plain_secret(properties: Properties, given: Given) -> Found:
    """Refuse a secret in plain environment, told by its name or a login in an address. Never prints its value."""
    words = (*SECRET_WORDS, *(word.upper() for word in given.value(SECRET_NAMES)))
    found: Found = []
    for each in containers(properties):
        for variable in listed(each, "env"):
            name, value = str(at(variable, "name")), at(variable, "value")
            if is_unknown(at(variable, "name")):
                found.append(f"{name_of(each)} has a variable that is not known yet")
            secret = name.upper() in SECRET_URLS or any(word in name.upper() for word in words)
            if (secret and may_be_set(value)) or LOGIN_IN_URL.match(str(value)):
                found.append(f"{name_of(each)} has {name} in plain environment")
    return found


def pods_labelled(properties: Properties) -> Found:
    """Refuse pods that serve and that the guide's commands do not find by `app`, or that do not say their version.

    And those of a Job that have `app`: whoever counts the pods that serve would count them too.
    """
    labels = at(pod_template(properties), "metadata", "labels")
    named = at(labels, APP)
    if _is_job(properties):
        return [f"its pods have label {APP}={named}, so they count among those that serve"] if may_be_set(named) else []
    found = [] if text_at(labels, VERSION) else [f"its pods have no label {VERSION}"]
    if named != APP_OF_THE_GUIDE:
        found.append(f"its pods have label {APP}={named}, and not {APP}={APP_OF_THE_GUIDE}")
    return found


def _is_job(properties: Properties) -> bool:
    return text_at(properties, "kind") in {"Job", "CronJob"}


def no_unused_rights(properties: Properties) -> Found:
    """Refuse a pod that is given rights it does not use: the application never asks the cluster anything.

    A Job that does ask has a service account of its own; what rights that has its Role names.
    """
    spec = pod_spec(properties)
    mounted, account = at(spec, "automountServiceAccountToken"), text_at(spec, "serviceAccountName")
    found: Found = []
    if _is_job(properties) and mounted is True and account not in {"", "default"}:
        return found
    if mounted is not False:
        found.append(f"automountServiceAccountToken is {mounted}, and not False")
    for volume in listed(spec, "volumes"):
        tokens = [at(source, "serviceAccountToken") for source in listed(volume, "projected", "sources")]
        if any(may_be_set(token) for token in tokens):
            found.append(f"volume {at(volume, 'name')} holds the token of its service account")
    return found


def _workload_or_build(kind: str) -> bool:
    return workload(kind) or kind == BUILD


RULES = (
    Rule(
        name="containers-known",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="The containers of a workload can be looked at.",
        remedy="Declare spec.template.spec.containers with values that the preview knows.",
        applies=workload,
        judge=regardless(containers_known),
    ),
    Rule(
        name="image-by-digest",
        topic=Topic.WORKLOAD,
        severity=Severity.CRITICAL,
        description="Images are named by digest: the same name is the same image for ever.",
        remedy="Use the image component's reference.",
        applies=workload,
        judge=regardless(image_by_digest),
    ),
    Rule(
        name="no-latest",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="No image is called `latest`, or has no tag at all, which means the same.",
        remedy="Name the image by environment and commit, as the image component does.",
        applies=_workload_or_build,
        judge=regardless(no_latest),
    ),
    Rule(
        name="resources-set",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="Each container says what it needs and how much memory it may use.",
        remedy="Set application.resources in the stack's settings.",
        applies=workload,
        judge=regardless(resources_set),
    ),
    Rule(
        name="probes-set",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="Each serving container has readiness and liveness probes.",
        remedy="Give the container both probes.",
        applies=serving,
        judge=regardless(probes_set),
    ),
    Rule(
        name="restricted",
        topic=Topic.WORKLOAD,
        severity=Severity.CRITICAL,
        description="Pods meet the restricted Pod Security Standard.",
        remedy="Use pod_security() and container_security() of components/pod.py.",
        applies=workload,
        judge=regardless(restricted),
    ),
    Rule(
        name="no-host-access",
        topic=Topic.WORKLOAD,
        severity=Severity.CRITICAL,
        description="Pods use nothing of their host.",
        remedy="Remove hostNetwork, hostPID, hostIPC, hostPath volumes and hostPort.",
        applies=workload,
        judge=regardless(no_host_access),
    ),
    Rule(
        name="no-plain-secret",
        topic=Topic.WORKLOAD,
        severity=Severity.CRITICAL,
        description="No secret stands in plain environment.",
        remedy="Put it into a Secret and name that in application.credentials.",
        applies=workload,
        judge=no_plain_secret,
        thresholds=(SECRET_NAMES,),
    ),
    Rule(
        name="pods-labelled",
        topic=Topic.WORKLOAD,
        severity=Severity.MEDIUM,
        description="Pods that serve carry app=release-manager and their version; those of a Job are not called app.",
        remedy="Set application.app to release-manager, and label the pods as components/workload.py does.",
        applies=workload,
        judge=regardless(pods_labelled),
    ),
    Rule(
        name="no-unused-rights",
        topic=Topic.WORKLOAD,
        severity=Severity.HIGH,
        description="No pod gets the rights of a service account that it does not use.",
        remedy="Set automountServiceAccountToken to false; give a Job that asks the cluster an account of its own.",
        applies=workload,
        judge=regardless(no_unused_rights),
    ),
)
