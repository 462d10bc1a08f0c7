"""Rules about pods: each would also be true of a workload of anybody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from policies.rules.rule import (
    UNKNOWN,
    Found,
    Rule,
    at,
    container_entries,
    containers,
    listed,
    may_be_set,
    name_of,
    pod_spec,
    serving,
    workload,
)

DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")

SECRET_WORDS = ("PASSWORD", "TOKEN", "SECRET", "PRIVATE_KEY", "API_KEY")
SECRET_URLS = ("DATABASE_URL", "REDIS_URL", "RABBITMQ_URL")


def containers_known(properties: Mapping[str, Any]) -> Found:
    """Refuse a workload whose containers cannot be looked at: what cannot be judged does not pass."""
    known, declared = containers(properties), container_entries(properties)
    return [] if known and len(known) == len(declared) else ["its containers are missing or not known"]


def image_by_digest(properties: Mapping[str, Any]) -> Found:
    """Refuse an image by tag. An image that is built by this very update is judged again before it is used."""
    images = [(name_of(each), at(each, "image")) for each in containers(properties)]
    return [
        f"{name} has image {image!r}, which is no digest"
        for name, image in images
        if image is not UNKNOWN and not DIGEST.search(str(image))
    ]


def resources_set(properties: Mapping[str, Any]) -> Found:
    """Refuse a container without a CPU request, a memory request and a memory limit."""
    wanted = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
    return [
        f"{name_of(each)} has no {resource} in resources.{section}"
        for each in containers(properties)
        for section, resource in wanted
        if not at(each, "resources", section, resource)
    ]


def probes_set(properties: Mapping[str, Any]) -> Found:
    """Refuse a serving container without readiness and liveness probes."""
    return [
        f"{name_of(each)} has no {probe}"
        for each in containers(properties)
        for probe in ("readinessProbe", "livenessProbe")
        if not at(each, probe)
    ]


def restricted(properties: Mapping[str, Any]) -> Found:
    """Refuse what the restricted Pod Security Standard refuses."""
    spec = pod_spec(properties)
    found: Found = []
    for each in containers(properties):
        name = name_of(each)
        inner = at(each, "securityContext")
        if (at(inner, "runAsNonRoot") if at(inner, "runAsNonRoot") is not None else _outer(spec)) is not True:
            found.append(f"{name} may run as root: runAsNonRoot is not true")
        if at(inner, "allowPrivilegeEscalation") is not False:
            found.append(f"{name} may gain privileges: allowPrivilegeEscalation is not false")
        if may_be_set(at(inner, "privileged")):
            found.append(f"{name} is privileged")
        if 0 in (at(inner, "runAsUser"), at(spec, "securityContext", "runAsUser")):
            found.append(f"{name} runs as user 0")
        if "ALL" not in (at(inner, "capabilities", "drop") or []):
            found.append(f"{name} keeps capabilities: capabilities.drop has no ALL")
        if any(added != "NET_BIND_SERVICE" for added in listed(inner, "capabilities", "add")):
            found.append(f"{name} adds capabilities: only NET_BIND_SERVICE may be added")
        profile = at(inner, "seccompProfile", "type") or at(spec, "securityContext", "seccompProfile", "type")
        if profile not in {"RuntimeDefault", "Localhost"}:
            found.append(f"{name} has no seccompProfile")
    return found


def _outer(spec: Any) -> Any:  # noqa: ANN401
    return at(spec, "securityContext", "runAsNonRoot")


def no_host_access(properties: Mapping[str, Any]) -> Found:
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


def no_plain_secret(properties: Mapping[str, Any]) -> Found:
    """Refuse a plain environment variable whose name says that it is a secret. Never prints its value."""
    found: Found = []
    for each in containers(properties):
        for variable in listed(each, "env"):
            name = str(at(variable, "name")).upper()
            secret = name in SECRET_URLS or any(word in name for word in SECRET_WORDS)
            if secret and may_be_set(at(variable, "value")):
                found.append(f"{name_of(each)} has {name} in plain environment")
    return found


RULES = (
    Rule(
        "containers-known",
        "The containers of a workload can be looked at.",
        "Declare spec.template.spec.containers with values that the preview knows.",
        workload,
        containers_known,
    ),
    Rule(
        "image-by-digest",
        "Images are named by digest: the same name is the same image for ever.",
        "Use the image component's reference.",
        workload,
        image_by_digest,
    ),
    Rule(
        "resources-set",
        "Each container says what it needs and how much memory it may use.",
        "Set application.resources in the stack's settings.",
        workload,
        resources_set,
    ),
    Rule(
        "probes-set",
        "Each serving container has readiness and liveness probes.",
        "Give the container both probes.",
        serving,
        probes_set,
    ),
    Rule(
        "restricted",
        "Pods meet the restricted Pod Security Standard.",
        "Use pod_security() and container_security() of components/pod.py.",
        workload,
        restricted,
    ),
    Rule(
        "no-host-access",
        "Pods use nothing of their host.",
        "Remove hostNetwork, hostPID, hostIPC, hostPath volumes and hostPort.",
        workload,
        no_host_access,
    ),
    Rule(
        "no-plain-secret",
        "No secret stands in plain environment.",
        "Put it into a Secret and name that in application.credentials.",
        workload,
        no_plain_secret,
    ),
)
