"""`approve` records exactly the SQL that it is told, by somebody who may, and says what comes next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.approval.approvals import Approvals
from cluster.errors import ClusterError
from commands import __main__ as command_line
from commands.approve import approve_migration
from settings import OVERLAY
from tests.cluster.api_server import ApiServer, config_map
from tests.stack_values import settings_of

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
SHA = "ab" * 32
NAME = "release-manager-staging"
RECORD = f"{NAME}-migration-plan"


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)


def run(server: ApiServer, sha256: str, by: str = "ana", approvers: tuple[str, ...] = ("ana",)) -> list[str]:
    settings = settings_of(approval={"required": True, "approvers": list(approvers)})
    return approve_migration(settings, server.cluster(), "staging", sha256=sha256, by=by, at=AT)


def planned(sha256: str) -> ApiServer:
    return ApiServer(config_maps={RECORD: config_map(RECORD, {"sha256": sha256})})


def test_the_sql_that_waits_is_approved() -> None:
    server = planned(SHA)
    assert run(server, SHA) == [
        f"migration {SHA} approved for staging by ana at 2024-05-14 09:30:00 UTC",
        "next: make up STACK=staging",
    ]
    assert Approvals(server.cluster(), NAME, ["ana"]).find("migration", SHA) is not None


@pytest.mark.parametrize(("server", "shown"), [(planned("cd" * 32), "cd" * 32), (ApiServer(), "none")])
def test_approving_sql_that_does_not_wait_here_is_told(server: ApiServer, shown: str) -> None:
    lines = run(server, SHA)
    assert lines[1] == f"note: the SQL that an update of staging planned last is {shown}, not this"


def test_approving_twice_says_who_was_first() -> None:
    server = planned(SHA)
    run(server, SHA)
    lines = run(server, SHA, "ben", ("ana", "ben"))
    assert lines[0] == f"migration {SHA} was approved already for staging by ana at 2024-05-14 09:30:00 UTC"


@pytest.mark.parametrize("subject", ["", "ab", "AB" * 32, "xy" * 32, SHA + "\n"])
def test_what_is_no_sha256_is_refused_before_anything_is_written(subject: str) -> None:
    server = ApiServer()
    with pytest.raises(ClusterError, match=r"is no SHA-256.*make migration-plan STACK=staging"):
        run(server, subject)
    assert server.requests == []


def test_somebody_who_may_not_is_refused() -> None:
    with pytest.raises(ClusterError, match="'eve' may not approve here; approvers are: ana"):
        run(ApiServer(), SHA, by="eve")


def test_a_mistake_is_two_lines_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "connect", lambda *_: ApiServer().cluster())
    status = command_line.main(["approve", "--stack", "staging", "--release", "v1", "--by", "eve"])
    shown = capsys.readouterr()
    assert status == 1
    assert shown.out == ""
    first, second = shown.err.splitlines()
    assert first.startswith("error: 'eve' may not approve here")
    assert second.startswith("to mend it: name one of them")


def test_a_stack_that_does_not_exist_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["approve", "--stack", "stagin", "--release", "v1", "--by", "ana"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no stack 'stagin'")


@pytest.mark.parametrize(
    "arguments",
    [
        ["approve", "--stack", "staging", "--by", "ana"],
        ["approve", "--stack", "staging", "--by", "ana", "--release", "v1", "--migration", SHA],
        ["approve", "--stack", "staging", "--release", "v1"],
        ["approve", "--by", "ana", "--release", "v1"],
        [],
    ],
)
def test_a_command_that_does_not_say_what_is_not_guessed_at(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments)
    assert caught.value.code == 2
