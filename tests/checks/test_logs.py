"""The log is read and its errors are shown; an application that says nothing cannot be watched."""

from __future__ import annotations

import json

import pytest

from checks.logs import error_of, read_logs
from checks.objects import Pod
from checks.verdict import Kind
from tests.checks.fake_reader import FakeReader
from tests.recorded import pod

PODS = [Pod.model_validate(pod(name)) for name in ("one", "two")]


def line(level: str, message: str) -> str:
    return json.dumps({"timestamp": "2024-05-14T09:30:02Z", "level": level, "message": message})


@pytest.mark.parametrize("level", ["ERROR", "error", "CRITICAL", "FATAL"])
def test_a_line_of_an_error_level_gives_its_message(level: str) -> None:
    assert error_of(line(level, "cannot connect")) == "cannot connect"


def test_a_traceback_counts_and_other_lines_do_not() -> None:
    assert error_of("Traceback (most recent call last):") is not None
    for other in (line("INFO", "ERROR in a message"), line("WARNING", "slow"), "plain ERROR text", "", "[]", "1"):
        assert error_of(other) is None


def test_the_lines_are_shared_among_the_pods() -> None:
    reader = FakeReader(the_logs={("one", False): [line("INFO", "up")] * 80, ("two", False): [line("ERROR", "x")]})
    verdict = read_logs(reader, PODS, lines=100)
    assert reader.logs_asked == [("one", 50, False), ("two", 50, False)]
    assert verdict.kind is Kind.PASS
    assert verdict.numbers == {"lines": 51, "errors": 1}
    assert verdict.reason == "51 log lines of 2 pods read, 1 of level ERROR"
    assert verdict.details == ("x",)


def test_only_the_last_errors_are_shown() -> None:
    reader = FakeReader(the_logs={("one", False): [line("ERROR", str(number)) for number in range(9)]})
    assert read_logs(reader, PODS[:1], lines=100).details == ("4", "5", "6", "7", "8")


def test_silence_is_no_data() -> None:
    assert read_logs(FakeReader(), PODS, lines=100).kind is Kind.NO_DATA
    assert read_logs(FakeReader(), [], lines=100).kind is Kind.NO_DATA


def test_a_cluster_that_gives_no_answer_is_unreachable() -> None:
    assert read_logs(FakeReader(logs_away=True), PODS, lines=100).kind is Kind.UNREACHABLE


def test_each_pod_is_read_even_if_there_are_more_pods_than_lines() -> None:
    reader = FakeReader()
    read_logs(reader, PODS, lines=1)
    assert [lines for _, lines, _ in reader.logs_asked] == [1, 1]
