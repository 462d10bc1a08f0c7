"""Production on a sandbox that was used before: by other tests, by a benchmark, by a person."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import yaml

from tests.e2e.stack import Stack

# So far off that no real release is named after it.
FIRST_DAY_OF_TESTS = datetime(2100, 1, 1, tzinfo=UTC)


def day_after_all_releases(stack: Stack) -> datetime:
    """Return a day whose release nobody can have approved: an approval outlives the tests that gave it."""
    name = f"--field-selector=metadata.name={stack.deployment}-approvals"
    found = stack.world.kubectl.get_json("configmaps", name, namespace=stack.namespace)["items"]
    keys = [key for record in found for key in record.get("data", {}) if key.startswith("release-v2")]
    days = [datetime.strptime(key, "release-v%Y.%m.%d").replace(tzinfo=UTC) for key in keys]
    return max([FIRST_DAY_OF_TESTS, *days]) + timedelta(days=1)


def waive_what_other_checkouts_knew(stack: Stack) -> None:
    """Let the notes of releases from here stand without a comparison with what serves.

    The commit that was released by others is in no checkout any more.
    """
    values = yaml.safe_load(stack.overlay.read_text(encoding="utf-8"))
    values["checklist"]["waivers"] = waivers_with(stack, "notes", reason="of other tests' commits")
    stack.overlay = stack.checkout.parent / "sandbox-overlay.yaml"
    stack.overlay.write_text(yaml.safe_dump(values), encoding="utf-8")


def waivers_with(stack: Stack, *items: str, reason: str) -> list[dict[str, Any]]:
    """Return the waivers of the stack, and one for each of `items`: a release may then begin without them."""
    values = yaml.safe_load(stack.overlay.read_text(encoding="utf-8"))
    until: date = datetime.now(UTC).date() + timedelta(days=1)
    further = [{"item": item, "reason": reason, "by": "tests", "until": until} for item in items]
    return [*values["checklist"]["waivers"], *further]
