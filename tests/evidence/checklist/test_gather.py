"""All items are asked at once, within one time-out, and whoever fails or hangs holds nobody else up."""

from __future__ import annotations

import threading
from collections.abc import Collection
from concurrent import futures
from concurrent.futures import Future
from datetime import date
from typing import Any

import httpx
import pytest

from checks.reader import Unreachable
from cluster.errors import ClusterError
from evidence.checklist.checklist import Checklist
from evidence.checklist.gather import gather
from evidence.checklist.item import ITEMS
from evidence.checklist.proof import Proof, Provers, State
from evidence.errors import EvidenceError
from tests.evidence.checklist.candidates import checklist_settings

TODAY = date(2031, 5, 14)
PROVEN = Proof(State.PROVEN, "git", "commit abc1234 is part of origin/main", "origin/main is at def5678")


def gathered(provers: Provers, wait: Any = None, **values: Any) -> Checklist:
    own = {} if wait is None else {"wait": wait}
    settings = checklist_settings(**values)
    return gather(provers, settings, environment="prod", version="v2031.05.14", today=TODAY, **own)


def proof_of(checklist: Checklist, name: str) -> Proof:
    return next(line.proof for line in checklist.lines if line.item.name == name)


def test_there_is_a_line_for_each_of_the_nineteen_items_in_the_guides_order() -> None:
    checklist = gathered({"tag": lambda: PROVEN})
    assert [line.item for line in checklist.lines] == list(ITEMS)
    assert proof_of(checklist, "tag") == PROVEN
    assert {line.proof.state for line in checklist.lines if line.item.name != "tag"} == {State.MISSING}


def test_an_item_that_nobody_proves_says_what_closes_it() -> None:
    checklist = gathered({}, required="all")
    assert len(checklist.open) == 19
    assert "checklist.statements, with item on-call" in proof_of(checklist, "on-call").closes
    assert "checklist.waivers, with item tests" in proof_of(checklist, "tests").closes


def test_a_prover_that_does_not_say_what_closes_its_item_is_helped() -> None:
    checklist = gathered({"logs": lambda: Proof(State.MISSING, "logs", "nothing was logged")})
    assert "checklist.waivers, with item logs" in proof_of(checklist, "logs").closes


def test_a_prover_that_hangs_holds_no_other_and_its_item_is_unknown() -> None:
    hangs, end = threading.Event(), threading.Event()

    def hang() -> Proof:
        hangs.set()
        end.wait(60)
        return PROVEN

    def only_beside_it() -> Proof:
        assert hangs.wait(60), "the others wait for the one that hangs"
        return PROVEN

    def until_the_others_are_done(asked: Collection[Future[Proof]], seconds: float) -> None:
        assert seconds == 0.5
        waiting = set(asked)
        while len(waiting) > 1:
            done, waiting = futures.wait(waiting, timeout=60, return_when=futures.FIRST_COMPLETED)
            assert done

    provers = {"merged": hang, "tests": only_beside_it, "rollback": only_beside_it}
    try:
        checklist = gathered(provers, until_the_others_are_done, timeout_seconds=0.5, required=["merged"])
    finally:
        end.set()
    assert proof_of(checklist, "tests") == proof_of(checklist, "rollback") == PROVEN
    late = proof_of(checklist, "merged")
    assert (late.state, late.value) == (State.UNKNOWN, "no answer within 0.5 s")
    assert [line.item.name for line in checklist.open] == ["merged"]


def test_the_real_wait_ends_at_the_time_out() -> None:
    end = threading.Event()

    def hang() -> Proof:
        end.wait(60)
        return PROVEN

    try:
        assert proof_of(gathered({"tests": hang}, timeout_seconds=0.1), "tests").state is State.UNKNOWN
    finally:
        end.set()


@pytest.mark.parametrize(
    ("error", "value", "closes"),
    [
        (
            EvidenceError("GitHub gives no answer; see that\nit answers"),
            "GitHub gives no answer",
            "see that it answers",
        ),
        (ClusterError("the record is damaged", mend="kubectl delete it"), "the record is damaged", "kubectl delete it"),
        (Unreachable("the cluster gives no answer"), "the cluster gives no answer", "run the same command again"),
        (httpx.ConnectError("hunter2-the-secret"), "no answer (ConnectError)", "run the same command again"),
        (KeyError("hunter2-the-secret"), "a fault in the program itself (KeyError)", "report the fault"),
    ],
)
def test_a_prover_that_fails_makes_its_item_unknown_with_one_line(error: Exception, value: str, closes: str) -> None:
    def fail() -> Proof:
        raise error

    proof = proof_of(gathered({"tests": fail}), "tests")
    assert (proof.state, proof.value) == (State.UNKNOWN, value)
    assert closes in proof.closes
    assert "hunter2" not in repr(proof)
    assert "\n" not in proof.value + proof.closes


def test_only_what_is_required_and_not_closed_is_open() -> None:
    states = dict(zip(("merged", "tests", "review", "markers", "tag", "plan", "notes"), State, strict=True))
    provers = {name: (lambda found=state: Proof(found, "s", "v")) for name, state in states.items()}
    everything = gathered(provers, required=list(states))
    assert [line.item.name for line in everything.open] == ["tag", "plan", "notes"]
    assert gathered(provers).open == ()
    assert [line.item.name for line in gathered(provers, required=["tag", "merged"]).open] == ["tag"]


def test_a_prover_of_no_item_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="there is no item merge; there are: merged, "):
        gathered({"merge": lambda: PROVEN})


def test_the_inputs_are_plain_data_without_what_was_just_seen() -> None:
    checklist = gathered({"merged": lambda: PROVEN}, required=["merged"])
    inputs = checklist.inputs()
    assert (inputs["environment"], inputs["version"]) == ("prod", "v2031.05.14")
    assert list(inputs["items"]) == [f"{item.number:02}-{item.name}" for item in ITEMS]
    assert inputs["items"]["01-merged"] == {
        "number": 1,
        "title": "all changes are merged to main",
        "required": True,
        "state": "proven",
        "source": "git",
        "value": "commit abc1234 is part of origin/main",
        "link": "",
        "closes": "",
        "until": "",
    }
    assert type(inputs["items"]["01-merged"]["state"]) is str


def test_an_unchanged_situation_gives_the_same_inputs_whatever_was_seen() -> None:
    seen = iter(("origin/main is at def5678", "origin/main is at 0123456"))

    def look() -> Proof:
        return Proof(State.PROVEN, "git", "commit abc1234 is part of origin/main", next(seen))

    first, second = gathered({"merged": look}), gathered({"merged": look})
    assert first != second
    assert first.inputs() == second.inputs()


def test_what_is_waived_is_told_by_whom_until_when_and_why() -> None:
    glass = {"release": "v2031.05.14", "by": "cy", "reason": "logins fail", "until": "2031-05-14", "items": ["window"]}
    waiver = {"item": "tests", "by": "ben", "until": "2031-05-15", "reason": "no runner"}
    found = gathered({}, waivers=[waiver], break_glass=glass).told_waived()
    assert found["items"] == [
        "2 tests: waiver by ben until 2031-05-15: no runner",
        "11 window: break-glass waiver by cy until 2031-05-14: logins fail",
    ]
    assert found["break_glass"].startswith("cy broke the glass for v2031.05.14")
    assert gathered({}).told_waived() == {}
