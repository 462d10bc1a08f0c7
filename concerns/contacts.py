"""Whom to tell when a release goes wrong."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from concerns.concern import Concern

# What still has to be filled in stands in angle brackets, so that nobody takes it for a number.
PHONE = r"^(\+[0-9][0-9 ()/-]{4,}[0-9]|<[^<>]+>)$"
SLACK = r"^(@[A-Za-z0-9][A-Za-z0-9._-]*|<[^<>]+>)$"


class ContactSettings(Concern):
    """One person to tell. Contacts are told in the order in which they stand."""

    role: str = Field(min_length=1, description="Such as: release manager, on-call engineer.")
    name: str = Field(min_length=1, description="Of the person, or of the shift.")
    phone: str = Field(pattern=PHONE, description="In international form, as +49 30 1234567; <...> is to be filled in.")
    slack: str = Field(
        pattern=SLACK,
        description="Slack handle, as @name, or ID, as @U012AB3CD, which Slack notifies; <...> is to be filled in.",
    )


def whom_to_tell(contacts: Sequence[ContactSettings]) -> str:
    """Return the contacts in their order as lines for a message, each after a line break; nothing without any."""
    if not contacts:
        return ""
    people = [f"{one.role}: {one.name}, {one.phone}, {one.slack}" for one in contacts]
    return "\nTell, in this order, going on after 15 minutes without an answer:" + "".join(
        f"\n  {number}. {person}" for number, person in enumerate(people, 1)
    )
