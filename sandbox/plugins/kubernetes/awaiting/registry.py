"""Which awaiter belongs to which kind."""

from __future__ import annotations

from typing import Final

from sandbox.plugins.kubernetes import steering
from sandbox.plugins.kubernetes.awaiting import (
    daemon_set,
    deployment,
    generic,
    ingress,
    job,
    pod,
    service,
    stateful_set,
    storage,
    wait_for,
)
from sandbox.plugins.kubernetes.awaiting.core import Awaiter
from sandbox.plugins.kubernetes.objects import Kind, Object, annotation, kind_of

AWAITERS: Final[dict[Kind, Awaiter]] = {
    Kind("apps/v1", "DaemonSet"): daemon_set.AWAITER,
    Kind("apps/v1", "Deployment"): deployment.AWAITER,
    Kind("apps/v1", "StatefulSet"): stateful_set.AWAITER,
    Kind("batch/v1", "Job"): job.AWAITER,
    Kind("networking.k8s.io/v1", "Ingress"): ingress.AWAITER,
    Kind("v1", "PersistentVolume"): storage.VOLUME,
    Kind("v1", "PersistentVolumeClaim"): storage.CLAIM,
    Kind("v1", "Pod"): pod.AWAITER,
    Kind("v1", "ReplicationController"): storage.REPLICATION_CONTROLLER,
    Kind("v1", "ResourceQuota"): storage.QUOTA,
    Kind("v1", "Secret"): storage.SECRET,
    Kind("v1", "Service"): service.AWAITER,
}
# Seconds to wait for a delete, where it is not the usual time.
DELETE_SECONDS: Final = {"DaemonSet": 600.0, "Deployment": 600.0, "ReplicationController": 600.0, "StatefulSet": 600.0}
USUAL_DELETE_SECONDS: Final = 300.0
# For these the official provider lets `pulumi.com/skipAwait` skip the wait for a delete as well.
SKIP_DELETE: Final = frozenset(
    {"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"}
)


def awaiter_after_change(item: Object, *, await_all: bool) -> Awaiter | None:
    """Return how to wait for an object that was created or updated; None for not at all.

    `await_all` asks for the conventions of most controllers where a kind has no awaiter of its own.
    """
    if steering.is_true(item, steering.SKIP_AWAIT):
        return None
    wanted = annotation(item, steering.WAIT_FOR)
    if wanted:
        return wait_for.awaiter_for(wanted)
    return AWAITERS.get(kind_of(item)) or (generic.AWAITER if await_all else None)


def awaiter_on_read(item: Object) -> Awaiter | None:
    """Return what a refresh asks about an object; None for nothing."""
    if steering.is_true(item, steering.SKIP_AWAIT):
        return None
    awaiter = AWAITERS.get(kind_of(item))
    return awaiter if awaiter is not None and awaiter.on_read else None


def delete_seconds(item: Object) -> float | None:
    """Return how long to wait for an object to be gone; None for not at all."""
    name = kind_of(item).name
    if steering.is_true(item, steering.SKIP_AWAIT) and name in SKIP_DELETE:
        return None
    return DELETE_SECONDS.get(name, USUAL_DELETE_SECONDS)
