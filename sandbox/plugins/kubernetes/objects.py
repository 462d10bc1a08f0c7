"""Kubernetes objects as plain JSON: where their parts are, and how the engine names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.plugins.protocol.properties import Unknown, without_secrets

Object = dict[str, Any]
DEFAULT_NAMESPACE: Final = "default"
PACKAGE: Final = "kubernetes"

# SDKs cannot spell these members of a schema, so the engine sees them with underscores.
EXTENSIONS: Final = (
    "embedded-resource",
    "int-or-string",
    "list-map-keys",
    "list-type",
    "map-type",
    "preserve-unknown-fields",
    "validations",
)
DASHED: Final = {f"x-kubernetes-{name}".replace("-", "_"): f"x-kubernetes-{name}" for name in EXTENSIONS}
UNDERSCORED: Final = {dashed: underscored for underscored, dashed in DASHED.items()}


@dataclass(frozen=True, slots=True)
class Kind:
    """What sort of object: `api_version` such as `apps/v1` or `v1`, and `name` such as `Deployment`."""

    api_version: str
    name: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        return f"{self.api_version}/{self.name}"


def kind_of(item: Mapping[str, Any]) -> Kind:
    """Return an object's kind; missing parts are empty."""
    api_version = text(item, "apiVersion")
    return Kind(api_version.removeprefix("core/"), text(item, "kind"))


def kind_of_urn(urn: str) -> Kind:
    """Return the kind that a resource's URN names; raises ValueError for a type of another package."""
    token = type_of_urn(urn)
    package, _, rest = token.partition(":")
    api_version, _, name = rest.rpartition(":")
    if package != PACKAGE or "/" not in api_version:
        raise ValueError(f'unrecognized resource type: "{token}" for this provider')
    return Kind(api_version.removeprefix("core/"), name)


def type_of_urn(urn: str) -> str:
    """Return a URN's type token, without those of its parents."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of_urn(urn: str) -> str:
    """Return the program's own name for a resource."""
    return urn.split("::", 3)[3]


def is_patch(urn: str, kind: str) -> bool:
    """Tell whether a resource is of the SDK's `...Patch` family, which manages single fields of a foreign object."""
    return type_of_urn(urn).endswith("Patch") and not kind.endswith("Patch")


def dig(item: Any, *path: str | int) -> Any:  # noqa: ANN401 - JSON values have no closer type
    """Return the value at a path, or None where there is none."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(item, list) or step >= len(item):
                return None
            item = item[step]
        elif isinstance(item, Mapping):
            item = item.get(step)
        else:
            return None
    return item


def text(item: Any, *path: str | int) -> str:  # noqa: ANN401 - JSON values have no closer type
    """Return the string at a path, or an empty one."""
    value = dig(item, *path)
    return value if isinstance(value, str) else ""


def number(item: Any, *path: str | int, default: int = 0) -> int:  # noqa: ANN401 - JSON values have no closer type
    """Return the whole number at a path, or a default."""
    value = dig(item, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def items_of(item: Any, *path: str | int) -> list[Any]:  # noqa: ANN401 - JSON values have no closer type
    """Return the list at a path, or an empty one."""
    value = dig(item, *path)
    return value if isinstance(value, list) else []


def name_of(item: Mapping[str, Any]) -> str:
    """Return `metadata.name`, empty where it is missing or not known yet."""
    return text(item, "metadata", "name")


def namespace_of(item: Mapping[str, Any]) -> str:
    """Return `metadata.namespace`, empty where it is missing or not known yet."""
    return text(item, "metadata", "namespace")


def annotation(item: Mapping[str, Any], key: str) -> str:
    """Return an annotation, or an empty string."""
    return text(item, "metadata", "annotations", key)


def identity(item: Mapping[str, Any]) -> str:
    """Return the engine's id of an object: `namespace/name`, or `name` where it has no namespace."""
    namespace = namespace_of(item)
    return f"{namespace}/{name_of(item)}" if namespace else name_of(item)


def parse_identity(identifier: str) -> tuple[str, str]:
    """Return namespace (may be empty) and name of an engine's id."""
    namespace, slash, name = identifier.partition("/")
    return (namespace, name) if slash else ("", namespace)


def set_member(item: Object, value: object, *path: str) -> None:
    """Set a member at a path and make the objects above it; does nothing below a value that is not known yet."""
    for step in path[:-1]:
        child = item.setdefault(step, {})
        if not isinstance(child, dict):
            return
        item = child
    item[path[-1]] = value


def remove_member(item: Object, *path: str) -> None:
    """Remove the member at a path if it is there."""
    parent = dig(item, *path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)


def copy_of(value: Any) -> Any:  # noqa: ANN401 - JSON values have no closer type
    """Return a deep copy of a JSON value that may hold unknowns."""
    if isinstance(value, Mapping):
        return {key: copy_of(child) for key, child in value.items()}
    if isinstance(value, list):
        return [copy_of(child) for child in value]
    return value


def from_properties(properties: Mapping[str, Any]) -> Object:
    """Return what the engine sent as an object for the API server: no secret marks, no nulls, dashed names."""
    plain: Object = _renamed(without_secrets(properties), lambda key: DASHED.get(key, key))
    return plain


def to_properties(item: Mapping[str, Any]) -> Object:
    """Return an object of the API server as properties for the engine: no nulls, underscored names."""
    renamed: Object = _renamed(item, lambda key: UNDERSCORED.get(key, key))
    return renamed


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON values have no closer type
    if isinstance(value, Mapping):
        return {rename(key): _renamed(child, rename) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_renamed(child, rename) for child in value]
    return value


def is_unknown(value: object) -> bool:
    """Tell whether a value as a whole is not known yet."""
    return isinstance(value, Unknown)
