"""`pulumi` runs with the sandbox's environment, within its time, and is never left behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.plugins.install import PulumiEnvironment
from sandbox.pulumi_runner import PulumiRunner
from sandbox.toolchain.pulumi_cli import PulumiCli


def runner(directory: Path, script: str, cancel_seconds: float = 5.0) -> PulumiRunner:
    program = directory / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    environment = PulumiEnvironment({"PULUMI_HOME": "/home/of/pulumi"}, (directory,))
    cli = PulumiCli(program, "3.250.0", "test", None)
    return PulumiRunner(cli, environment, directory, cancel_seconds=cancel_seconds)


def test_output_goes_where_ours_goes_and_the_status_comes_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert runner(tmp_path, 'echo "$PULUMI_HOME $PWD $1"; exit 7').run(["up"]) == 7
    assert capfd.readouterr().out == f"/home/of/pulumi {tmp_path} up\n"


def test_a_stack_is_selected_and_created_where_it_is_missing(tmp_path: Path) -> None:
    runner(tmp_path, 'echo "$@" > called').select("dev")
    assert (tmp_path / "called").read_text(encoding="utf-8") == "stack select --create dev\n"


def test_a_failed_question_is_one_line_with_a_mend(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="'pulumi stack output' ended with status 255"):
        runner(tmp_path, "exit 255").output(["stack", "output"])


def test_a_run_that_takes_too_long_is_told_to_stop_first(tmp_path: Path) -> None:
    """Pulumi writes its state when it is interrupted, and cannot when it is killed."""
    script = "trap 'echo stopped > stopped; exit 0' INT; while :; do sleep 0.05; done"
    with pytest.raises(SandboxError, match="did not end within"):
        runner(tmp_path, script).run(["up"], seconds=0.5)
    assert (tmp_path / "stopped").exists()


def test_a_run_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    script = "trap '' INT; echo $$ > pid; while :; do sleep 0.05; done"
    with pytest.raises(SandboxError):
        runner(tmp_path, script, cancel_seconds=0.3).run(["up"], seconds=0.5)
    pid = (tmp_path / "pid").read_text(encoding="ascii").strip()
    assert not Path("/proc", pid).exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_missing_program_is_one_line(tmp_path: Path) -> None:
    broken = runner(tmp_path, "")
    broken.cli.program.unlink()
    with pytest.raises(SandboxError, match="cannot be run"):
        broken.run(["up"])


def test_the_salt_that_pulumi_adds_to_a_stack_file_is_taken_out_again(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("config: {}\n", encoding="utf-8")
    runner(tmp_path, "echo 'encryptionsalt: v1:new' >> Pulumi.dev.yaml; exit 1").run(["up"])
    assert file.read_text(encoding="utf-8") == "config: {}\n"


@pytest.mark.parametrize(
    ("before", "script", "after"),
    [
        ("encryptionsalt: v1:team\n", "true", "encryptionsalt: v1:team\n"),
        ("config: {}\n", "printf 'a: b\\nencryptionsalt: v1:new\\n' >> Pulumi.dev.yaml", None),
    ],
    ids=["a team's own salt", "a change beside the salt"],
)
def test_nothing_else_of_a_stack_file_is_touched(tmp_path: Path, before: str, script: str, after: str | None) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(before, encoding="utf-8")
    runner(tmp_path, script).run(["config", "set"])
    assert file.read_text(encoding="utf-8") == (after or f"{before}a: b\nencryptionsalt: v1:new\n")
