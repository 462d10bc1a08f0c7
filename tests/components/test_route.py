"""Through a Gateway: stable and canary each have a Service, and the gates alone decide who gets how many requests."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from cluster.names import Names
from cluster.service_port import ServicePort
from components.traffic import traffic as ways_in
from tests.components.recorder import Recorder, declare
from tests.stack_values import settings_of

NAMES = Names("release-manager-staging", "release-manager", weighted=True)
GATEWAY = {"gateway": {"name": "public", "namespace": "gateways"}}
ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
SERVICE = "kubernetes:core/v1:Service"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"


def traffic(ingress: dict[str, Any]) -> Recorder:
    return declare(lambda: ways_in("rollout", settings_of(ingress=ingress), ServicePort(), pulumi.ResourceOptions()))


@pytest.fixture
def declared() -> Recorder:
    return traffic(GATEWAY)


def test_the_host_is_served_by_the_gateway_and_by_no_ingress(declared: Recorder) -> None:
    spec = declared.only(ROUTE).inputs["spec"]
    assert spec["parentRefs"] == [GATEWAY["gateway"]]
    assert spec["hostnames"] == ["staging-api.internal"]
    assert declared.all(INGRESS) == []
    assert traffic({"class_name": "traefik", "tls_secret": "staging-tls"}).all(ROUTE) == []


def test_a_listener_is_named_where_the_settings_name_it() -> None:
    named = traffic({"gateway": {**GATEWAY["gateway"], "listener": "https"}})
    [parent] = named.only(ROUTE).inputs["spec"]["parentRefs"]
    assert parent["sectionName"] == "https"


def test_between_releases_stable_gets_every_request(declared: Recorder) -> None:
    [rule] = declared.only(ROUTE).inputs["spec"]["rules"]
    assert rule["backendRefs"] == [
        {"name": NAMES.stable_service, "port": 80, "weight": 100},
        {"name": NAMES.canary_service, "port": 80, "weight": 0},
    ]


def test_the_engine_never_sets_a_weight_again_and_ignores_nothing_else(declared: Recorder) -> None:
    assert declared.only(ROUTE).ignored == [f"spec.rules[0].backendRefs[{number}].weight" for number in (0, 1)]


def test_each_backend_takes_the_pods_of_its_version_that_serve_and_callers_inside_take_all(declared: Recorder) -> None:
    selectors = {each.object_name: each.inputs["spec"]["selector"] for each in declared.all(SERVICE)}
    both = {"app": "release-manager", "serving": "yes"}
    assert selectors == {
        NAMES.deployment: both,
        NAMES.stable_service: {**both, "track": "stable"},
        NAMES.canary_service: {**both, "track": "canary"},
    }


def test_the_route_comes_after_its_backends(declared: Recorder) -> None:
    backends = {each.urn for each in declared.all(SERVICE)}
    assert len(backends) == 3
    assert {each.urn for each in declared.all(SERVICE) if each.object_name != NAMES.deployment} <= set(
        declared.only(ROUTE).dependencies
    )
