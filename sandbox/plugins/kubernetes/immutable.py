"""Fields that cannot be changed in place: a change to one replaces the object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sandbox.plugins.kubernetes.objects import Kind, Object, kind_of
from sandbox.plugins.kubernetes.settings import Settings

Path = tuple[str | int, ...]
Pattern = tuple[str, ...]
ANY_ELEMENT: Final = "*"

IDENTITY: Final[tuple[Pattern, ...]] = (("metadata", "name"), ("metadata", "namespace"))

_CONTAINER_FIELDS: Final = (
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
)
_POD_FIELDS: Final = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
)
_VOLUME_SOURCES: Final = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)


def _spec(*names: str) -> tuple[Pattern, ...]:
    return tuple(("spec", name) for name in names)


_CONTAINERS: Final = tuple(
    ("spec", group, ANY_ELEMENT, field) for group in ("containers", "initContainers") for field in _CONTAINER_FIELDS
)
_STATEFUL_SET: Final = _spec(
    "podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates"
)
_ROLE: Final[tuple[Pattern, ...]] = (("roleRef",),)
_RBAC: Final = "rbac.authorization.k8s.io"

IMMUTABLE: Final[dict[tuple[str, str], tuple[Pattern, ...]]] = {
    ("apps", "DaemonSet"): _spec("selector"),
    ("apps", "Deployment"): _spec("selector"),
    ("apps", "StatefulSet"): _STATEFUL_SET,
    ("batch", "Job"): _spec("completions", "parallelism", "selector", "template"),
    (_RBAC, "ClusterRoleBinding"): _ROLE,
    (_RBAC, "RoleBinding"): _ROLE,
    ("storage.k8s.io", "StorageClass"): (("parameters",), ("provisioner",)),
    ("", "PersistentVolume"): _spec(*_VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): _spec("accessModes", "selector", "storageClassName", "volumeName"),
    ("", "Pod"): _spec(*_POD_FIELDS) + _CONTAINERS,
    ("", "ResourceQuota"): _spec("scopes"),
    ("", "Secret"): (("type",),),
    ("", "Service"): _spec("clusterIP"),
}


def immutable_fields(item: Object, settings: Settings) -> tuple[Pattern, ...]:
    """Return the patterns of fields whose change replaces an object; identity comes first."""
    kind = kind_of(item)
    fields = IDENTITY + IMMUTABLE.get((kind.group, kind.name), ())
    if kind == Kind("v1", "Secret") and (not settings.secret_mutable or item.get("immutable") is True):
        fields += (("type",), ("stringData",), ("data",))
    if kind == Kind("v1", "ConfigMap") and (not settings.config_map_mutable or item.get("immutable") is True):
        fields += (("binaryData",), ("data",))
    return fields


def touches(path: Path, value: Any, patterns: Sequence[Pattern]) -> bool:  # noqa: ANN401 - JSON values
    """Tell whether a change at a path to a value changes one of the patterns' fields."""
    return any(_touches(path, value, pattern) for pattern in patterns)


def _touches(path: Path, value: Any, pattern: Pattern) -> bool:  # noqa: ANN401 - JSON values
    for step, wanted in zip(path, pattern, strict=False):
        if wanted not in {ANY_ELEMENT, step}:
            return False
    return len(path) >= len(pattern) or _holds(value, pattern[len(path) :])


def _holds(value: Any, pattern: Pattern) -> bool:  # noqa: ANN401 - JSON values
    if not pattern:
        return True
    if pattern[0] == ANY_ELEMENT:
        return isinstance(value, list) and any(_holds(child, pattern[1:]) for child in value)
    return isinstance(value, dict) and pattern[0] in value and _holds(value[pattern[0]], pattern[1:])
