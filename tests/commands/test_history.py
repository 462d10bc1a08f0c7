"""`make history` prints what is on record, in 120 columns, without a colour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import ClusterError
from cluster.history.history import History, ReleaseRecord
from cluster.release import Release
from commands import __main__ as command_line
from commands.history import WIDTH, duration, history
from settings import OVERLAY
from tests.cluster.api_server import ApiServer
from tests.fake_time import Told

ROOT = Path(__file__).resolve().parents[2]
NAME = "release-manager-staging"
START = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
CAUSE = "step 50 %: FAIL: errors 5.1 % of 302 requests, more than 0.1 % allowed; stable shows 0.0 % at that time"
QUERY = (
    'sum(rate(release_manager_errors_total{namespace="staging"}[5m])) / sum(rate(release_manager_requests_total[5m]))'
)


class Written:
    """A server with two releases on record: one verified, one that failed in its second step."""

    def __init__(self) -> None:
        self.server, self.now = ApiServer(), START
        first = self._record("v2024.05.13.093000", "ana", "")
        first.finish("verified")
        self.now += timedelta(hours=2)
        second = self._record("v2024.05.14.093000-with-a-long-name", "ben@a-machine-with-a-long-name", "v2024.05.13")
        second.append("gate", step="10 %", verdict="PASS", reason="no errors in 1,203 requests", seconds=31.2)
        second.append(
            "gate",
            step="50 %",
            verdict="FAIL",
            reason=CAUSE,
            seconds=4.2,
            numbers={"requests": 302, "errors": 15.0},
            samples=[{"t": each, "requests": each * 20} for each in range(100)],
            query=QUERY,
        )
        second.append("rollback", cause=CAUSE, outcome="PASS: v1 serves again", seconds=6.1, hurt=15, by="cy")
        second.finish("failed", CAUSE)

    def _record(self, version: str, by: str, before: str) -> ReleaseRecord:
        release = Release(version=version, image="r@sha256:" + "4f" * 32, configuration="c0ffee", revision="abc")
        record = ReleaseRecord(self.server.cluster(), NAME, release, Told().reporter, by, wall_clock=self._clock)
        record.begin(**{"from": before, "plan": {"strategy": "canary", "steps": [10, 50, 100]}})
        return record

    def _clock(self) -> datetime:
        self.now += timedelta(seconds=30)
        return self.now

    def shown(self, number: int | None = None) -> list[str]:
        return history(History(self.server.cluster(), NAME), number)


def test_the_table_has_one_line_for_each_release_newest_first() -> None:
    lines = Written().shown()
    assert lines[0] == f"releases of {NAME}, newest first"
    assert lines[2].split() == ["NO", "VERSION", "FROM", "BY", "STARTED", "(UTC)", "TOOK", "OUTCOME", "CAUSE"]
    assert lines[3].startswith(
        " 2  v2024.05.14.093000-with-a…  v2024.05.13  ben@a-machine-wit…  2024-05-14 11:31  2 min"
    )
    assert lines[3].endswith("  failed")
    assert lines[4] == f"    {CAUSE}", "what has no room at the end stands below"
    assert lines[5].split() == ["1", "v2024.05.13.093000", "-", "ana", "2024-05-14", "09:30", "30.0", "s", "verified"]


@pytest.mark.parametrize("number", [None, 1, 2])
def test_no_line_is_wider_than_a_terminal_or_coloured(number: int | None) -> None:
    lines = Written().shown(number)
    assert max(map(len, lines)) <= WIDTH
    assert all("\x1b" not in line for line in lines)


def test_the_timeline_tells_each_gate_with_its_verdict_numbers_samples_and_query() -> None:
    text = "\n".join(Written().shown(2))
    assert text.startswith(f"release 2 of {NAME}: v2024.05.14.093000-with-a-long-name, failed after 2 min 00 s")
    flat = " ".join(text.split())
    assert "+0.0 s started" in flat
    assert "by: ben@a-machine-with-a-long-name" in flat
    assert "plan: strategy canary, steps 10, 50, 100" in flat
    assert "+30.0 s gate 10 % PASS (31.2 s) no errors in 1,203 requests" in flat
    assert f"+1 min 00 s gate 50 % FAIL (4.2 s) {CAUSE}" in flat
    assert "requests 302, errors 15" in flat
    assert "60 samples: t 0 to 99, requests 0 to 1980" in flat
    assert f"query: {QUERY}" in flat
    assert "rollback PASS: v1 serves again (6.1 s)" in flat
    assert "hurt: 15" in flat
    assert "finished failed" in flat


def test_a_release_that_is_not_on_record_is_told_with_those_that_are() -> None:
    with pytest.raises(ClusterError, match="there is no record of release 7; there are: 2, 1"):
        Written().shown(7)
    assert history(History(ApiServer().cluster(), NAME), None) == [f"no release of {NAME} is on record yet"]


def test_a_record_that_somebody_spoilt_is_shown_as_far_as_it_can_be_read() -> None:
    written = Written()
    data: dict[str, Any] = written.server.config_maps[f"{NAME}-release-2"]["data"]
    data["0001-started"] = "{"
    data["0003-gate"] = '{"at": "2024-05-14T09:31:00", "kind": "gate", "numbers": 3, "samples": [1], "seconds": "x"}'
    assert any("unreadable" in line for line in written.shown(2))
    assert len(written.shown()) == 6


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.8, "1 h 00 min"),
        (7384, "2 h 03 min"),
    ],
)
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_command_prints_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)
    written = Written()
    monkeypatch.setattr(command_line, "connect", lambda *_: written.server.cluster())
    assert command_line.main(["history", "--stack", "staging"]) == 0
    assert capsys.readouterr().out.splitlines() == written.shown()
    assert command_line.main(["history", "--stack", "staging", "--release", "9"]) == 1
    assert "there is no record of release 9" in capsys.readouterr().err
