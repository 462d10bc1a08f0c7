"""What closes an item that nothing proves: a waiver, or where that is allowed a person's statement, until its day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from concerns.checklist import BreakGlass, ChecklistSettings
from evidence.checklist.proof import Proof, State


@dataclass(frozen=True)
class Claim:
    """What a person says of an item. `why_not` is empty where it counts, else says why it does not."""

    state: State
    source: str
    value: str
    until: date
    why_not: str = ""
    expired: bool = False


def with_claims(name: str, proof: Proof, settings: ChecklistSettings, *, version: str, today: date) -> Proof:
    """Return how item `name` of release `version` stands once people are heard.

    What is closed by proof stays so. Else a waiver that counts on `today` makes it WAIVED, a statement STATED; claims
    of which the last day is over make what is MISSING EXPIRED. What is UNKNOWN stays so where no claim counts.
    """
    if proof.state.closed:
        return proof
    claims = [*_waivers(name, settings, version, today), *_statements(name, settings, today)]
    counting = [claim for claim in claims if not claim.why_not]
    if counting:
        best = counting[0]
        without = f"without it: {proof.state}, {proof.value}"
        return Proof(best.state, best.source, best.value, without, proof.link, until=best.until.isoformat())
    if not claims:
        return proof
    last = max(claims, key=lambda claim: (claim.expired, claim.until))
    ended = last.expired and proof.state is State.MISSING
    return replace(
        proof,
        state=State.EXPIRED if ended else proof.state,
        value=f"{proof.value}; {last.why_not}",
        until=last.until.isoformat(),
    )


def break_glass_source(found: BreakGlass) -> str:
    """Return how a proof names the emergency."""
    return f"break-glass waiver by {found.by}"


def _waivers(name: str, settings: ChecklistSettings, version: str, today: date) -> Iterator[Claim]:
    for each in sorted(settings.waivers, key=lambda waiver: waiver.until, reverse=True):
        if each.item == name and each.release in {None, version}:
            yield _claim(State.WAIVED, f"waiver by {each.by}", each.reason, each.until, today)
    found = settings.break_glass
    if found is not None and found.release == version and name in found.items:
        yield _claim(State.WAIVED, break_glass_source(found), found.reason, found.until, today)


def _statements(name: str, settings: ChecklistSettings, today: date) -> Iterator[Claim]:
    for each in sorted(settings.statements, key=lambda statement: statement.until, reverse=True):
        if each.item != name:
            continue
        claim = _claim(State.STATED, f"statement by {each.by} of {each.dated}", each.text, each.until, today)
        if today < each.dated:
            claim = replace(claim, why_not=f"the {claim.source} is of a day that is still to come")
        yield claim


def _claim(state: State, source: str, value: str, until: date, today: date) -> Claim:
    over = today > until
    return Claim(state, source, value, until, f"the {source} ended on {until}" if over else "", over)
