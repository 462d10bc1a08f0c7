"""Why a Deployment that was made by hand cannot be taken over without losing requests, each with its mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.adoption.standing_by_hand import APPS, CORE, TRACK_LABEL, Found, ended, fixed_labels, name_of, selector_of
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.names import Names
from cluster.selectors import keys_of, labels_of, selects, selects_all, told
from cluster.service_port import main_port, reached_port

NETWORKING = "apis/networking.k8s.io/v1"
_INGRESS_CLASS = "kubernetes.io/ingress.class"


@dataclass(frozen=True)
class Refusal:
    """What is wrong, and what mends it."""

    what: str
    mend: str


@dataclass(frozen=True)
class Traffic:
    """How requests are to reach the pods: the port that these listen at, and the Ingress in front of the Service."""

    port: int
    host: str
    ingress_class: str
    tls_secret: str | None


def refuse_what_moves(found: Found) -> None:
    """Raise ClusterError where pods of the Deployment come and go at this moment."""
    spec, status = found.deployment["spec"], found.deployment.get("status", {})
    where, name = found.deployment["metadata"]["namespace"], found.names.deployment
    wanted, total, new = spec.get("replicas", 1), status.get("replicas", 0), status.get("updatedReplicas", 0)
    seen = status.get("observedGeneration", 0) >= found.deployment["metadata"]["generation"]
    if "deletionTimestamp" in found.deployment["metadata"]:
        raise ClusterError(
            f"Deployment {name} in {where} is being deleted", mend="wait, and run the same command again"
        )
    if not seen or {total, new} != {wanted}:
        raise ClusterError(
            f"Deployment {name} in {where} cannot be taken over while a rollout of it is under way"
            f" ({new} of {wanted} pods run its template, {total} in all)",
            mend=f"wait until kubectl -n {where} rollout status deployment/{name} is done, or undo it, and run again",
        )


def refuse_what_cannot_be_kept(cluster: Cluster, found: Found, traffic: Traffic) -> None:
    """Raise ClusterError with the first thing that would lose requests, and what mends it; changes nothing."""
    for refusal in _refusals(cluster, found, traffic):
        raise ClusterError(
            f"Deployment {found.names.deployment} in {cluster.namespace} was made by hand and cannot be taken over:"
            f" {refusal.what}. Nothing was changed",
            mend=refusal.mend,
        )


def _refusals(cluster: Cluster, found: Found, traffic: Traffic) -> Iterator[Refusal]:
    yield from _of_the_deployment(cluster, found)
    service = cluster.get(CORE, "services", found.names.deployment)
    if service is not None:
        yield from _of_the_service(cluster, service, found, traffic)
    ingress = cluster.get(NETWORKING, "ingresses", found.names.deployment)
    if ingress is not None:
        yield from _of_the_ingress(ingress, found.names, traffic)


def _of_the_deployment(cluster: Cluster, found: Found) -> Iterator[Refusal]:
    names, metadata = found.names, found.deployment["metadata"]
    for reference in metadata.get("ownerReferences") or []:
        yield Refusal(
            f"{reference['kind']} {reference['name']} owns it and would make it again",
            f"delete that {reference['kind']} so that it leaves its Deployment (--cascade=orphan)",
        )
    labels = labels_of(found.template)
    if labels.get("app") != names.app:
        yield Refusal(
            f"its pods carry app={labels.get('app', '')}, not app={names.app}",
            "set application.app in the stack's settings to what they carry",
        )
    taken = {*fixed_labels(names)} - {"app"}
    for key, value in fixed_labels(names).items():
        if key in labels and labels[key] != value:
            yield Refusal(f"its pods carry {key}={labels[key]}, and a release needs {key}={value}", _other_label(key))
    for key in taken & keys_of(found.deployment["spec"]["selector"]):
        if key not in labels or labels[key] != fixed_labels(names)[key]:
            yield Refusal(f"it selects its pods by the label {key}, which a release sets", _other_label(key))
    for other in cluster.objects(APPS, "deployments"):
        same = name_of(other) == names.deployment
        if not same and any(selects(other["spec"]["selector"], labels_of(each)) for each in found.replica_sets):
            yield Refusal(
                f"Deployment {name_of(other)} selects its pods too and would take them",
                f"give the pods of Deployment {name_of(other)} another label and select by that",
            )
        if name_of(other) == names.canary and _matched(other) != {**selector_of(names), TRACK_LABEL: "canary"}:
            yield Refusal(
                f"there is another Deployment under the name of the canary, {names.canary}",
                f"kubectl -n {cluster.namespace} delete deployment {names.canary}, or give it another name",
            )


def _of_the_service(cluster: Cluster, service: Mapping[str, Any], found: Found, traffic: Traffic) -> Iterator[Refusal]:
    name, selector = name_of(service), service["spec"].get("selector")
    if not selector:
        yield Refusal(
            f"Service {name} names no pods by a selector",
            f"kubectl -n {cluster.namespace} delete service {name}, or give it the selector app={found.names.app}",
        )
        return
    ours = {each["metadata"]["uid"] for each in found.pods}
    for pod in cluster.objects(CORE, "pods"):
        mine, served = pod["metadata"]["uid"] in ours, selects_all(selector, labels_of(pod))
        if served and not mine and not ended(pod):
            yield Refusal(
                f"Service {name} (selector {told(selector)}) also leads to pod {name_of(pod)}, which is not of"
                " the Deployment and would get no more requests",
                "let the Service select the pods of the Deployment alone",
            )
        if mine and not served:
            yield Refusal(
                f"Service {name} (selector {told(selector)}) does not lead to pod {name_of(pod)} of the Deployment,"
                " so something else serves",
                "let the Service select the pods of the Deployment",
            )
    yield from _of_the_port(service, found, traffic)


def _of_the_port(service: Mapping[str, Any], found: Found, traffic: Traffic) -> Iterator[Refusal]:
    entry = main_port(service)
    if entry is None:
        yield Refusal(f"Service {name_of(service)} has no TCP port", "give it the port 80")
        return
    for pod in found.pods:
        reached = reached_port(entry, pod)
        if reached != traffic.port:
            yield Refusal(
                f"port {entry['port']} of Service {name_of(service)} leads to port {reached or 'none'} of the pods,"
                f" and application.port is {traffic.port}",
                f"set application.port to {reached}" if reached else "let the Service name the port by its number",
            )


def _of_the_ingress(ingress: Mapping[str, Any], names: Names, traffic: Traffic) -> Iterator[Refusal]:
    name, spec = name_of(ingress), ingress["spec"]
    annotations = ingress["metadata"].get("annotations") or {}
    known = spec.get("ingressClassName") or annotations.get(_INGRESS_CLASS)
    elsewhere = "move it to an Ingress of another name"
    if known and known != traffic.ingress_class:
        yield Refusal(
            f"Ingress {name} is of class {known}, and ingress.class_name is {traffic.ingress_class}",
            f"set ingress.class_name to {known}",
        )
    for rule in spec.get("rules") or []:
        if rule.get("host") != traffic.host:
            yield Refusal(f"Ingress {name} serves host {rule.get('host', '*')} beside {traffic.host}", elsewhere)
        for path in (rule.get("http") or {}).get("paths", []):
            backend = path["backend"].get("service", {}).get("name")
            if backend != names.deployment:
                yield Refusal(f"Ingress {name} leads {path.get('path', '/')} to {backend}", elsewhere)
    for entry in spec.get("tls") or []:
        if entry.get("secretName") != traffic.tls_secret:
            secret = entry.get("secretName", "")
            yield Refusal(
                f"Ingress {name} has its certificate in Secret {secret}, and ingress.tls_secret is"
                f" {traffic.tls_secret or 'not set'}",
                f"set ingress.tls_secret to {secret}",
            )


def _matched(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = deployment["spec"]["selector"].get("matchLabels") or {}
    return found


def _other_label(key: str) -> str:
    return f"use another label than {key} for it"
