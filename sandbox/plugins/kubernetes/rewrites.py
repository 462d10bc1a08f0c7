"""Changes that only look like some, because the API server writes values in its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lightkube.utils.quantity import parse_quantity

from sandbox.plugins.kubernetes.difference import Change, ChangeKind
from sandbox.plugins.kubernetes.immutable import Path
from sandbox.plugins.kubernetes.objects import Object, dig

# Under these members the server turns `1000m` into `1` and `1024Mi` into `1Gi`.
QUANTITY_MEMBERS: Final = frozenset(
    {"averageValue", "capacity", "divisor", "hard", "limits", "max", "min", "overhead", "requests", "sizeLimit"}
)


def without_rewrites(
    found: Sequence[Change], live: Mapping[str, Any], new: Mapping[str, Any], try_apply: Callable[[], Object | None]
) -> list[Change]:
    """Return the changes that would really change something.

    Dropped are quantities written in another way, and added empty values (`false`, 0, an empty list) that the server
    does not store. `try_apply` tells what it would store, or None where it cannot be asked; it is called only when
    there are such values.
    """
    real = [change for change in found if not _same_quantity(change, live, new)]
    if not any(_adds_nothing(change, new) for change in real):
        return real
    tried = try_apply()
    if tried is None:
        return real
    return [change for change in real if not _adds_nothing(change, new) or dig(tried, *change.path) is not None]


def _adds_nothing(change: Change, new: Mapping[str, Any]) -> bool:
    value = dig(new, *change.path)
    return change.kind is ChangeKind.ADD and value in (False, 0, "", [], {})


def _same_quantity(change: Change, live: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if change.kind is not ChangeKind.UPDATE or not _is_quantity(change.path):
        return False
    try:
        before, after = (parse_quantity(str(dig(item, *change.path))) for item in (live, new))
    except (ValueError, ArithmeticError):
        return False
    return before == after


def _is_quantity(path: Path) -> bool:
    return any(step in QUANTITY_MEMBERS for step in path)
