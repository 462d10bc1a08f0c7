"""Lines that differ in their variable parts alone are one pattern, and what is new comes first."""

from __future__ import annotations

import pytest

from checks.watching.log_patterns import Line, compared, pattern_of


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        (
            "GET /api/releases/42 failed: timeout after 1.5 s",
            "GET /api/releases/<number> failed: timeout after <number> s",
        ),
        ("job 3f2b8c1e-9d4a-4a6e-8f00-1c2d3e4f5a6b is late", "job <uuid> is late"),
        ("cannot reach 10.0.12.7:5432", "cannot reach <address>"),
        ("peer fd00:1:2:3::4 is gone", "peer <address> is gone"),
        ("at 2024-05-14T09:30:02.123Z the queue was full", "at <time> the queue was full"),
        ("fetch https://api.internal/x?id=7 failed", "fetch <url> failed"),
        ("mail to ana.b@example.org bounced", "mail to <mail> bounced"),
        ("object at 0x7f12ab34 of abc1234def", "object at <number> of <hash>"),
        ("pod release-manager-prod-66d9f7c4b8-x2x4k left", "pod <pod> left"),
        ("took 12ms", "took <number>ms"),
        ("utf8 is not latin1", "utf8 is not latin1"),
        ("first line\nTraceback with 7 lines", "first line"),
        ("a decade faded", "a decade faded"),
        ("", ""),
    ],
)
def test_variable_parts_are_masked(message: str, pattern: str) -> None:
    assert pattern_of(message) == pattern


def test_a_long_line_is_cut_and_takes_no_time() -> None:
    assert len(pattern_of("x" * 1_000_000)) == 200
    assert len(pattern_of("1-" * 500_000)) <= 200
    assert len(pattern_of("a:" * 500_000)) <= 200


def test_new_patterns_come_first_then_errors_then_what_is_frequent() -> None:
    since = [Line("WARN", "slow 1"), Line("WARN", "slow 2"), Line("ERROR", "old 1"), Line("WARN", "fresh")]
    since += [Line("ERROR", "boom 1"), Line("ERROR", "boom 2"), Line("INFO", "listening")]
    before = [Line("ERROR", "old 7"), Line("WARN", "slow 9"), Line("ERROR", "gone")]
    found = compared(since, before, ("ERROR", "WARN"))
    assert [str(each) for each in found] == [
        "ERROR 2 times (new): boom <number>",
        "WARN 1 times (new): fresh",
        "ERROR 1 times (1 in the hour before): old <number>",
        "WARN 2 times (1 in the hour before): slow <number>",
    ]


def test_a_pattern_of_another_level_is_another_pattern() -> None:
    [found] = compared([Line("ERROR", "x")], [Line("WARN", "x")], ("ERROR", "WARN"))
    assert found.new
