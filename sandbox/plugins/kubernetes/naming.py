"""Names for objects that the program leaves unnamed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sandbox.plugins.kubernetes import steering
from sandbox.plugins.kubernetes.objects import Object, dig, is_unknown, name_of, set_member, text

SUFFIX_LENGTH: Final = 8


class NamingError(Exception):
    """No name may be made up for an object that has none."""


class NamingMode(Enum):
    """What the stack's autonaming configuration wants."""

    DEFAULT = "default"
    PROPOSE = "propose"
    ENFORCE = "enforce"
    DISABLE = "disable"


@dataclass(frozen=True)
class Autonaming:
    """How to name: a mode and the name that the engine proposes."""

    mode: NamingMode = NamingMode.DEFAULT
    proposed: str = ""


def unique_name(prefix: str, seed: bytes) -> str:
    """Return the prefix and eight hexadecimal digits, the same ones for the same seed (random without one)."""
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(SUFFIX_LENGTH)
    return prefix + digits[:SUFFIX_LENGTH]


def assign_name(item: Object, base: str, seed: bytes, autonaming: Autonaming) -> None:
    """Name a new object that has no name, and mark the name as made up; raises NamingError where that is disabled."""
    if _named(item) or dig(item, "metadata", "generateName"):
        return
    if autonaming.mode is NamingMode.DISABLE:
        raise NamingError("autonaming is disabled, resource requires the `.metadata.name` field to be set")
    made_up = unique_name(f"{base}-", seed)
    _set_made_up_name(item, made_up if autonaming.mode is NamingMode.DEFAULT else autonaming.proposed)


def adopt_name(item: Object, old: Mapping[str, Any]) -> None:
    """Keep the made-up name of an object that still has none of its own."""
    if not _named(item) and steering.is_true(old, steering.AUTONAMED):
        _set_made_up_name(item, name_of(old))


def is_autonamed(item: Mapping[str, Any]) -> bool:
    """Tell whether an object's name was made up."""
    return steering.is_true(item, steering.AUTONAMED)


def is_named(item: Mapping[str, Any]) -> bool:
    """Tell whether an object has a name, known or not known yet."""
    return _named(item)


def is_generated_by_server(item: Mapping[str, Any]) -> bool:
    """Tell whether the API server is asked to make up the name."""
    return not _named(item) and bool(dig(item, "metadata", "generateName"))


def _named(item: Mapping[str, Any]) -> bool:
    metadata = item.get("metadata")
    return is_unknown(metadata) or bool(text(item, "metadata", "name")) or is_unknown(dig(item, "metadata", "name"))


def _set_made_up_name(item: Object, name: str) -> None:
    set_member(item, name, "metadata", "name")
    if not is_unknown(dig(item, "metadata", "annotations")):
        set_member(item, "true", "metadata", "annotations", steering.AUTONAMED)
