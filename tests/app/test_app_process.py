"""The process itself: its exit codes, its logs on standard output, and a SIGTERM that loses no request.

The dependencies are addresses on the loopback where nothing listens.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from release_manager.main import run as run_in_this_process

from tests.app.running_app import APP_DIRECTORY

# Each starts the real application, which takes its time; none needs a cluster.
pytestmark = pytest.mark.e2e

LONGEST_START_SECONDS = 20.0
NOWHERE = {
    "DATABASE_URL": "postgresql://rm:hidden@127.0.0.1:9/rm",
    "REDIS_URL": "redis://:hidden@127.0.0.1:9/0",
    "RABBITMQ_URL": "amqp://rm:hidden@127.0.0.1:9/%2F",
    "RELEASE_VERSION": "dev-1111111",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(**changes: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"} | NOWHERE | changes


def run(**changes: str) -> tuple[int, list[dict[str, str]]]:
    done = subprocess.run(
        [sys.executable, "-m", "release_manager"],
        cwd=APP_DIRECTORY,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=LONGEST_START_SECONDS,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def serving(**changes: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "release_manager"],
        cwd=APP_DIRECTORY,
        env=environment(PORT=str(port), **changes),
        stdout=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + LONGEST_START_SECONDS
    try:
        while status_of(f"{url}/livez") != 200:
            assert process.poll() is None
            assert time.monotonic() < deadline, "the application did not start"
            time.sleep(0.05)
        yield process, url
    finally:
        process.kill()
        process.communicate()


def status_of(url: str) -> int:
    try:
        return httpx.get(url, timeout=10, trust_env=False).status_code
    except httpx.TransportError:
        return 0


def test_a_bad_setting_ends_it_with_code_2_and_one_line() -> None:
    code, lines = run(FAULT_ERROR_RATE="2")
    assert code == 2
    assert [(line["level"], line["message"]) for line in lines] == [
        ("ERROR", "FAULT_ERROR_RATE is '2'; allowed is a number from 0 to 1")
    ]


def test_a_crash_at_start_has_code_1_and_an_error_in_the_log() -> None:
    code, lines = run(FAULT_CRASH_AFTER_SECONDS="0")
    assert code == 1
    assert lines[-1]["level"] == "ERROR"
    assert "FAULT_CRASH_AFTER_SECONDS" in lines[-1]["message"]


def test_a_busy_port_ends_it_with_a_line_that_names_the_port(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = run_in_this_process(environment(PORT=str(port)))
    root.handlers[:] = handlers
    root.setLevel(level)
    assert code == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert f"cannot listen on port {port} (PORT)" in json.loads(line)["message"]


def test_sigterm_makes_it_not_ready_goes_on_accepting_finishes_requests_and_exits_0() -> None:
    with serving(FAULT_LATENCY_SECONDS="0.8", DRAIN_SECONDS="0.6") as (process, url), ThreadPoolExecutor() as pool:
        before = pool.submit(status_of, f"{url}/releases")
        time.sleep(0.15)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.15)
        during = pool.submit(status_of, f"{url}/releases")
        assert httpx.get(f"{url}/readyz", trust_env=False).json()["reason"] == "draining"
        # 503 is the application's own answer: its database is nowhere. A lost connection would be 0.
        assert (before.result(), during.result()) == (503, 503)
        assert process.wait(timeout=10) == 0


def test_without_its_dependencies_it_starts_tells_so_and_shows_no_secret() -> None:
    with serving(DRAIN_SECONDS="0") as (process, url):
        health = httpx.get(f"{url}/health", timeout=5, trust_env=False)
        assert health.status_code == 503
        assert set(health.json()["checks"]) == {"database", "cache", "message_queue"}
        assert status_of(f"{url}/readyz") == 503
        assert status_of(f"{url}/releases") == 503
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
    lines = [json.loads(line) for line in output.splitlines()]
    assert {"INFO", "WARN", "ERROR"} == {line["level"] for line in lines}
    assert "hidden" not in output + health.text
