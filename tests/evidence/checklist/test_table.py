"""The table shows all nineteen items and what closes each open one, within the width of a terminal."""

from __future__ import annotations

from datetime import date
from typing import Any

from evidence.checklist.checklist import Checklist
from evidence.checklist.gather import gather
from evidence.checklist.proof import Proof, State
from evidence.checklist.table import WIDTH, table
from tests.evidence.checklist.candidates import checklist_settings

TODAY = date(2031, 5, 14)
LONG = "git fetch origin main && " * 12
PROVERS = {
    "merged": lambda: Proof(State.PROVEN, "git", "commit abc1234 is part of origin/main", "main is at 1a2b3c4"),
    "tests": lambda: Proof(State.MISSING, "GitHub", "'e2e' is failure", link="https://x.example/1", closes="run e2e"),
    "review": lambda: Proof(State.UNKNOWN, "GitHub", "no answer\nat all", closes=LONG),
    "notes": lambda: Proof(State.MISSING, "releases/v1.md", "is " + "very " * 60 + "long", closes="write it"),
}


def found(**settings: Any) -> Checklist:
    own = checklist_settings(**settings)
    return gather(PROVERS, own, environment="prod", version="v2031.05.14", today=TODAY)


def shown(**settings: Any) -> list[str]:
    return table(found(**settings), TODAY).splitlines()


def test_there_are_nineteen_rows_and_no_line_is_too_wide() -> None:
    lines = shown(required="all")
    assert [line.split()[0] for line in lines[3:22]] == [str(number) for number in range(1, 20)]
    assert max(map(len, lines)) <= WIDTH


def test_a_row_has_the_state_where_it_comes_from_what_was_found_and_what_was_seen() -> None:
    row = next(line for line in shown() if line.startswith(" 1 "))
    assert "all changes are merged to main" in row
    assert row.endswith("proven     git: commit abc1234 is part of origin/main (main is at 1a2b3c4)")


def test_each_open_item_stands_below_with_what_closes_it() -> None:
    lines = shown(required=["merged", "tests", "review"])
    assert lines[0] == "checklist of v2031.05.14 for prod: 2 of 3 required items are open; nothing is deployed"
    at = lines.index("what closes each open item:")
    assert lines[at + 1 : at + 5] == [
        " 2  tests: missing: GitHub: 'e2e' is failure",
        "    -> run e2e",
        "       https://x.example/1",
        " 3  review: unknown: GitHub: no answer at all",
    ]
    assert " ".join(line.strip() for line in lines[at + 5 :]) == f"-> {LONG.strip()}"


def test_what_is_open_stands_out_and_what_is_not_required_is_in_brackets() -> None:
    lines = shown(required=["tests"])
    assert "MISSING" in lines[4]
    assert "(unknown)" in lines[5]


def test_where_nothing_is_open_it_says_so_and_asks_for_nothing() -> None:
    lines = shown(required=["merged"])
    assert lines[0] == "checklist of v2031.05.14 for prod: no required item is open (1 required)"
    assert "what closes each open item:" not in lines
    assert len(lines) == 22


def test_a_waiver_shows_how_many_days_are_left() -> None:
    def row(until: str) -> str:
        waiver = {"item": "tests", "reason": "one runner is down", "by": "ana", "until": until}
        return next(line for line in shown(required=["tests"], waivers=[waiver]) if line.startswith(" 2 "))

    assert "waiver by ana: one runner is down" in row("2031-05-17")
    days = {until: words_of_until(until) for until in ("2031-05-17", "2031-05-15", "2031-05-14", "2031-05-13")}
    assert days == {
        "2031-05-17": "until 2031-05-17, 3 days left",
        "2031-05-15": "until 2031-05-15, 1 day left",
        "2031-05-14": "until today, 2031-05-14",
        "2031-05-13": "until 2031-05-13",
    }


def words_of_until(until: str) -> str:
    proof = Proof(State.WAIVED, "s", "v", until=until)
    checklist = gather({"tests": lambda: proof}, checklist_settings(), environment="prod", version="v1", today=TODAY)
    row = next(line for line in table(checklist, TODAY).splitlines() if line.startswith(" 2 "))
    return row.rpartition("(")[2].rstrip(")")


def test_broken_glass_is_never_silent() -> None:
    glass = {"release": "v2031.05.14", "by": "dee", "reason": "logins fail", "until": "2031-05-15", "items": "all"}
    text = table(found(required="all", break_glass=glass), TODAY)
    assert "BREAK-GLASS: dee broke the glass for v2031.05.14 until 2031-05-15: logins fail" in text
