"""Promise: hand-made changes with kubectl are taken over by an update, those of other managers are not."""

from __future__ import annotations

from sandbox.plugins.kubernetes.managed_fields import created_by_provider, honour_ignored, take_over
from tests.plugins.kubernetes_objects import Object

OWN = "pulumi-kubernetes-1a2b3c4d"
REPLICAS: Object = {"f:spec": {"f:replicas": {}}}
IMAGE: Object = {"f:spec": {"f:template": {"f:image": {}}}}


def live(*entries: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "resourceVersion": "7", "managedFields": list(entries)},
        "spec": {"replicas": 5},
    }


def entry(manager: str, operation: str, fields: Object, subresource: str = "") -> Object:
    result = {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields}
    return result | ({"subresource": subresource} if subresource else {})


def test_fields_of_kubectl_and_of_the_create_become_the_provider_s() -> None:
    item = live(
        entry(OWN, "Update", REPLICAS), entry("kubectl-edit", "Update", IMAGE), entry("helm", "Apply", REPLICAS)
    )
    replaced, version = take_over(item, OWN)
    kept, own = replaced["value"]
    assert kept["manager"] == "helm"
    assert (own["manager"], own["operation"]) == (OWN, "Apply")
    assert own["fieldsV1"] == {"f:spec": {"f:replicas": {}, "f:template": {"f:image": {}}}}
    assert version["value"] == "7"


def test_nothing_is_sent_when_nothing_is_to_be_taken_over() -> None:
    assert take_over(live(entry(OWN, "Apply", REPLICAS), entry("helm", "Update", IMAGE)), OWN) == []


def test_a_scale_by_kubectl_is_left_to_kubectl() -> None:
    assert take_over(live(entry(OWN, "Apply", IMAGE), entry("kubectl", "Update", REPLICAS, "scale")), OWN) == []


def test_a_create_is_told_from_an_apply() -> None:
    assert created_by_provider(live(entry(OWN, "Update", REPLICAS)))
    assert not created_by_provider(live(entry(OWN, "Apply", REPLICAS), entry("kubectl", "Update", IMAGE)))


def test_an_ignored_field_of_others_is_left_out_of_the_apply() -> None:
    item = live(entry("autoscaler", "Update", REPLICAS, "scale"))
    assert honour_ignored({"spec": {"replicas": 1, "x": 1}}, item, OWN, ["spec.replicas"]) == {"spec": {"x": 1}}


def test_an_ignored_field_of_our_own_keeps_its_live_value() -> None:
    item = live(entry(OWN, "Apply", REPLICAS), entry("autoscaler", "Update", REPLICAS, "scale"))
    assert honour_ignored({"spec": {"replicas": 1}}, item, OWN, ["spec.replicas"]) == {"spec": {"replicas": 5}}


def test_an_ignored_field_that_is_not_live_keeps_the_program_s_value() -> None:
    assert honour_ignored({"spec": {"paused": True}}, live(), OWN, ["spec.paused"]) == {"spec": {"paused": True}}
