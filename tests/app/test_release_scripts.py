"""smoke-tests.sh and integration-tests.sh tell a good release from a bad one and leave nothing behind."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from release_manager.app import create_app
from release_manager.faults import Faults

from tests.app.app_fakes import FakeBroker, FakeStore
from tests.app.running_app import VERSION, services_on

# Each starts the real application, which takes its time; none needs a cluster.
pytestmark = pytest.mark.e2e

SCRIPTS = Path(__file__).resolve().parents[1]
SMOKE, INTEGRATION = "smoke-tests.sh", "integration-tests.sh"


@contextmanager
def serving(faults: Faults | None = None) -> Generator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(services_on(FakeStore(), FakeBroker(), faults=faults))
    server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


# The interpreter of the tests, first on PATH: a version manager's shim would take most of each script's time.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def run(script: str, *arguments: str, connect_to: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPTS / script), *arguments],
        env={"PATH": PATH, "RELEASE_MANAGER_CONNECT_TO": connect_to} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def failures(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if line.startswith("FAIL")]


def releases_at(address: str) -> list[object]:
    found = httpx.get(f"http://{address}/releases", trust_env=False).json()["releases"]
    assert isinstance(found, list)
    return found


def test_a_good_release_passes_both_and_nothing_is_left_behind() -> None:
    with serving() as address:
        for script in (SMOKE, INTEGRATION):
            done = run(script, "--environment", "dev", connect_to=address, RELEASE_MANAGER_EXPECTED_VERSION=VERSION)
            assert (done.returncode, failures(done), done.stderr) == (0, [], "")
            assert "ok " in done.stdout
        assert releases_at(address) == []


def test_verbose_shows_requests_and_answers() -> None:
    with serving() as address:
        quiet = run(SMOKE, "--environment", "dev", connect_to=address)
        verbose = run(SMOKE, "--environment", "dev", "--verbose", connect_to=address)
    assert "# GET http://dev-api.internal/health" not in quiet.stdout
    assert "# GET http://dev-api.internal/health" in verbose.stdout
    assert '"status":"healthy"' in verbose.stdout


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (Faults(dependency="cache"), "FAIL /health check cache: expected ok, got failing by fault"),
        (Faults(dependency="database"), "FAIL /health status: expected healthy, got unhealthy"),
        (Faults(health_version="liar"), f"FAIL /health version: expected {VERSION}, got liar"),
        (Faults(error_rate=1.0), "FAIL GET /releases answers: expected status 200, got 500"),
    ],
)
def test_the_smoke_tests_find_a_bad_release(faults: Faults, expected: str) -> None:
    with serving(faults) as address:
        done = run(SMOKE, "--environment", "dev", connect_to=address, RELEASE_MANAGER_EXPECTED_VERSION=VERSION)
    assert done.returncode == 1
    assert any(line.startswith(expected) for line in failures(done)), done.stdout


@pytest.mark.parametrize("bad_request", [0, 3, 5], ids=["creation", "cached list", "approval"])
def test_the_integration_tests_find_one_failing_request_and_still_remove_their_release(bad_request: int) -> None:
    drawn = 0

    def draw() -> float:
        nonlocal drawn
        drawn += 1
        return 0.0 if drawn == bad_request + 1 else 0.9

    with serving(Faults(error_rate=0.5, draw=draw)) as address:
        done = run(INTEGRATION, "--environment", "dev", connect_to=address)
        assert releases_at(address) == []
    assert done.returncode == 1
    assert failures(done)


def test_an_interrupted_integration_test_removes_its_release() -> None:
    with serving(Faults(latency_seconds=0.15)) as address:
        process = subprocess.Popen(
            [str(SCRIPTS / INTEGRATION), "--environment", "dev"],
            env={"PATH": PATH, "RELEASE_MANAGER_CONNECT_TO": address},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "ok POST /releases creates\n"
        process.terminate()
        output, _ = process.communicate(timeout=30)
        assert "removes integration-test-" in output
        assert releases_at(address) == []
    assert process.returncode == 1


@pytest.mark.parametrize("script", [SMOKE, INTEGRATION])
def test_an_address_where_nothing_answers_fails_with_the_reason(script: str) -> None:
    done = run(script, "--environment", "dev", connect_to="127.0.0.1:9")
    assert done.returncode == 1
    assert "got no answer (curl: (7)" in failures(done)[0]


@pytest.mark.parametrize("script", [SMOKE, INTEGRATION])
def test_wrong_use_is_code_2_and_names_what_is_allowed(script: str) -> None:
    for arguments in ([], ["--environment"], ["--environment", "moon"], ["--environment", "dev", "--loud"]):
        done = run(script, *arguments)
        assert done.returncode == 2
        assert "--help" in done.stderr
    assert "dev, staging or production" in run(script, "--environment", "moon").stderr
    assert run(script, "--help").returncode == 0


@pytest.mark.parametrize(
    ("environment", "base_url"),
    [
        ("development", "http://dev-api.internal"),
        ("staging", "https://staging-api.internal"),
        ("prod", "https://api.internal"),
        ("production", "https://api.internal"),
    ],
)
def test_each_environment_has_its_own_address(environment: str, base_url: str) -> None:
    done = run(SMOKE, f"--environment={environment}", connect_to="127.0.0.1:9")
    assert f"({base_url})" in done.stdout.splitlines()[-1]
