"""A script passes with status 0 only, never outlives its time, leaves nothing running, and tells no secret."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from checks.script import KEPT_LINES, LAST_LINES, LONGEST_LINE, Script, ScriptRunner, without_engine
from checks.secret_mask import SecretMask
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter
from tests.fake_time import Told

SECRET = "hunter2-the-secret"


def run(
    tmp_path: Path,
    told: Told,
    program: str,
    *,
    seconds: float = 20,
    environment: dict[str, str] | None = None,
    secrets: tuple[str, ...] = (),
) -> Verdict:
    known = environment or {}
    mask = SecretMask.of(known, secrets)
    runner = ScriptRunner(tmp_path, {"PATH": os.environ["PATH"], **known}, told.reporter, Clock(), mask)
    script = Script("smoke tests", ("sh", "-c", program), seconds)
    return runner.run(script, {"RELEASE_MANAGER_EXPECTED_VERSION": "v1"})


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(file: Path) -> bool:
    """Whether the process whose number the file holds is gone within two seconds."""
    pid = int(file.read_text())
    deadline = time.monotonic() + 2
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_status_0_passes_with_its_last_line_and_every_line_was_told(tmp_path: Path) -> None:
    told = Told()
    verdict = run(tmp_path, told, "echo one; echo two >&2; echo 14 passed")
    assert (verdict.kind, verdict.reason) == (Kind.PASS, "14 passed")
    assert told.live == ["smoke tests: one", "smoke tests: two", "smoke tests: 14 passed"]


def test_lines_are_told_while_it_runs(tmp_path: Path) -> None:
    seen: list[float] = []
    reporter = Reporter(line=lambda _text: None, live=lambda _text: seen.append(time.monotonic()))
    script = Script("smoke tests", ("sh", "-c", "echo one; sleep 0.5; echo two"), 20)
    ScriptRunner(tmp_path, {"PATH": os.environ["PATH"]}, reporter, Clock(), SecretMask()).run(script, {})
    assert seen[1] - seen[0] > 0.3


@pytest.mark.parametrize(("program", "says"), [("exit 1", "status 1"), ("kill -9 $$", "signal 9")])
def test_any_other_end_fails_with_the_last_lines(tmp_path: Path, program: str, says: str) -> None:
    verdict = run(tmp_path, Told(), f"seq 1 100; {program}")
    assert verdict.kind is Kind.FAIL
    assert verdict.reason.endswith(f"ended with {says}")
    assert verdict.details == tuple(str(number) for number in range(101 - LAST_LINES, 101))


def test_one_that_cannot_be_started_has_said_nothing(tmp_path: Path) -> None:
    runner = ScriptRunner(tmp_path, {}, Told().reporter, Clock(), SecretMask())
    verdict = runner.run(Script("gone", ("./gone.sh",), 5), {})
    assert (verdict.kind, verdict.reason) == (Kind.NO_DATA, "'./gone.sh' cannot be run: No such file or directory")


def test_a_hanging_one_is_ended_with_its_children_and_has_said_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    verdict = run(tmp_path, Told(), "sleep 600 & echo $! > child; echo started; wait", seconds=0.5)
    assert time.monotonic() - started < 4
    assert verdict.kind is Kind.NO_DATA
    assert verdict.reason.endswith("gave no result within 0.5 s and was ended")
    assert verdict.details == ("started",)
    assert gone(tmp_path / "child")


def test_one_that_does_not_listen_to_the_word_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checks.script.GRACE_SECONDS", 0.3)
    program = "echo $$ > self; trap '' TERM; while :; do sleep 1; done"
    assert run(tmp_path, Told(), program, seconds=0.5).kind is Kind.NO_DATA
    assert gone(tmp_path / "self")


def test_a_child_that_outlives_it_neither_holds_the_answer_up_nor_stays(tmp_path: Path) -> None:
    started = time.monotonic()
    verdict = run(tmp_path, Told(), "sleep 600 & echo $! > child; echo done")
    assert time.monotonic() - started < 4
    assert (verdict.kind, verdict.reason) == (Kind.PASS, "done")
    assert gone(tmp_path / "child")


def test_one_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    assert run(tmp_path, Told(), "exec >&- 2>&-; sleep 0.3; exit 3").reason.endswith("ended with status 3")


def test_it_knows_the_version_and_gets_no_input(tmp_path: Path) -> None:
    assert run(tmp_path, Told(), 'cat; echo "$RELEASE_MANAGER_EXPECTED_VERSION"').reason == "v1"


def test_secrets_of_the_environment_are_masked_wherever_they_show(tmp_path: Path) -> None:
    told = Told()
    environment = {"API_TOKEN": SECRET, "URL": "https://somebody:another-word@host/x", "HARMLESS": "harmless"}
    program = 'echo "$API_TOKEN $URL $HARMLESS"; exit 1'
    verdict = run(tmp_path, told, program, environment=environment)
    assert told.live == ["smoke tests: *** https://somebody:***@host/x harmless"]
    assert verdict.details == ("*** https://somebody:***@host/x harmless",)


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("printf 'key\\nBEGIN-of-a-key\\nline-of-a-key\\n'", ["key", "***", "***"]),
        ("echo 'GET /?token=a%2Fb%20c'", ["GET /?token=***"]),
        ("echo '> Authorization: Bearer eyJhbGciOi'", ["> Authorization: Bearer ***"]),
        ("echo 'Cookie: session=1234'", ["Cookie: ***"]),
        ("echo from-the-configuration", ["***"]),
    ],
)
def test_a_secret_is_masked_in_parts_and_in_the_forms_in_which_it_travels(
    tmp_path: Path, program: str, shown: list[str]
) -> None:
    environment = {"TLS_KEY": "BEGIN-of-a-key\nline-of-a-key\n", "API_TOKEN": "a/b c"}
    told = Told()
    verdict = run(tmp_path, told, program, environment=environment, secrets=("from-the-configuration",))
    assert [line.removeprefix("smoke tests: ") for line in told.live] == shown
    assert list(verdict.output) == shown


@pytest.mark.parametrize("end", ["exit 0", "exit 1"])
def test_what_it_printed_is_kept_whatever_its_end_and_no_more_than_there_is_room_for(tmp_path: Path, end: str) -> None:
    verdict = run(tmp_path, Told(), f"seq 1 {KEPT_LINES + 50}; {end}")
    assert verdict.output == tuple(str(number) for number in range(51, KEPT_LINES + 51))
    assert (verdict.numbers["status"], verdict.query[:6]) == (int(end[-1]), "sh -c ")


def test_a_hanging_one_keeps_what_it_printed_without_its_secrets(tmp_path: Path) -> None:
    program = 'echo "at $API_TOKEN"; sleep 600'
    verdict = run(tmp_path, Told(), program, seconds=0.5, environment={"API_TOKEN": SECRET})
    assert verdict.kind is Kind.NO_DATA
    assert verdict.output == ("at ***",)
    assert SECRET not in repr(verdict)


def test_a_line_without_an_end_is_cut_and_the_next_one_is_read(tmp_path: Path) -> None:
    verdict = run(tmp_path, Told(), "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo 14 passed")
    assert [len(line) for line in verdict.output] == [LONGEST_LINE, len("14 passed")]
    assert verdict.reason == "14 passed"


def test_one_that_prints_without_an_end_is_ended_in_time(tmp_path: Path) -> None:
    started = time.monotonic()
    verdict = run(tmp_path, Told(), "echo $$ > self; exec yes", seconds=0.5)
    assert time.monotonic() - started < 4
    assert verdict.kind is Kind.NO_DATA
    assert len(verdict.output) == KEPT_LINES
    assert gone(tmp_path / "self")


def test_what_the_engine_tells_its_program_reaches_no_script() -> None:
    environment = {"PULUMI_CONFIG": SECRET, "PULUMI_CONFIG_PASSPHRASE": SECRET, "PATH": "/bin"}
    assert without_engine(environment) == {"PATH": "/bin"}
