"""What docs/backends.md says of a bucket and of several runners; the bucket is that of a small server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Result, Stack

pytestmark = pytest.mark.thorough

BUCKET = "release-manager-state"
LOCK = f"{BUCKET}/.pulumi/locks/organization/release-manager/dev/00000000-0000-4000-8000-000000000000.json"
SECONDS = 30.0


@dataclass(frozen=True)
class Moved:
    """A stack whose state lies in a bucket, and that of the same stack in its first backend."""

    stack: Stack
    server: str
    state: Path

    def imported(self, state: Path) -> Result:
        """Put a state into the bucket."""
        return self.stack.pulumi("stack", "import", "--stack", "dev", "--file", str(state))

    def preview(self, *arguments: str) -> Result:
        """Show what an update would change, with the policies."""
        return self.stack.pulumi("preview", "--stack", "dev", "--policy-pack", "policies", *arguments)


@pytest.fixture(scope="module")
def server(verified: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Something that speaks S3, with an empty bucket, in memory."""
    program = verified.world.toolchain.ensure(["gofakes3"], print)[0].program
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (tmp_path_factory.mktemp("s3") / "log").open("w") as log:
        command = [str(program), "-host", address, "-backend", "memory", "-initialbucket", BUCKET]
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until_it_answers(f"http://{address}/{BUCKET}")
        yield f"http://{address}"
    finally:
        child.terminate()
        child.wait(10)


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            httpx.get(url, timeout=2).raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline, f"no answer within {SECONDS} s: {url}"
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def moved(verified: Stack, server: str, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    """The dev stack, moved as the paper says."""
    # What other tests have changed since is released, so that there is nothing to do.
    assert verified.up().status == 0
    state = tmp_path_factory.mktemp("state") / "dev.json"
    exported = verified.pulumi("stack", "export", "--stack", "dev", "--file", str(state))
    assert exported.status == 0, exported.text
    runner = verified.runner
    backend = f"s3://{BUCKET}?endpoint={server}&use_path_style=true&region=us-east-1"
    elsewhere = replace(runner.environment, variables={**runner.environment.variables, "PULUMI_BACKEND_URL": backend})
    keys = {"AWS_ACCESS_KEY_ID": "not-a-real-key", "AWS_SECRET_ACCESS_KEY": "not-a-real-secret"}
    variables = {**runner.variables, **keys}
    stack = replace(verified, runner=replace(runner, environment=elsewhere, variables=variables))
    found = Moved(stack, server, state)
    selected = stack.pulumi("stack", "init", "dev")
    assert selected.status == 0, selected.text
    result = found.imported(state)
    assert result.status == 0, result.text
    return found


def test_a_stack_that_was_moved_into_a_bucket_has_nothing_to_do(moved: Moved) -> None:
    assert moved.stack.pulumi("whoami", "--verbose").text.count(f"s3://{BUCKET}") == 1
    preview = moved.preview("--expect-no-changes")
    assert preview.status == 0, preview.text


def test_a_lock_in_the_bucket_holds_up_whoever_comes_second_until_it_is_cancelled(moved: Moved) -> None:
    holder = {"pid": os.getpid(), "username": "ana", "hostname": "another-runner", "timestamp": "2026-11-23T22:05:00Z"}
    httpx.put(f"{moved.server}/{LOCK}", json=holder, timeout=5).raise_for_status()

    second = moved.imported(moved.state)

    assert second.status != 0
    assert "the stack is currently locked by 1 lock(s)" in second.text
    assert "ana@another-runner" in second.text
    assert moved.stack.pulumi("cancel", "--yes", "--stack", "dev").status == 0
    assert moved.imported(moved.state).status == 0


def test_a_runner_with_its_kubeconfig_elsewhere_needs_one_update_that_runs_the_program(
    moved: Moved, tmp_path: Path
) -> None:
    state: dict[str, Any] = json.loads(moved.state.read_text(encoding="utf-8"))
    (provider,) = (each for each in state["deployment"]["resources"] if each["type"] == "pulumi:providers:kubernetes")
    for part in ("inputs", "outputs"):
        provider[part]["kubeconfig"] = "/home/another/.kube/config"
    of_another = tmp_path / "dev.json"
    of_another.write_text(json.dumps(state), encoding="utf-8")
    assert moved.imported(of_another).status == 0

    plain = moved.preview()
    with_program = moved.preview("--run-program")

    assert plain.status != 0
    assert "configured Kubernetes cluster is unreachable" in plain.text
    assert with_program.status == 0, with_program.text
    assert "~ 1 to update" in with_program.text
    assert "cluster update [diff: ~kubeconfig]" in " ".join(with_program.text.split())
