"""What every pod of a release has in common: image, environment, and the restricted Pod Security Standard."""

from __future__ import annotations

import pulumi_kubernetes as k8s

from cluster.ownership import ENGINE_MANAGER
from concerns.application import RELEASE_VERSION, ApplicationSettings

USER_ID = 10001
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
# Always the same writer: what a person or a rollback has written under another name is taken over, and taken off again
# where the release does not declare it.
ANNOTATIONS = {**SKIP_AWAIT, "pulumi.com/patchFieldManager": ENGINE_MANAGER}


def environment(settings: ApplicationSettings, version: str) -> list[k8s.core.v1.EnvVarArgs]:
    """Return the plain environment. It is part of the pod template, so a rollback takes it back with the image."""
    values = {**settings.environment, "PORT": str(settings.port), RELEASE_VERSION: version}
    return [k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in sorted(values.items())]


def credentials(settings: ApplicationSettings) -> list[k8s.core.v1.EnvFromSourceArgs]:
    """Return the secret environment: addresses and passwords of the backing services, by reference only."""
    reference = k8s.core.v1.SecretEnvSourceArgs(name=settings.credentials)
    return [k8s.core.v1.EnvFromSourceArgs(secret_ref=reference)]


def pod_security() -> k8s.core.v1.PodSecurityContextArgs:
    """Return the security context of the pod under the restricted standard."""
    return k8s.core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=USER_ID,
        run_as_group=USER_ID,
        fs_group=USER_ID,
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> k8s.core.v1.SecurityContextArgs:
    """Return the security context of a container under the restricted standard, with a read-only root."""
    return k8s.core.v1.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
    )


def resources(settings: ApplicationSettings) -> k8s.core.v1.ResourceRequirementsArgs:
    """Return requests and limits. There is no CPU limit: throttling would be measured as latency of the release."""
    wanted = settings.resources
    return k8s.core.v1.ResourceRequirementsArgs(
        requests={"cpu": wanted.cpu_request, "memory": wanted.memory_request},
        limits={"memory": wanted.memory_limit},
    )


def scratch() -> tuple[list[k8s.core.v1.VolumeArgs], list[k8s.core.v1.VolumeMountArgs]]:
    """Return an empty /tmp, the one place where a container may write."""
    volume = k8s.core.v1.VolumeArgs(name="tmp", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs())
    return [volume], [k8s.core.v1.VolumeMountArgs(name="tmp", mount_path="/tmp")]  # noqa: S108
