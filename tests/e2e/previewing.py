"""What a preview says that an update would do."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.stack import Stack


def would_change(stack: Stack, settings: dict[str, Any]) -> set[str]:
    """Return the names of the resources that an update with these settings would change."""
    shown = stack.pulumi("preview", "--stack", stack.name, "--json", settings=settings)
    assert shown.status == 0, shown.text
    steps = json.loads(shown.text[shown.text.index("{") :])["steps"]
    return {step["urn"].rpartition("::")[2] for step in steps if step["op"] not in {"same", "read", "refresh"}}
