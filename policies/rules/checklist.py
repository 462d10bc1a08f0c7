"""The rules of the checklist: one for each of its nineteen items."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evidence.checklist.item import ITEMS, Item
from evidence.checklist.proof import State
from policies.rules.rule import (
    PROD,
    STAGING,
    Found,
    Given,
    Properties,
    Rule,
    Severity,
    Topic,
    at,
    is_unknown,
    kind,
    text_at,
)

CHECKLIST = "release-manager:release:Checklist"
# What no settings can make an item that is not required. The guide wants the strategy of a migration reviewed "where it
# applies", a window "where required", and a response team for critical deployments: those three the settings decide.
_DECIDED_BY_SETTINGS = {"migration", "window", "response-team"}
ALWAYS_REQUIRED = {
    STAGING: frozenset({"approval"}),
    PROD: frozenset(item.name for item in ITEMS) - _DECIDED_BY_SETTINGS,
}
# What a release may bring itself, since a gate holds it up until it is proven.
_PROVEN_BY_A_GATE = {"monitoring"}
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_STATES = {state.value for state in State}
_CLOSED = {state.value for state in State if state.closed}
_LOOK_AGAIN = "see what the table says: make checklist STACK={environment}"


@dataclass(frozen=True)
class OpenItem:
    """An item that keeps a release from beginning: why, and the command or the person that closes it."""

    item: Item
    why: str
    closes: str


def key_of(item: Item) -> str:
    """Return the item's name in the inputs of the checklist."""
    return f"{item.number:02}-{item.name}"


def open_item(items: Any, item: Item, given: Given) -> OpenItem | None:  # noqa: ANN401
    """Return why the item keeps a release from beginning, or None where it does not.

    `items` is what the checklist's resource has by that name. What is missing, unknown or malformed is open.
    """
    entry = at(items, key_of(item))
    closes = text_at(entry, "closes") or _LOOK_AGAIN.format(environment=given.environment)
    why = _malformed(entry) or _not_required(entry, item, given) or _not_closed(entry, item)
    return OpenItem(item, why, closes) if why else None


def open_items(items: Any, given: Given) -> tuple[OpenItem, ...]:  # noqa: ANN401
    """Return all items that keep a release from beginning, in the guide's order."""
    found = (open_item(items, item, given) for item in ITEMS)
    return tuple(each for each in found if each is not None)


def _malformed(entry: Any) -> str:  # noqa: ANN401
    if entry is None:
        return "it is missing from the checklist"
    if is_unknown(at(entry, "state")) or is_unknown(at(entry, "required")):
        return "nobody can tell yet how it stands"
    if not isinstance(entry, Mapping) or not isinstance(at(entry, "required"), bool):
        return "it does not say whether it is required"
    if text_at(entry, "state") not in _STATES:
        return f"its state is {at(entry, 'state')!r}; there are: {', '.join(sorted(_STATES))}"
    return ""


def _not_required(entry: Mapping[str, Any], item: Item, given: Given) -> str:
    if entry["required"] or item.name not in ALWAYS_REQUIRED.get(given.environment, frozenset()):
        return ""
    return f"the settings do not require it, but {given.environment} does: add it to checklist.required"


def _not_closed(entry: Mapping[str, Any], item: Item) -> str:
    if not entry["required"]:
        return ""
    state = entry["state"]
    if state not in _CLOSED or (state == State.PLANNED and item.name not in _PROVEN_BY_A_GATE):
        return f"{state}: {text_at(entry, 'value') or 'nothing was found'}"
    if state == State.WAIVED and not _DAY.match(text_at(entry, "until")):
        return "its waiver names no day on which it ends"
    return ""


def waived_items(items: Any) -> tuple[tuple[Item, Mapping[str, Any]], ...]:  # noqa: ANN401
    """Return the items that are waived, with what is known of each."""
    found = ((item, at(items, key_of(item))) for item in ITEMS)
    return tuple((item, entry) for item, entry in found if at(entry, "state") == State.WAIVED)


def rule_of(item: Item) -> Rule:
    """Return the rule that holds a release up while the item is open."""

    def judge(properties: Properties, given: Given) -> Found:
        found = open_item(at(properties, "items"), item, given)
        return [] if found is None else [f"{found.why}; what closes it: {found.closes}"]

    return Rule(
        name=f"checklist-{key_of(item)}",
        topic=Topic.CHECKLIST,
        severity=Severity.CRITICAL,
        description=f"Item {item.number} of the checklist: {item.title}.",
        remedy="do what closes it, or waive it for this release: checklist.waivers, which everybody is told of.",
        applies=kind(CHECKLIST),
        judge=judge,
        item=item.number,
    )


def of_this_release(properties: Properties, given: Given) -> Found:
    """Refuse a checklist of another environment or of no release."""
    found: Found = []
    environment = at(properties, "environment")
    if environment != given.environment:
        found.append(f"it is the checklist of {environment!r}, and this is {given.environment}")
    if not text_at(properties, "version"):
        found.append(f"it is the checklist of release {at(properties, 'version')!r}, which is none")
    return found


RULES = (
    *(rule_of(item) for item in ITEMS),
    Rule(
        name="checklist-of-this-release",
        topic=Topic.CHECKLIST,
        severity=Severity.CRITICAL,
        description="The checklist is that of this environment and names its release.",
        remedy="Use the stack that is called after its environment, and Checklist.inputs() of evidence/checklist.",
        applies=kind(CHECKLIST),
        judge=of_this_release,
    ),
)
