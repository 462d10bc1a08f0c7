"""What changes between the live object and the program's inputs, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sandbox.plugins.kubernetes.immutable import Path, Pattern, touches
from sandbox.plugins.kubernetes.objects import is_unknown


class ChangeKind(Enum):
    """What happens to a field."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One field that changes, and whether that replaces the object."""

    path: Path
    kind: ChangeKind
    replaces: bool


class _Missing:
    """A field that is not there, as against one that is null."""


MISSING: Final = _Missing()


def pruned(live: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return only those members of a live object that `shape` has, so that the server's own additions are no change.

    Elements of lists are matched by position, and a list keeps no more elements than the shape has.
    """
    result: dict[str, Any] = {}
    for key, value in live.items():
        if key in shape:
            result[key] = _pruned_value(value, shape[key])
    return result


def _pruned_value(value: Any, shape: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, dict) and isinstance(shape, dict):
        return pruned(value, shape)
    if isinstance(value, list) and isinstance(shape, list):
        if value and shape and type(value[0]) is not type(shape[0]):
            return value
        return [_pruned_value(child, model) for child, model in zip(value, shape, strict=False)]
    return value


def changes(old: Mapping[str, Any], new: Mapping[str, Any], immutable: Sequence[Pattern]) -> list[Change]:
    """Return the changes that turn the old fields into the new ones, the smallest ones that tell it."""
    found: list[tuple[Path, ChangeKind, Any]] = []
    _walk((), dict(old), dict(new), found)
    return [Change(path, kind, touches(path, value, immutable)) for path, kind, value in found]


def _walk(path: Path, old: Any, new: Any, found: list[tuple[Path, ChangeKind, Any]]) -> None:  # noqa: ANN401
    if new is MISSING:
        found.append((path, ChangeKind.DELETE, None))
    elif old is MISSING:
        found.append((path, ChangeKind.ADD, new))
    elif is_unknown(new):
        found.append((path, ChangeKind.UPDATE, new))
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            _walk((*path, key), old.get(key, MISSING), new.get(key, MISSING), found)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            _walk((*path, index), _element(old, index), _element(new, index), found)
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        found.append((path, ChangeKind.UPDATE, new))


def _element(values: list[Any], index: int) -> Any:  # noqa: ANN401 - JSON values
    return values[index] if index < len(values) else MISSING


def without_ignored(found: Sequence[Change], ignored: Sequence[str]) -> list[Change]:
    """Return the changes that lie under none of the paths which the program ignores."""
    patterns = [parse_path(text) for text in ignored]
    return [change for change in found if not any(_contains(pattern, change.path) for pattern in patterns)]


def _contains(pattern: Path, path: Path) -> bool:
    if len(pattern) > len(path):
        return False
    return all(wanted in ("*", step) for wanted, step in zip(pattern, path, strict=False))


def parse_path(text: str) -> Path:
    """Return the steps of a property path such as `spec.containers[0].env["a.b"]`."""
    steps: list[str | int] = []
    rest = text
    while rest:
        if rest.startswith('["'):
            name, _, rest = rest[2:].replace('\\"', "\0").partition('"]')
            steps.append(name.replace("\0", '"'))
        elif rest.startswith("["):
            index, _, rest = rest[1:].partition("]")
            steps.append(int(index) if index.isdigit() else index)
        else:
            rest = rest.removeprefix(".")
            end = min((rest.find(sign) for sign in ".[" if sign in rest), default=len(rest))
            steps.append(rest[:end])
            rest = rest[end:]
    return tuple(steps)


def format_path(path: Path) -> str:
    """Return a path in the engine's notation."""
    result = ""
    for step in path:
        if isinstance(step, int):
            result += f"[{step}]"
        elif any(sign in step for sign in '."[]'):
            escaped = step.replace('"', '\\"')
            result += f'["{escaped}"]'
        else:
            result += f".{step}" if result else step
    return result
