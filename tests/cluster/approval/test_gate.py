"""A release begins only with an approval of exactly its version that counts, and only in its window."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from cluster.approval.approvals import Approvals
from cluster.approval.gate import ReleaseApprovalGate
from cluster.errors import GateFailed
from concerns.window import WindowSettings
from tests.cluster.api_server import ApiServer
from tests.fake_time import Told
from tests.recorded import NAME

NOW = datetime(2026, 7, 1, 22, 10, tzinfo=UTC)
WINDOW = WindowSettings(start="22:00", minutes=30, timezone="UTC")
APPROVERS = ("ann", "ben")
VERSION = "v2026.07.01.221000"


@dataclass
class Gate:
    server: ApiServer = field(default_factory=ApiServer)
    told: Told = field(default_factory=Told)

    def approvals(self, *approvers: str) -> Approvals:
        return Approvals(self.server.cluster(), NAME, approvers)

    def approve(self, version: str = VERSION) -> None:
        self.approvals(*APPROVERS).approve("release", version, "ann", NOW - timedelta(hours=1))

    def run(
        self, *, approvers: tuple[str, ...] = APPROVERS, window: WindowSettings | None = None, now: datetime = NOW
    ) -> None:
        ReleaseApprovalGate(
            approvals=self.approvals(*approvers),
            stack="staging",
            approvers=approvers,
            window=window,
            reporter=self.told.reporter,
            wall_clock=lambda: now,
        ).run(VERSION)

    def refused(
        self, *, approvers: tuple[str, ...] = APPROVERS, window: WindowSettings | None = None, now: datetime = NOW
    ) -> str:
        written = self.server.written()
        with pytest.raises(GateFailed) as caught:
            self.run(approvers=approvers, window=window, now=now)
        assert self.server.written() == written, "a look changes nothing"
        return str(caught.value)


def test_an_approved_release_goes_on_and_says_who_let_it() -> None:
    gate = Gate()
    gate.approve()
    gate.run()
    assert gate.told.lines == [f"release {VERSION} was approved by ann at 2026-07-01 21:10:00 UTC"]


def test_without_an_approval_it_stops_with_who_may_and_the_command() -> None:
    assert Gate().refused() == (
        f"release {VERSION} is not approved for staging; nothing was changed. One of ann, ben approves it with:"
        f" make approve STACK=staging RELEASE={VERSION} BY=ann; then run the same command again"
    )


def test_the_approval_of_another_version_is_none() -> None:
    gate = Gate()
    gate.approve("v2026.07.01.220000")
    assert "is not approved" in gate.refused()


def test_the_approval_of_a_migration_is_none_of_a_release() -> None:
    gate = Gate()
    gate.approvals(*APPROVERS).approve("migration", VERSION, "ann", NOW)
    assert "is not approved" in gate.refused()


def test_the_approval_of_somebody_who_may_no_longer_approve_is_none() -> None:
    gate = Gate()
    gate.approve()
    assert "is not approved" in gate.refused(approvers=("ben",))


def test_in_the_window_it_goes_on_and_says_until_when() -> None:
    gate = Gate()
    gate.approve()
    gate.run(window=WINDOW)
    assert gate.told.lines[-1] == "the maintenance window is open until 22:30 (UTC)"


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (NOW.replace(hour=21, minute=59), "Wednesday 2026-07-01 22:00"),
        (NOW.replace(minute=30), "Thursday 2026-07-02 22:00"),
    ],
)
def test_outside_the_window_an_approved_release_stops_with_the_time_that_it_opens(now: datetime, opens: str) -> None:
    gate = Gate()
    gate.approve()
    text = gate.refused(window=WINDOW, now=now)
    assert "is approved, but the maintenance window of staging is closed; nothing was changed" in text
    assert f"It opens at {opens} for 30 minutes (UTC): run the same command then" in text


def test_an_open_window_is_no_approval() -> None:
    assert "is not approved" in Gate().refused(window=WINDOW)
