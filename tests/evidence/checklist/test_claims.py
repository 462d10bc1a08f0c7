"""A waiver or a statement closes an item until its day, and nothing that it must not close."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from evidence.checklist.checklist import Checklist
from evidence.checklist.claims import with_claims
from evidence.checklist.gather import gather
from evidence.checklist.proof import Proof, State
from tests.evidence.checklist.candidates import checklist_settings

TODAY = date(2031, 5, 14)
VERSION = "v2031.05.14"
MISSING = Proof(State.MISSING, "PagerDuty", "nobody is on call", closes="see PagerDuty")
UNKNOWN = Proof(State.UNKNOWN, "PagerDuty", "no answer within 3 s", closes="try again")
PROVEN = Proof(State.PROVEN, "PagerDuty", "ana is on call")


def waiver(**changes: Any) -> dict[str, Any]:
    return {"item": "on-call", "reason": "nobody ships at night", "by": "ana", "until": "2031-05-14", **changes}


def statement(**changes: Any) -> dict[str, Any]:
    own = {"item": "on-call", "by": "ben", "dated": "2031-05-13", "until": "2031-05-14", "text": "Cy has the pager"}
    return {**own, **changes}


def break_glass(**changes: Any) -> dict[str, Any]:
    own = {"release": VERSION, "by": "dee", "reason": "logins fail for all", "until": "2031-05-15", "items": "all"}
    return {**own, **changes}


def judged(proof: Proof, **settings: Any) -> Proof:
    return with_claims("on-call", proof, checklist_settings(**settings), version=VERSION, today=TODAY)


def gathered(**settings: Any) -> Checklist:
    return gather(
        {"tag": lambda: PROVEN},
        checklist_settings(required="all", **settings),
        environment="prod",
        version=VERSION,
        today=TODAY,
    )


@pytest.mark.parametrize("found", [MISSING, UNKNOWN])
def test_a_waiver_closes_what_is_missing_or_unknown_and_says_by_whom_why_and_until_when(found: Proof) -> None:
    proof = judged(found, waivers=[waiver()])
    assert (proof.state, proof.source, proof.value) == (State.WAIVED, "waiver by ana", "nobody ships at night")
    assert proof.until == "2031-05-14"
    assert found.value in proof.seen, "what it hides is still shown"


@pytest.mark.parametrize("found", [MISSING, UNKNOWN])
def test_a_statement_closes_what_is_missing_or_unknown_as_stated_not_as_proven(found: Proof) -> None:
    proof = judged(found, statements=[statement()])
    assert (proof.state, proof.value, proof.until) == (State.STATED, "Cy has the pager", "2031-05-14")
    assert proof.source == "statement by ben of 2031-05-13"


def test_proof_wins_over_both() -> None:
    assert judged(PROVEN, waivers=[waiver()], statements=[statement()]) == PROVEN


def test_a_waiver_wins_over_a_statement() -> None:
    assert judged(MISSING, waivers=[waiver()], statements=[statement()]).state is State.WAIVED


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"waivers": [waiver(until="2031-05-13")]}, "the waiver by ana ended on 2031-05-13"),
        (
            {"statements": [statement(until="2031-05-13")]},
            "the statement by ben of 2031-05-13 ended on 2031-05-13",
        ),
        ({"break_glass": break_glass(until="2031-05-13")}, "the break-glass waiver by dee ended on 2031-05-13"),
    ],
)
def test_on_the_day_after_its_last_it_no_longer_counts_and_the_item_is_expired(
    settings: dict[str, Any], said: str
) -> None:
    proof = judged(MISSING, **settings)
    assert proof.state is State.EXPIRED
    assert not proof.state.closed
    assert proof.value == f"nobody is on call; {said}"
    assert (proof.closes, proof.until) == ("see PagerDuty", "2031-05-13")


def test_what_is_unknown_stays_unknown_whatever_has_expired() -> None:
    proof = judged(UNKNOWN, waivers=[waiver(until="2031-05-13")], statements=[statement(until="2031-05-13")])
    assert proof.state is State.UNKNOWN


def test_what_ended_does_not_hide_what_counts() -> None:
    waivers = [waiver(until="2031-05-13", by="old"), waiver(until="2031-05-20", by="new")]
    assert judged(MISSING, waivers=waivers).source == "waiver by new"
    ended = [waiver(until="2031-05-13")]
    assert judged(MISSING, waivers=ended, statements=[statement()]).state is State.STATED


def test_a_statement_of_a_day_to_come_does_not_count_yet() -> None:
    proof = judged(MISSING, statements=[statement(dated="2031-05-15", until="2031-06-01")])
    assert proof.state is State.MISSING
    assert "is of a day that is still to come" in proof.value


def test_a_claim_of_another_item_or_release_changes_nothing() -> None:
    others = [waiver(item="tests"), waiver(release="v2031.05.13"), waiver(until="2031-05-01", release="v2031.05.13")]
    glass = break_glass(release="v2031.05.13")
    assert judged(MISSING, waivers=others, statements=[statement(item="announcement")], break_glass=glass) == MISSING


def test_a_waiver_for_this_release_counts() -> None:
    assert judged(MISSING, waivers=[waiver(release=VERSION)]).state is State.WAIVED


def test_broken_glass_waives_every_open_item_of_that_release_and_says_so_in_one_line() -> None:
    checklist = gathered(break_glass=break_glass())
    assert checklist.open == ()
    assert len(checklist.waived) == 18, "what is proven is not waived"
    assert checklist.break_glass.startswith(
        f"dee broke the glass for {VERSION} until 2031-05-15: logins fail for all ("
    )
    assert "tag" not in checklist.break_glass.rpartition("(")[2].rstrip(")").split(", ")


def test_broken_glass_for_some_items_waives_only_those() -> None:
    checklist = gathered(break_glass=break_glass(items=["tests"]))
    assert [line.item.name for line in checklist.waived] == ["tests"]
    assert checklist.break_glass.endswith("(tests)")


@pytest.mark.parametrize("settings", [{}, {"break_glass": break_glass(release="v2031.05.13")}])
def test_where_no_glass_is_broken_nothing_is_said(settings: dict[str, Any]) -> None:
    assert gathered(**settings).break_glass == ""


def test_an_ordinary_waiver_is_listed_and_breaks_no_glass() -> None:
    checklist = gathered(waivers=[waiver()])
    assert [line.item.name for line in checklist.waived] == ["on-call"]
    assert checklist.break_glass == ""
