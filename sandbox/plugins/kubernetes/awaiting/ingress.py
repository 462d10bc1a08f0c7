"""When an Ingress is ready: its Services have endpoints, and its controller has given it an address."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot
from sandbox.plugins.kubernetes.objects import Kind, items_of, name_of, text

SETTLING_SECONDS = 10.0


def assess(snapshot: Snapshot) -> Assessment:
    """Ask for an address and, for each path, for a Service with an Endpoints object (ready or not)."""
    has_address = bool(items_of(snapshot.item, "status", "loadBalancer", "ingress"))
    missing = _paths_without_service(snapshot)
    if has_address and snapshot.settled:
        warnings = tuple(f"No matching service found for ingress rule: {path}" for path in missing)
        return Assessment(ready=True, status="Ingress initialization complete", warnings=warnings)
    if not snapshot.settled:
        return Assessment(
            ready=False,
            status="[1/3] Finding a matching service for each Ingress path",
            reasons=_reasons(has_address=has_address, missing=missing),
        )
    return Assessment(
        ready=False,
        status="[2/3] Waiting for update of .status.loadBalancer with hostname/IP",
        reasons=_reasons(has_address=has_address, missing=missing),
    )


def _reasons(*, has_address: bool, missing: list[str]) -> tuple[str, ...]:
    reasons = []
    if missing:
        reasons.append("Ingress has at least one rule with an unavailable target endpoint.")
    if not has_address:
        reasons.append("Ingress .status.loadBalancer field was not updated with a hostname/IP address. ")
    return tuple(reasons)


def _paths_without_service(snapshot: Snapshot) -> list[str]:
    known = {name_of(item) for item in snapshot.related.get("Endpoints", ())}
    known |= {
        name_of(item) for item in snapshot.related.get("Service", ()) if text(item, "spec", "type") == "ExternalName"
    }
    missing = []
    for rule in items_of(snapshot.item, "spec", "rules"):
        for path in items_of(rule, "http", "paths"):
            service = text(path, "backend", "service", "name")
            if service and service not in known:
                place = f'"{text(rule, "host")}{text(path, "path")}"'
                missing.append(f'{place} -> "{service}"')
    return missing


def settling_key(snapshot: Snapshot) -> tuple[str, ...]:
    """Return what must stay the same for a while: which Services have endpoints."""
    return tuple(sorted(name_of(item) for item in snapshot.related.get("Endpoints", ())))


AWAITER = Awaiter(
    assess,
    related=(Kind("v1", "Endpoints"), Kind("v1", "Service")),
    on_read=True,
    settling=settling_key,
    settling_seconds=SETTLING_SECONDS,
)
