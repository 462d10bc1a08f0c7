"""When volumes, claims and other small things are ready."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot
from sandbox.plugins.kubernetes.objects import Kind, dig, name_of, number, text


def assess_volume(snapshot: Snapshot) -> Assessment:
    """Call a PersistentVolume ready when it can be claimed or is claimed."""
    phase = text(snapshot.item, "status", "phase")
    return Assessment(ready=phase in {"Available", "Bound"}, status=f"PersistentVolume is {phase or 'Pending'}")


def assess_claim(snapshot: Snapshot) -> Assessment:
    """Call a claim ready when it is bound, or waits for its first pod because its class says so."""
    phase = text(snapshot.item, "status", "phase")
    wanted_class = text(snapshot.item, "spec", "storageClassName")
    waits = any(
        text(item, "volumeBindingMode") == "WaitForFirstConsumer"
        for item in snapshot.related.get("StorageClass", ())
        if name_of(item) == wanted_class
    )
    return Assessment(
        ready=phase == "Bound" or (waits and phase == "Pending"),
        status=f"Waiting for PersistentVolumeClaim to be bound (phase {phase or 'unknown'})",
        reasons=(f"PersistentVolumeClaim is not bound: its phase is {phase or 'unknown'}",),
    )


def assess_secret(snapshot: Snapshot) -> Assessment:
    """Ask for the data of a service account's token, which a controller fills in; other Secrets are ready at once."""
    is_token = text(snapshot.item, "type") == "kubernetes.io/service-account-token"
    ready = not is_token or bool(dig(snapshot.item, "data"))
    return Assessment(ready=ready, status="" if ready else "Waiting for the token")


def assess_quota(snapshot: Snapshot) -> Assessment:
    """Call a ResourceQuota ready when its controller has taken over its limits."""
    same = dig(snapshot.item, "spec", "hard") == dig(snapshot.item, "status", "hard")
    return Assessment(ready=same, status="Waiting for the quota controller")


def assess_replication_controller(snapshot: Snapshot) -> Assessment:
    """Call a ReplicationController ready when all its replicas are available."""
    wanted = number(snapshot.item, "spec", "replicas")
    found = number(snapshot.item, "status", "availableReplicas")
    return Assessment(ready=wanted == found, status=f"{found} of {wanted} replicas are available")


VOLUME = Awaiter(assess_volume, timeout_seconds=300.0)
CLAIM = Awaiter(assess_claim, timeout_seconds=300.0, related=(Kind("storage.k8s.io/v1", "StorageClass"),))
SECRET = Awaiter(assess_secret, timeout_seconds=5.0)
QUOTA = Awaiter(assess_quota, timeout_seconds=60.0)
REPLICATION_CONTROLLER = Awaiter(assess_replication_controller)
