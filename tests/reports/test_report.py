"""A verification ends with its table, verification.json and verification.html; nothing about them decides a release."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from checks.verdict import Kind, Verdict
from cluster.api import Cluster
from cluster.history.history import Attempt, History
from cluster.verification.steps import StepEnd
from reports.progress import Progress
from reports.record import ChartRecord, VerificationRecord
from reports.report import JSON_FILE, PAGE_FILE, VerificationReport
from tests.fake_time import FakeTime, Told
from tests.reports.sample import NOW, RELEASE, attempt


class FakeHistory(History):
    def __init__(self, *attempts: Attempt) -> None:
        away = httpx.Client(
            base_url="https://10.0.0.1:6443", transport=httpx.MockTransport(lambda _r: httpx.Response(503))
        )
        super().__init__(Cluster(away, "production"), "release-manager-prod")
        self.attempts = list(attempts)

    def read(self) -> list[Attempt]:
        return self.attempts or super().read()


class Watched:
    """A report in `directory`, whose clock stands at NOW plus what has passed."""

    def __init__(self, directory: Path, *attempts: Attempt) -> None:
        self.time, self.told = FakeTime(), Told()
        self.asked: list[tuple[float, float]] = []
        self.report = VerificationReport(
            stack="prod",
            namespace="production",
            directory=directory,
            history=FakeHistory(*attempts),
            charts=self.charts,
            error_percent=0.1,
            progress=Progress(self.told.reporter, self.time.clock),
            wall_clock=lambda: NOW + timedelta(seconds=self.time.passed),
        )

    def charts(self, start: float, end: float) -> Sequence[ChartRecord]:
        self.asked.append((start, end))
        return (ChartRecord(title="memory", unit="%", problem="nobody knows"),)

    def verify(self, last: Kind = Kind.PASS) -> None:
        self.report.begins(RELEASE, ["pods", "smoke tests", "key metrics"])
        for name, kind in (("pods", Kind.PASS), ("smoke tests", last)):
            self.report.step_begins(name)
            self.time.seconds += 5
            verdict = Verdict(kind, "said", {"status": 1}, "a query", (), ("printed",))
            self.report.step_ends(StepEnd(name, verdict, NOW + timedelta(seconds=self.time.passed - 5), 5.0))
        self.time.seconds += 20
        self.report.ends("failed", "release v2024.05.14 was taken back")


def written(directory: Path) -> VerificationRecord:
    return VerificationRecord.model_validate_json((directory / JSON_FILE).read_text())


def test_the_record_holds_each_step_and_the_way_of_the_release(tmp_path: Path) -> None:
    watched = Watched(tmp_path, attempt())
    watched.verify(Kind.FAIL)
    record = written(tmp_path)
    assert (record.outcome, record.release, record.seconds) == ("failed", RELEASE, 30.0)
    assert [(each.name, each.verdict, each.seconds) for each in record.steps] == [
        ("pods", "PASS", 5.0),
        ("smoke tests", "FAIL", 5.0),
        ("key metrics", "NOT_TAKEN", None),
    ]
    assert record.steps[1].output == ("printed",)
    assert record.steps[1].began == NOW + timedelta(seconds=5)
    assert [each.name for each in record.phases] == ["10 %", "verification"]
    assert (record.phases[1].began, record.phases[1].ended) == (NOW, NOW + timedelta(seconds=10))
    assert [each.title for each in record.charts] == ["memory", "errors at step 10 %"]
    assert {file.name for file in tmp_path.iterdir()} == {JSON_FILE, PAGE_FILE}, "and no half of a file is left"


def test_a_release_that_ends_in_its_canary_has_its_report_too(tmp_path: Path) -> None:
    watched = Watched(tmp_path, attempt())
    verdict = Verdict(Kind.FAIL, "errors 5 %", {"canary_requests": 200})
    step = StepEnd("step 10 %", verdict, NOW, 4.0)
    watched.time.seconds += 9

    watched.report.canary_ended(RELEASE, step, ["step 50 %", "verification"], "failed", "it was taken back")

    record = written(tmp_path)
    assert (record.outcome, record.text, record.seconds) == ("failed", "it was taken back", 9.0)
    assert [(each.name, each.verdict) for each in record.steps] == [
        ("step 10 %", "FAIL"),
        ("step 50 %", "NOT_TAKEN"),
        ("verification", "NOT_TAKEN"),
    ]
    assert [each.name for each in record.phases] == ["10 %"], "there was no verification"
    assert (tmp_path / PAGE_FILE).is_file()


def test_the_charts_begin_before_the_release_did(tmp_path: Path) -> None:
    watched = Watched(tmp_path, attempt())
    watched.verify()
    began = (NOW - timedelta(seconds=60)).timestamp()
    [(start, end)] = watched.asked
    assert end == NOW.timestamp() + 30
    assert start == began - (end - began), "as long before it as it took"


def test_the_table_and_the_files_are_told(tmp_path: Path) -> None:
    watched = Watched(tmp_path, attempt())
    watched.verify()
    assert watched.told.lines[0] == "verification: 3 steps: pods, smoke tests, key metrics"
    assert watched.told.lines[-2].startswith("verification of v2024.05.14 in production: failed after 30.0 s\nSTEP")
    assert watched.told.lines[-1] == f"verification: the record is in {JSON_FILE}, the report in {PAGE_FILE}"


def test_without_the_record_of_the_release_there_is_a_report_all_the_same(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.verify()
    assert any("the release's record cannot be read" in line for line in watched.told.lines)
    assert [each.name for each in written(tmp_path).phases] == ["verification"]


def test_the_canary_of_another_release_is_not_shown(tmp_path: Path) -> None:
    watched = Watched(tmp_path, attempt(identity="another"))
    watched.verify()
    assert [each.name for each in written(tmp_path).phases] == ["verification"]


@pytest.mark.parametrize("fault", ["no directory", "charts"])
def test_a_report_that_cannot_be_made_is_told_and_raises_nothing(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path / "missing" if fault == "no directory" else tmp_path, attempt())
    if fault == "charts":

        def broken(_start: float, _end: float) -> Sequence[ChartRecord]:
            raise ValueError("a fault of the program")

        monkeypatch.setattr(watched.report, "charts", broken)
    watched.verify()
    assert watched.told.lines[-1].startswith("verification: no report: ")


def test_an_older_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / JSON_FILE).write_text("x" * 1_000_000)
    Watched(tmp_path, attempt()).verify()
    assert json.loads((tmp_path / JSON_FILE).read_text())["format"] == 1
