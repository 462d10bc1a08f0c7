"""Whether the dashboard that people watch a release on exists: in its ConfigMap, or in Grafana itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from checks.reader import Unreachable
from checks.waiting import Clock
from cluster.api import Cluster
from concerns.notify import GrafanaSettings
from evidence.checklist.service import ask
from notify.channels import Connect


@dataclass(frozen=True)
class Dashboard:
    """The dashboard that people watch a release on, and where it is kept.

    Grafana's sidecar finds it by `label`; `config_map` is empty where only Grafana itself knows it. `own` says whether
    a release brings it.
    """

    uid: str
    label: str
    namespace: str
    config_map: str = ""
    own: bool = True


def missing_in_config_map(wanted: Dashboard, cluster_in: Callable[[str], Cluster]) -> str:
    """Return why the ConfigMap does not give Grafana the dashboard; empty where it does.

    Raises ClusterError, Unreachable, or what an answer that is no Kubernetes API's makes of this.
    """
    where, name = wanted.namespace, wanted.config_map
    found = cluster_in(where).config_map(name)
    if found is None:
        return f"there is no ConfigMap {name} in {where}"
    if wanted.label not in (found["metadata"].get("labels") or {}):
        return f"ConfigMap {name} in {where} lacks the label {wanted.label}, by which Grafana finds it"
    if wanted.uid not in {_uid(text) for text in (found.get("data") or {}).values()}:
        return f"ConfigMap {name} in {where} holds no dashboard with the UID {wanted.uid}"
    return ""


def missing_in_grafana(wanted: Dashboard, grafana: GrafanaSettings, connect: Connect, clock: Clock) -> str:
    """Return why Grafana does not show the dashboard; empty where it does. Raises Unreachable."""
    address = str(grafana.url).rstrip("/")
    headers = {"Authorization": f"Bearer {grafana.token.get_secret_value()}", "Accept": "application/json"}
    request = httpx.Request("GET", f"{address}/api/dashboards/uid/{wanted.uid}", headers=headers)
    with connect(address) as client:
        answer = ask("Grafana", client, request, clock, accepted={httpx.codes.NOT_FOUND})
    if answer.status == httpx.codes.NOT_FOUND:
        return f"Grafana has no dashboard with the UID {wanted.uid}"
    dashboard = answer.body.get("dashboard")
    if not isinstance(dashboard, dict) or dashboard.get("uid") != wanted.uid:
        raise Unreachable("Grafana answers nonsense: no dashboard, or one of more than 256 KiB")
    return ""


def _uid(text: str) -> str | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    uid = found.get("uid") if isinstance(found, dict) else None
    return uid if isinstance(uid, str) else None
