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


def _item(container: Any, key: Any) -> Any:  # noqa: ANN401
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
