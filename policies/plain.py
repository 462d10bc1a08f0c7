"""Plain data out of what a policy is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from policies.rules.rule import UNKNOWN


def plain(value: Any) -> Any:  # noqa: ANN401
    """Return `value` as plain dictionaries and lists, with UNKNOWN in place of what the preview does not know.

    A rule that touched an unknown value itself would be turned into an advisory that blocks nothing.
    """
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    return value


def whole_numbers(value: Any) -> Any:  # noqa: ANN401
    """Return `value` with whole numbers as such: on their way here all numbers have become fractions."""
    if isinstance(value, Mapping):
        return {key: whole_numbers(below) for key, below in value.items()}
    if isinstance(value, list):
        return [whole_numbers(below) for below in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _item(container: Any, key: Any) -> Any:  # noqa: ANN401
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
