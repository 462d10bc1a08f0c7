"""Promise: inputs get names and secrets as the official provider gives them, and objects keep both."""

from __future__ import annotations

import base64

import pytest

from sandbox.plugins.kubernetes.masking import masked
from sandbox.plugins.kubernetes.naming import (
    Autonaming,
    NamingError,
    NamingMode,
    adopt_name,
    assign_name,
    is_autonamed,
    unique_name,
)
from sandbox.plugins.kubernetes.normal import normalized
from sandbox.plugins.kubernetes.objects import from_properties, kind_of_urn, to_properties
from sandbox.plugins.protocol.properties import UNKNOWN, Secret
from tests.plugins.kubernetes_objects import Object


def test_a_made_up_name_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    name = unique_name("web-", b"seed")
    assert name == unique_name("web-", b"seed")
    assert name != unique_name("web-", b"other")
    assert len(name.removeprefix("web-")) == 8
    assert set(name.removeprefix("web-")) <= set("0123456789abcdef")


def test_an_unnamed_object_is_named_and_marked() -> None:
    item: Object = {"metadata": {"labels": {"a": "b"}}}
    assign_name(item, "web", b"seed", Autonaming())
    assert item["metadata"]["name"] == unique_name("web-", b"seed")
    assert is_autonamed(item)


def test_a_named_object_keeps_its_name_unmarked() -> None:
    item: Object = {"metadata": {"name": "web"}}
    assign_name(item, "other", b"seed", Autonaming())
    assert item == {"metadata": {"name": "web"}}


def test_an_unknown_name_is_left_alone() -> None:
    item: Object = {"metadata": {"name": UNKNOWN}}
    assign_name(item, "web", b"seed", Autonaming())
    assert item == {"metadata": {"name": UNKNOWN}}


def test_a_stack_may_propose_names_or_forbid_making_them_up() -> None:
    item: Object = {}
    assign_name(item, "web", b"", Autonaming(NamingMode.PROPOSE, "web-dev"))
    assert item["metadata"]["name"] == "web-dev"
    with pytest.raises(NamingError, match=r"\.metadata\.name"):
        assign_name({}, "web", b"", Autonaming(NamingMode.DISABLE))


def test_a_made_up_name_is_kept_but_a_chosen_one_is_not_inherited() -> None:
    old: Object = {"metadata": {"name": "web-1", "annotations": {"pulumi.com/autonamed": "true"}}}
    item: Object = {}
    adopt_name(item, old)
    assert item == old
    item = {}
    adopt_name(item, {"metadata": {"name": "web"}})
    assert item == {}


def test_secrecy_follows_from_inputs_to_outputs_member_by_member() -> None:
    live = {"spec": {"a": 1, "b": {"c": 2, "d": 3}, "list": [1, 2]}, "status": {}}
    marks = {"spec": {"a": Secret(1), "b": {"c": Secret(2)}, "list": [1, Secret(2)]}}
    assert masked(live, marks) == {
        "spec": {"a": Secret(1), "b": {"c": Secret(2), "d": 3}, "list": Secret([1, 2])},
        "status": {},
    }


def test_the_data_of_a_secret_is_secret_even_when_nobody_said_so() -> None:
    live = {"kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "x"}, "type": "Opaque"}
    assert masked(live, {}) == live | {"data": Secret({"a": "eA=="}), "stringData": Secret({"b": "x"})}


def test_string_data_is_kept_as_the_server_keeps_it() -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"a": "y", "b": "z"}}
    result = normalized(secret)
    assert "stringData" not in result
    assert {key: base64.b64decode(value) for key, value in result["data"].items()} == {"a": b"y", "b": b"z"}


def test_string_data_that_is_not_known_yet_waits() -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "stringData": {"a": UNKNOWN}}
    assert normalized(secret) == secret


def test_metadata_that_only_the_server_writes_is_no_input() -> None:
    item: Object = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "1", "managedFields": []}}
    assert normalized(item) == {"metadata": {"name": "a"}}


def test_members_that_sdks_cannot_spell_are_translated_both_ways() -> None:
    properties = {"schema": {"x_kubernetes_preserve_unknown_fields": True, "n": None}}
    item = from_properties(properties)
    assert item == {"schema": {"x-kubernetes-preserve-unknown-fields": True}}
    assert to_properties(item) == {"schema": {"x_kubernetes_preserve_unknown_fields": True}}


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("kubernetes:core/v1:ConfigMap", "v1/ConfigMap"),
        ("kubernetes:apps/v1:Deployment", "apps/v1/Deployment"),
        ("parent:index:Thing$kubernetes:example.com/v1:Widget", "example.com/v1/Widget"),
    ],
)
def test_a_urn_names_the_kind(token: str, kind: str) -> None:
    assert str(kind_of_urn(f"urn:pulumi:dev::p::{token}::name")) == kind


def test_a_type_of_another_package_is_refused() -> None:
    with pytest.raises(ValueError, match="aws:s3"):
        kind_of_urn("urn:pulumi:dev::p::aws:s3/bucket:Bucket::name")
