"""The tables say whether a goal was met, and what was never taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from bench.canary_cases import FAULTS, GOALS, NAMES, TO_BEAT, chosen, fault_of
from bench.canary_figures import Exposure, Run, Summary, summary
from bench.canary_table import compared, measured, meets

GOAL = GOALS["errors-5"]


def of_case(name: str, *, seconds: float = 1.5, bad: int = 3, step: str | None = "10 %", lost: int = 0) -> Summary:
    found = Exposure(total=5000, bad=bad, seconds=seconds, off_seconds=seconds + 0.1, share=0.005, lost=lost)
    return summary(name, [Run(found, step)])


def text_of(table: Table) -> str:
    console = Console(width=250)
    with console.capture() as printed:
        console.print(table)
    return printed.get()


def test_a_goal_is_met_when_time_and_bad_answers_are_within_it() -> None:
    assert meets(of_case("errors-5", seconds=GOAL.seconds, bad=int(GOAL.bad)), GOAL)


@pytest.mark.parametrize(
    "row",
    [
        of_case("errors-5", seconds=GOAL.seconds + 0.1),
        of_case("errors-5", bad=int(GOAL.bad) + 1),
        of_case("errors-5", lost=1),
        of_case("errors-5", step=None),
    ],
    ids=["too slow", "too many", "a request lost", "never taken back"],
)
def test_a_goal_is_missed_when_any_part_of_it_is(row: Summary) -> None:
    assert not meets(row, GOAL)
    assert "missed" in text_of(compared([row], TO_BEAT))


def test_the_canary_stands_beside_its_goal_and_what_it_has_to_beat() -> None:
    line = next(line for line in text_of(compared([of_case("errors-5")], TO_BEAT)).splitlines() if "5 %" in line)

    for figure in ("1.5 s / 3", "2 s / 4", "29 s / 25", "8.3 s / 8", "3.4 s / 5", "met"):
        assert figure in line


def test_a_plain_rolling_update_is_measured_but_has_no_goal() -> None:
    rows = [of_case("errors-5"), of_case("rolling-errors-5", seconds=60.0, bad=500, step=None)]

    assert "never: 60 s watched" in text_of(measured(rows, 200))
    assert "rolling" not in text_of(compared(rows, TO_BEAT))


def test_runs_that_were_not_all_taken_back_are_told() -> None:
    row = replace(of_case("errors-1"), runs=5, found=4, steps=("4 at 10 %",))

    assert "4 of 5: 4 at 10 %" in text_of(measured([row], 200))


def test_all_cases_are_measured_unless_some_are_named() -> None:
    assert chosen("") == list(NAMES)
    assert chosen("rolling-latency, errors-5") == ["errors-5", "rolling-latency"]


def test_a_case_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"no case 'errors-7'; there are: errors-100, errors-5"):
        chosen("errors-5,errors-7")


def test_a_slow_release_is_slower_by_what_the_route_usually_takes() -> None:
    assert fault_of("rolling-latency").environment(0.0042) == {"FAULT_LATENCY_SECONDS": "0.0042"}
    assert FAULTS["errors-1"].environment(0.0042) == {"FAULT_ERROR_RATE": "0.01"}
