"""`make down` leaves nothing, `make up` goes on from there, and what is in its way is named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from sandbox.paths import REPOSITORY
from tests.e2e.stack import Stack

OURS = ("rm-sandbox", "release-manager-sandbox", "cni-")


def sandbox(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def left_over() -> list[str]:
    """Everything of the sandbox's that is still there: processes, mounts, interfaces, namespaces, rules, groups."""
    found = [line for line in printed("ps", "-eo", "args").splitlines() if _is_ours(line)]
    found += [line for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines() if _is_ours(line)]
    found += [line for line in printed("ip", "-o", "link").splitlines() if "rm-sandbox" in line]
    found += [line for line in printed("ip", "netns").splitlines() if line.startswith("cni-")]
    found += [line for line in printed("iptables-save").splitlines() if line.startswith((":RM-", ":KUBE-", ":CNI-"))]
    groups = [path for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory") for path in Path(root).glob("*")]
    return found + [str(path) for path in groups if _is_ours(path.name)]


def _is_ours(line: str) -> bool:
    return any(name in line for name in OURS) and str(os.getpid()) not in line.split()


@pytest.mark.alone
def test_down_leaves_nothing_and_up_goes_on_with_what_was_there(
    verified: Stack, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    version = verified.health()["version"]

    down = sandbox("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert left_over() == []
    assert "stopped" in sandbox("status").stdout

    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind(("127.0.0.1", 5000))
        busy.listen()
        refused = sandbox("prepare")
    assert refused.returncode == 1
    assert "5000" in refused.stderr
    assert "to mend it:" in refused.stderr
    assert "Traceback" not in refused.stderr

    again = sandbox("prepare")
    assert again.returncode == 0, again.stdout + again.stderr
    eventually(lambda: _serves(verified, version), f"version {version} serves again")
    unchanged = verified.up("--expect-no-changes")
    assert unchanged.status == 0, unchanged.text


def _serves(stack: Stack, version: str) -> bool:
    try:
        found = stack.health()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(found.get("version") == version and found.get("status") == "healthy")
