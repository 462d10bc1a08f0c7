"""Promise: nothing of a property value is lost between the engine and a plug-in."""

from __future__ import annotations

import pytest
from google.protobuf import struct_pb2

from sandbox.plugins.protocol.properties import (
    OUTPUT_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_STRINGS,
    Archive,
    Asset,
    ResourceReference,
    Secret,
    contains_secret,
    contains_unknown,
    marshal,
    unmarshal,
    without_secrets,
    without_unknowns,
)


def test_every_kind_of_value_survives_the_way_there_and_back() -> None:
    value = {
        "null": None,
        "bool": True,
        "whole": 3,
        "part": 1.5,
        "text": "x",
        "list": [1, {"a": Secret("s")}],
        "unknown": UNKNOWN,
        "secret": Secret({"deep": [UNKNOWN]}),
        "asset": Asset({"text": "hello", "hash": "h"}),
        "archive": Archive({"path": "./dir"}),
        "resource": ResourceReference({"urn": "urn:x", "id": "i"}),
    }
    assert unmarshal(marshal(value)) == value


def test_a_whole_number_is_an_int_because_an_api_server_refuses_a_float() -> None:
    assert type(unmarshal(marshal({"replicas": 3}))["replicas"]) is int


@pytest.mark.parametrize("sentinel", sorted(UNKNOWN_STRINGS))
def test_each_sentinel_of_the_protocol_means_unknown(sentinel: str) -> None:
    struct = struct_pb2.Struct()
    struct.update({"a": sentinel})
    assert unmarshal(struct) == {"a": UNKNOWN}


def test_an_output_becomes_its_value_and_keeps_its_secrecy() -> None:
    struct = struct_pb2.Struct()
    struct.update({"known": {SIGNATURE_KEY: OUTPUT_SIGNATURE, "value": 1, "secret": True}})
    struct.update({"later": {SIGNATURE_KEY: OUTPUT_SIGNATURE}})
    assert unmarshal(struct) == {"known": Secret(1), "later": UNKNOWN}


def test_a_secret_never_shows_in_a_message_of_python() -> None:
    assert "hunter2" not in repr(Secret("hunter2"))
    assert "hunter2" not in f"{[Secret({'a': 'hunter2'})]}"


def test_unknown_and_secret_are_found_at_any_depth() -> None:
    assert contains_unknown({"a": [Secret({"b": UNKNOWN})]})
    assert not contains_unknown({"a": [Secret({"b": 1})]})
    assert contains_secret({"a": [{"b": Secret(1)}]})
    assert not contains_secret({"a": [{"b": UNKNOWN}]})


def test_stripping_keeps_everything_else() -> None:
    value = {"a": Secret({"b": [Secret(1), 2]}), "c": UNKNOWN}
    assert without_secrets(value) == {"a": {"b": [1, 2]}, "c": UNKNOWN}
    assert without_unknowns({"a": UNKNOWN, "b": [1, UNKNOWN], "c": Secret(UNKNOWN)}) == {"b": [1], "c": None}


def test_a_type_without_a_place_in_the_protocol_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        marshal({"a": {1, 2}})
