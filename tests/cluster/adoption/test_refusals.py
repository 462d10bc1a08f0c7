"""What would lose requests is refused in one line with its mend, before anything is changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cluster.adoption.plan import needs_adoption
from cluster.adoption.refusals import Traffic
from cluster.errors import ClusterError
from tests.cluster.adoption.test_adoption import TRAFFIC, adopt
from tests.cluster.by_hand_server import APP, NAMES, OURS, ByHandServer, ingress, service, template

Json = dict[str, Any]


def refused(server: ByHandServer, why: str, traffic: Traffic = TRAFFIC) -> None:
    before = copy.deepcopy(server.objects)
    with pytest.raises(ClusterError, match=why) as raised:
        adopt(server, traffic)
    assert "To mend it: " in str(raised.value)
    assert "\n" not in str(raised.value)
    for kind, objects in before.items():
        if kind != "deployments":
            assert server.objects[kind] == objects
    assert server.kind("configmaps") == {}
    assert server.deployment["spec"] == before["deployments"][NAMES.deployment]["spec"]


@pytest.fixture
def server() -> ByHandServer:
    found = ByHandServer()
    found.follow_the_guide("v1", "v2")
    return found


def test_pods_of_another_label_are_refused() -> None:
    server = ByHandServer()
    server.follow_the_guide("v1", selector={"app": "rm"}, labels={"app": "rm"})
    refused(server, r"pods carry app=rm, not app=release-manager.*set application.app")


@pytest.mark.parametrize("label", [{"track": "prod"}, {"serving": "always"}])
def test_a_label_that_means_something_else_already_is_refused(label: Json) -> None:
    server = ByHandServer()
    server.follow_the_guide("v1", labels={**APP, **label})
    [(key, value)] = label.items()
    refused(server, f"pods carry {key}={value}, and a release needs")


def test_a_deployment_that_something_else_would_make_again_is_refused(server: ByHandServer) -> None:
    server.deployment["metadata"]["ownerReferences"] = [{"kind": "Application", "name": "rm", "uid": "u"}]
    refused(server, "Application rm owns it and would make it again")


def test_a_deployment_that_would_take_the_pods_is_refused(server: ByHandServer) -> None:
    spec = {"replicas": 0, "selector": {"matchLabels": APP}, "template": template("w")}
    server.put("deployments", {"metadata": {"name": "worker", "generation": 1}, "spec": spec, "status": {}})
    # The fake controller would start its pods, as a real one does once.
    refused_before = server.kind("deployments")["worker"]
    refused_before["spec"]["paused"] = True
    refused(server, "Deployment worker selects its pods too and would take them")


def test_another_deployment_under_the_name_of_the_canary_is_refused(server: ByHandServer) -> None:
    spec = {"replicas": 0, "paused": True, "selector": {"matchLabels": {"x": "y"}}, "template": template("w")}
    server.put("deployments", {"metadata": {"name": NAMES.canary, "generation": 1}, "spec": spec, "status": {}})
    refused(server, "another Deployment under the name of the canary")


def test_a_rollout_under_way_is_waited_for_by_the_person(server: ByHandServer) -> None:
    old = next(each for each in server.kind("replicasets").values() if each["spec"]["replicas"] == 0)
    old["spec"]["replicas"] = 1
    refused(server, r"while a rollout of it is under way \(3 of 3 pods run its template, 4 in all\)")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"selector": None}, "names no pods by a selector"),
        (
            {"selector": {**APP, "version": "blue"}},
            r"\(selector app=release-manager,version=blue\) does not lead to pod",
        ),
        (
            {"ports": [{"port": 80, "targetPort": 8000}]},
            r"leads to port 8000 of the pods.*set application.port to 8000",
        ),
        ({"ports": [{"port": 80, "targetPort": "http"}]}, "leads to port none of the pods.*by its number"),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, "has no TCP port"),
    ],
)
def test_a_service_that_would_lose_requests_is_refused(server: ByHandServer, spec: Json, why: str) -> None:
    server.put("services", service(**spec))
    refused(server, why)


def test_a_service_that_leads_to_other_pods_too_is_refused(server: ByHandServer) -> None:
    about = {"name": "elsewhere", "labels": APP}
    server.put("pods", {"metadata": about, "spec": template("x")["spec"], "status": {"phase": "Running"}})
    refused(server, "also leads to pod elsewhere, which is not of the Deployment")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda it: it["spec"].update(ingressClassName="nginx"), r"of class nginx.*set ingress.class_name to nginx"),
        (lambda it: it["spec"]["rules"].append({"host": "other.internal"}), "serves host other.internal beside"),
        (lambda it: it["spec"].update(tls=[{"secretName": "api-tls"}]), "set ingress.tls_secret to api-tls"),
        (lambda it: it["spec"].update(rules=ingress(backend="legacy")["spec"]["rules"]), "leads / to legacy"),
    ],
)
def test_an_ingress_that_would_lose_requests_is_refused(
    server: ByHandServer, change: Callable[[Json], None], why: str
) -> None:
    item = ingress()
    change(item)
    server.put("ingresses", item)
    refused(server, why)


@pytest.mark.parametrize(
    "spec",
    [
        {"selector": {**APP, "tier": "api"}},
        {"type": "LoadBalancer", "ports": [{"port": 8080, "name": "web", "targetPort": 8080}]},
    ],
)
def test_a_service_that_leads_to_exactly_its_pods_is_taken_over_whatever_it_selects_by(spec: Json) -> None:
    server = ByHandServer()
    server.follow_the_guide("v1", labels={**APP, "tier": "api"})
    server.put("services", service(**spec))
    server.put("ingresses", ingress())
    adopt(server)
    assert needs_adoption(server.cluster(), NAMES) is None
    assert server.deployment["spec"]["selector"] == {"matchLabels": OURS}
