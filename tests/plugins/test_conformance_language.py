"""What a Python program and a policy pack see on the real engine, whichever language host is installed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.plugins.conformance import PROGRAMS, Stack

pytestmark = pytest.mark.e2e

MakeStack = Callable[[str], Stack]


@pytest.fixture
def stack(stack_of: MakeStack) -> Stack:
    made = stack_of("raises")
    made.configure(word="hello")
    made.run("config", "set", "--secret", "hidden", "hunter2")
    return made


def alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_a_program_prints_reads_its_configuration_and_its_neighbours(stack: Stack) -> None:
    result = stack.up()
    assert "on standard output" in result.text
    assert "on standard error" in result.text
    assert stack.outputs() == {"config": "hello", "neighbour": "neighbour", "secret": "[secret]"}
    assert stack.outputs("--show-secrets")["secret"] == "hunter2"
    assert "hunter2" not in result.text + stack.state_text()


def test_a_program_that_raises_fails_the_update_with_its_own_lines_and_no_others(stack: Stack) -> None:
    result = stack.run("up", "--yes", "--skip-preview", status=1, CONFORMANCE_RAISE="yes")
    assert "ValueError: the program gave up" in result.text
    assert result.text.count("Traceback") == 1
    assert "run_in_stack" not in result.text
    assert "non-zero exit code" not in result.text


def test_a_missing_program_is_named(stack: Stack) -> None:
    (stack.directory / "__main__.py").unlink()
    assert "__main__.py" in stack.up(status=1).errors


def test_a_missing_python_environment_is_named(stack: Stack) -> None:
    project = yaml.safe_load((stack.directory / "Pulumi.yaml").read_text())
    project["runtime"]["options"]["virtualenv"] = "nowhere"
    (stack.directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    result = stack.up(status=1)
    assert "nowhere" in result.text
    assert "Traceback" not in result.text


def test_a_mandatory_policy_stops_the_update(stack: Stack, tmp_path: Path) -> None:
    pack = tmp_path / "policies"
    pack.mkdir()
    (pack / "__main__.py").write_text((PROGRAMS / "policies" / "__main__.py").read_text())
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (pack / "PulumiPolicy.yaml").write_text(yaml.safe_dump({"runtime": runtime, "description": "conformance"}))
    result = stack.run("preview", "--policy-pack", str(pack), status=1)
    assert "no stack is good enough" in result.text


def test_a_program_ends_with_a_killed_engine(stack_of: MakeStack) -> None:
    stack = stack_of("lives")
    engine = stack.start("up", "--yes", "--skip-preview")
    mark = stack.directory / "alive"
    try:
        assert until(lambda: mark.exists() and bool(mark.read_text()), 60)
    finally:
        engine.kill()
        engine.wait()
    program = int(mark.read_text())
    ended = until(lambda: not alive(program), 15)
    if not ended:
        os.kill(program, signal.SIGKILL)
    assert ended
