"""The engine's property values: `google.protobuf.Struct` to plain Python and back, with nothing lost.

What JSON cannot say (unknown, secret, asset, archive, reference to a resource) the engine writes as an object with
a signature; here each has a type of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag of the protocol
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET_SIGNATURE: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE_SIGNATURE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# The protocol has one sentinel per type; any of them only means "not known yet".
UNKNOWN_STRINGS: Final = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
# Floats hold whole numbers exactly up to here.
EXACT_INTEGER_LIMIT: Final = 2**53


class Unknown:
    """A value that is not known before the update. There is one: `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine must encrypt in state and never print."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or a text: `fields` holds `hash` and one of `path`, `text`, `uri`."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Archive:
    """A directory tree: `fields` holds `hash` and one of `path`, `uri`, `assets`."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """A reference to another resource of the stack."""

    fields: Mapping[str, Any]


SIGNATURES: Final = {
    Asset: ASSET_SIGNATURE,
    Archive: ARCHIVE_SIGNATURE,
    ResourceReference: RESOURCE_SIGNATURE,
}


def unmarshal(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return the properties of a message as plain values and the marker types of this module."""
    return {key: unmarshal_value(value) for key, value in struct.fields.items()}


def unmarshal_value(value: struct_pb2.Value) -> Any:  # noqa: ANN401 - JSON values have no closer type
    """Return one property value; whole numbers become `int`, the unknown sentinels become `UNKNOWN`."""
    kind = value.WhichOneof("kind")
    match kind:
        case "bool_value":
            return value.bool_value
        case "number_value":
            return _number(value.number_value)
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_STRINGS else value.string_value
        case "list_value":
            return [unmarshal_value(item) for item in value.list_value.values]
        case "struct_value":
            return _from_object(unmarshal(value.struct_value))
        case _:
            return None


def marshal(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return plain values and marker types as a message; raise TypeError for a type the protocol does not have."""
    return struct_pb2.Struct(fields={key: marshal_value(value) for key, value in properties.items()})


def marshal_value(value: Any) -> struct_pb2.Value:  # noqa: ANN401, PLR0911 - one return per JSON type
    """Return one value as a message; raise TypeError for a type the protocol does not have."""
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Unknown():
            return struct_pb2.Value(string_value=UNKNOWN_STRING)
        case Secret():
            return _tagged(SECRET_SIGNATURE, {"value": value.value})
        case Asset() | Archive() | ResourceReference():
            return _tagged(SIGNATURES[type(value)], value.fields)
        case Mapping():
            return struct_pb2.Value(struct_value=marshal(value))
        case list() | tuple():
            items = [marshal_value(item) for item in value]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    raise TypeError(f"a property value of type {type(value).__name__} cannot be sent to the engine")


def contains_unknown(value: object) -> bool:
    """Tell whether a value, at any depth, is not known yet."""
    if isinstance(value, Unknown):
        return True
    return any(contains_unknown(child) for child in _children(value))


def contains_secret(value: object) -> bool:
    """Tell whether a value, at any depth, is marked secret."""
    if isinstance(value, Secret):
        return True
    return any(contains_secret(child) for child in _children(value))


def without_secrets(value: Any) -> Any:  # noqa: ANN401 - JSON values have no closer type
    """Return a value with every secret replaced by what it holds. Never print the result."""
    if isinstance(value, Secret):
        return without_secrets(value.value)
    if isinstance(value, Mapping):
        return {key: without_secrets(child) for key, child in value.items()}
    if isinstance(value, list):
        return [without_secrets(child) for child in value]
    return value


def without_unknowns(value: Any) -> Any:  # noqa: ANN401 - JSON values have no closer type
    """Return a value without the members that are not known yet (an unknown as a whole becomes None)."""
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Secret):
        inner = without_unknowns(value.value)
        return None if inner is None else Secret(inner)
    if isinstance(value, Mapping):
        return {key: without_unknowns(child) for key, child in value.items() if not isinstance(child, Unknown)}
    if isinstance(value, list):
        return [without_unknowns(child) for child in value if not isinstance(child, Unknown)]
    return value


def _children(value: object) -> list[object]:
    if isinstance(value, Secret):
        return [value.value]
    if isinstance(value, (Asset, Archive, ResourceReference)):
        return list(value.fields.values())
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list):
        return list(value)
    return []


def _number(value: float) -> int | float:
    if math.isfinite(value) and value.is_integer() and abs(value) <= EXACT_INTEGER_LIMIT:
        return int(value)
    return value


def _from_object(fields: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON values have no closer type
    signature = fields.get(SIGNATURE_KEY)
    rest = {key: value for key, value in fields.items() if key != SIGNATURE_KEY}
    match signature:
        case None:
            return fields
        case _ if signature == SECRET_SIGNATURE:
            return Secret(rest.get("value"))
        case _ if signature == OUTPUT_SIGNATURE:
            # An output without a value is one that is not known yet.
            value = rest.get("value", UNKNOWN)
            return Secret(value) if rest.get("secret") else value
        case _ if signature == ASSET_SIGNATURE:
            return Asset(rest)
        case _ if signature == ARCHIVE_SIGNATURE:
            return Archive(rest)
        case _ if signature == RESOURCE_SIGNATURE:
            return ResourceReference(rest)
        case _:
            raise ValueError(f"a property value has the unknown type signature {signature!r}")


def _tagged(signature: str, fields: Mapping[str, Any]) -> struct_pb2.Value:
    return struct_pb2.Value(struct_value=marshal({SIGNATURE_KEY: signature, **fields}))
