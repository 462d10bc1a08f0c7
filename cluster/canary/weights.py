"""The weights of the HTTPRoute: the canary's share of the requests, whatever the number of its pods.

Nothing here waits, and everything looks first and changes only what differs. So each function can be called at every
look, and a run that was killed goes on with the next.
"""

from __future__ import annotations

from cluster.api import Cluster, JsonObject
from cluster.errors import ClusterError
from cluster.names import CANARY, SERVING, STABLE, Names

GATEWAY_API = "apis/gateway.networking.k8s.io/v1"
ROUTES = "httproutes"
WHOLE = 100


def canary_weight(cluster: Cluster, names: Names) -> float:
    """Return the canary's share of the requests now, in percent. Raises ClusterError or Unreachable."""
    return _share(_route(cluster, names), names)


def share_out(cluster: Cluster, names: Names, *, percent: int | None, pods: int) -> None:
    """Give the canary `percent` of the requests once `pods` of its pods are behind its Service; None keeps its share.

    Until then it keeps the share that it has, so that the pods of one step never take the requests of the next. Where
    only one of the two versions has a pod that serves, that one gets all requests. Raises ClusterError (also where no
    Gateway takes the route: the requests would not come this way) or Unreachable.
    """
    route = _route(cluster, names)
    _require_gateway(route, names)
    now, behind = _share(route, names), len(_serving(cluster, names, CANARY))
    wanted = now if percent is None or (behind < pods and percent > now) else percent
    if not behind:
        wanted = 0
    elif not _serving(cluster, names, STABLE):
        wanted = WHOLE
    _set(cluster, names, route, round(wanted))


def take_weight_off(cluster: Cluster, names: Names) -> bool:
    """Send all requests to stable, or to the canary where none but its pods serve; return whether that was a change.

    Does nothing without an HTTPRoute: there the Service shares the requests out. Raises ClusterError or Unreachable.
    """
    if not names.weighted:
        return False
    route = cluster.get(GATEWAY_API, ROUTES, names.deployment)
    if route is None:
        return False
    needed = _serving(cluster, names, CANARY) and not _serving(cluster, names, STABLE)
    return _set(cluster, names, route, WHOLE if needed else 0)


def _route(cluster: Cluster, names: Names) -> JsonObject:
    found = cluster.get(GATEWAY_API, ROUTES, names.deployment)
    if found is None:
        raise ClusterError(
            f"there is no HTTPRoute {names.deployment} in namespace {cluster.namespace}",
            mend="run the same command again, which makes it",
        )
    return found


def _require_gateway(route: JsonObject, names: Names) -> None:
    told = [
        condition
        for parent in route.get("status", {}).get("parents") or []
        for condition in parent.get("conditions") or []
        if condition["type"] == "Accepted"
    ]
    if any(condition["status"] == "True" for condition in told):
        return
    asked = ", ".join(f"{each.get('namespace', '')}/{each['name']}" for each in route["spec"].get("parentRefs") or [])
    why = next((str(condition.get("reason")) for condition in told), "it says nothing of it")
    raise ClusterError(
        f"Gateway {asked} does not take HTTPRoute {names.deployment} ({why})",
        mend="see that ingress.gateway names a Gateway that runs, takes routes of this namespace, and serves the host",
    )


def _share(route: JsonObject, names: Names) -> float:
    weights = {backend["name"]: int(backend.get("weight", 1)) for _, backend in _backends(route)}
    canary = weights.get(names.canary_service, 0)
    total = canary + weights.get(names.stable_service, 0)
    return WHOLE * canary / total if total else 0


def _set(cluster: Cluster, names: Names, route: JsonObject, canary: int) -> bool:
    wanted = {names.stable_service: WHOLE - canary, names.canary_service: canary}
    patch: list[JsonObject] = []
    for place, backend in _backends(route):
        name = backend["name"]
        if name in wanted and backend.get("weight", 1) != wanted[name]:
            # A Gateway writes the route's status whenever it likes: the name, not the version, says what is meant.
            patch.append({"op": "test", "path": f"{place}/name", "value": name})
            patch.append({"op": "add", "path": f"{place}/weight", "value": wanted[name]})
    return bool(patch) and cluster.change_exactly(GATEWAY_API, ROUTES, names.deployment, patch)


def _backends(route: JsonObject) -> list[tuple[str, JsonObject]]:
    return [
        (f"/spec/rules/{number}/backendRefs/{position}", backend)
        for number, rule in enumerate(route["spec"].get("rules") or [])
        for position, backend in enumerate(rule.get("backendRefs") or [])
    ]


def _serving(cluster: Cluster, names: Names, track: str) -> set[str]:
    """Return the pods that the Gateway can know of and that are still to serve: labels change before endpoints do."""
    service = names.canary_service if track == CANARY else names.stable_service
    labelled = {
        pod.metadata.name
        for pod in cluster.pods(names.selector(track))
        if pod.ready and SERVING.items() <= pod.metadata.labels.items()
    }
    return labelled & cluster.pods_behind(service)
