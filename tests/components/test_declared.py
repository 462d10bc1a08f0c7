"""What the program declares is seen as the engine will see it, and in the order in which it will be made."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from components.declared import at_registration, before_registration
from components.order import Node, before
from policies.rules.images import BUILD
from policies.rules.rule import UNKNOWN, Unknown

SPEC = k8s.core.v1.PodSpecArgs(
    host_network=True,
    automount_service_account_token=None,
    containers=[
        k8s.core.v1.ContainerArgs(name="api", image="app:v1", env=[k8s.core.v1.EnvVarArgs(name="A_B", value="c_d")])
    ],
)


def test_arguments_are_seen_by_the_names_that_the_engine_uses() -> None:
    assert before_registration({"api_version": "v1", "string_data": {"a_b": "c"}, "spec": SPEC, "status": None}) == {
        "apiVersion": "v1",
        "stringData": {"a_b": "c"},
        "spec": {
            "hostNetwork": True,
            "containers": [{"name": "api", "image": "app:v1", "env": [{"name": "A_B", "value": "c_d"}]}],
        },
    }


async def test_what_will_only_be_known_is_unknown() -> None:
    async def later() -> str:
        return "later"

    waiting = later()
    known: dict[str, Any] = {"a": [pulumi.Output.from_input("x")], "b": waiting, "c": pulumi.StringAsset("text")}
    found = before_registration(known)
    assert found == {"a": [UNKNOWN], "b": UNKNOWN, "c": UNKNOWN}
    waiting.close()


def request(properties: dict[str, Any], **origins: list[str]) -> resource_pb2.RegisterResourceRequest:
    values = struct_pb2.Struct()
    values.update(properties)
    of_each = resource_pb2.RegisterResourceRequest.PropertyDependencies
    return resource_pb2.RegisterResourceRequest(
        object=values, propertyDependencies={key: of_each(urns=urns) for key, urns in origins.items()}
    )


def test_an_unknown_value_is_told_what_it_comes_from() -> None:
    urn = f"urn:pulumi:prod::release-manager::a:b:C${BUILD}::image"
    found = at_registration(request({"spec": {"x": [rpc.UNKNOWN, "y"]}, "other": rpc.UNKNOWN}, spec=[urn]))
    value = found["spec"]["x"][0]
    assert isinstance(value, Unknown)
    assert value.origins == frozenset({BUILD})
    assert found["spec"]["x"][1] == "y"
    assert found["other"].origins == frozenset()


def test_a_secret_is_not_seen() -> None:
    secret = {rpc._special_sig_key: rpc._special_secret_sig, "value": "hunter2"}
    found = at_registration(request({"data": {"token": secret}, "list": [secret]}))
    assert found == {"data": {"token": "(a secret)"}, "list": ["(a secret)"]}


def order(**nodes: Node) -> dict[str, set[str]]:
    names = dict(enumerate(nodes))
    found = before(dict(enumerate(nodes.values())))
    return {names[key]: {names[each] for each in reached} for key, reached in found.items()}


def test_what_waits_for_a_component_waits_for_its_children_and_for_what_they_wait_for() -> None:
    found = order(
        first=Node(),
        component=Node(depends_on=frozenset({0}), component=True),
        child=Node(parent=1),
        grandchild=Node(parent=2),
        later=Node(depends_on=frozenset({1})),
        of_child=Node(depends_on=frozenset({2})),
    )
    assert found["first"] == set()
    assert found["component"] == {"first"}
    assert found["child"] == {"first"}, "a child waits for what its parent waits for"
    assert found["grandchild"] == {"first"}
    assert found["later"] == {"first", "component", "child"}, "a child of what is no component is not waited for"
    assert found["of_child"] == {"first", "child"}


def test_an_order_that_leads_in_a_circle_or_nowhere_comes_to_an_end() -> None:
    assert order(a=Node(depends_on=frozenset({1})), b=Node(depends_on=frozenset({0})))["a"] == {"a", "b"}
    assert order(a=Node(parent=7, depends_on=frozenset({9})))["a"] == set()
