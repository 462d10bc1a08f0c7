"""While a verification runs, one live line shows every step with its state and time."""

from __future__ import annotations

from checks.verdict import Kind
from reports.progress import Progress
from tests.fake_time import FakeTime, Told


def test_the_list_shows_what_is_done_what_runs_and_what_is_to_come() -> None:
    time, told = FakeTime(), Told()
    progress = Progress(told.reporter, time.clock)
    progress.begins(["pods", "health", "smoke tests"])
    assert told.lines == ["verification: 3 steps: pods, health, smoke tests"]
    progress.step_begins("pods")
    time.seconds += 3
    progress.step_ends("pods", Kind.PASS, 3.0)
    progress.step_begins("health")
    time.seconds += 2
    progress.reporter.live("health 2 of 10: fine")
    assert told.live == [
        "verification, 0 s: > pods 0 s | health | smoke tests",
        "verification, 3 s: pods ok 3 s | > health 0 s | smoke tests",
        "verification, 5 s: pods ok 3 s | > health 2 s | smoke tests | health 2 of 10: fine",
    ]


def test_what_a_script_prints_stands_line_by_line_as_it_is() -> None:
    time, told = FakeTime(), Told()
    progress = Progress(told.reporter, time.clock)
    progress.begins(["smoke tests"])
    progress.step_begins("smoke tests")
    progress.reporter.live("smoke tests: ok GET /releases")
    assert told.live[-1] == "smoke tests: ok GET /releases"


def test_a_step_without_a_pass_keeps_its_verdict_and_what_follows_stands_alone() -> None:
    time, told = FakeTime(), Told()
    progress = Progress(told.reporter, time.clock)
    progress.begins(["pods", "health"])
    progress.step_begins("pods")
    progress.step_ends("pods", Kind.UNREACHABLE, 4.0)
    progress.reporter.live("rollback: 1 of 2 pods")
    assert told.live[-1] == "rollback: 1 of 2 pods"
    progress.step_begins("health")
    assert told.live[-1] == "verification, 0 s: pods UNREACHABLE 4 s | > health 0 s"
