"""The conditions of the annotation `pulumi.com/waitFor`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot, condition
from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.objects import Object, text

Test = Callable[[Object], bool]
STEP = re.compile(
    r"""\.(?P<name>[A-Za-z0-9_/-]+)
      | \[(?P<index>\d+)\]
      | \[(?P<all>\*)\]
      | \[['"](?P<quoted>[^'"]+)['"]\]
      | \[\?\(@\.(?P<key>[\w.-]+)\s*==\s*['"](?P<value>[^'"]*)['"]\)\]""",
    re.VERBOSE,
)


def awaiter_for(annotation: str) -> Awaiter:
    """Return an awaiter for one expression or a JSON list of them; raises ProviderError for one it cannot read."""
    try:
        parsed = json.loads(annotation)
    except ValueError:
        parsed = annotation
    expressions = parsed if isinstance(parsed, list) else [annotation]
    if not expressions:
        raise ProviderError("the annotation `pulumi.com/waitFor` must name at least one condition")
    tests = {str(expression): _test(str(expression)) for expression in expressions}

    def assess(snapshot: Snapshot) -> Assessment:
        unmet = tuple(f"Waiting for {name}" for name, test in tests.items() if not test(snapshot.item))
        return Assessment(ready=not unmet, status="; ".join(unmet), reasons=unmet)

    return Awaiter(assess)


def _test(expression: str) -> Test:
    if expression.startswith("condition="):
        name, _, wanted = expression.removeprefix("condition=").partition("=")
        return lambda item: text(condition(item, name), "status").lower() == (wanted or "True").lower()
    if expression.startswith("jsonpath="):
        return _path_test(expression.removeprefix("jsonpath="))
    raise ProviderError(
        f'expected a "jsonpath=" or "condition=" prefix in the annotation `pulumi.com/waitFor`, got "{expression}"'
    )


def _path_test(expression: str) -> Test:
    match = re.fullmatch(r"\{(?P<path>[^{}]*)\}(?:=(?P<value>.*))?", expression.strip())
    if match is None:
        raise ProviderError(
            f'a path in `pulumi.com/waitFor` must look like "{{.status.phase}}=Running", got "{expression}"'
        )
    path, value = match["path"], match["value"]
    steps = list(STEP.finditer(path))
    if "".join(step.group() for step in steps) != path or not steps:
        raise ProviderError(f'the path "{path}" in `pulumi.com/waitFor` has a part that is not understood')

    def test(item: Object) -> bool:
        found = _find([item], steps)
        if value is None:
            return bool(found)
        return len(found) == 1 and _as_text(found[0]) == value.strip("\"'")

    return test


def _find(values: list[Any], steps: list[re.Match[str]]) -> list[Any]:
    for step in steps:
        values = [child for value in values for child in _children(value, step)]
    return values


def _children(value: Any, step: re.Match[str]) -> list[Any]:  # noqa: ANN401 - JSON values
    name = step["name"] or step["quoted"]
    if name is not None:
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return []
    if step["index"] is not None:
        return value[int(step["index"]) : int(step["index"]) + 1]
    if step["all"]:
        return list(value)
    return [child for child in value if isinstance(child, dict) and child.get(step["key"]) == step["value"]]


def _as_text(value: Any) -> str:  # noqa: ANN401 - JSON values
    return value if isinstance(value, str) else json.dumps(value)
