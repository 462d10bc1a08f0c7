"""A load runs beside what it measures, ends when it is told to, and says when it could not run."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from sandbox.errors import SandboxError
from sandbox.load.load import MOST_REQUESTS, Load
from sandbox.load.target import Target
from sandbox.paths import Paths
from tests.sandbox.load_fakes import IGNORES, REFUSES, SERVES, fake_vegeta
from tests.sandbox.toolchain_fakes import paths_in

TARGET = Target(httpx.URL("http://dev-api.internal/releases"))


def until(load: Load, count: int) -> None:
    deadline = time.monotonic() + 30
    while load.count < count:
        assert time.monotonic() < deadline, f"no {count} requests"
        time.sleep(0.01)


def test_it_counts_while_it_runs_and_what_is_under_way_when_it_is_stopped_counts_too(tmp_path: Path) -> None:
    program, _ = fake_vegeta(tmp_path, SERVES.format(most=100_000))
    with Load(program, TARGET, rate=100, seconds=60) as load:
        until(load, 3)
        first = load.results()
    assert len(first) >= 3
    found = load.results()
    assert len(found) == load.count > len(first), "the last one was answered after the stop"
    assert (found[0].status, found[0].version, found[0].latency_seconds) == (200, "v1", 0.0015)


def test_it_ends_by_itself_when_its_time_is_up(tmp_path: Path) -> None:
    program, _ = fake_vegeta(tmp_path, SERVES.format(most=5))
    with Load(program, TARGET, rate=100, seconds=60) as load:
        assert load.wait(30)
    assert load.count == 5


def test_it_is_open_bounded_and_sent_to_the_one_address(tmp_path: Path) -> None:
    program, told = fake_vegeta(tmp_path, SERVES.format(most=1))
    target = Target(httpx.URL("https://api.internal/releases?limit=10"), ca_file=Path("/ca.crt"))
    with Load(program, target, rate=200, seconds=1.5, timeout_seconds=2, new_connections=True) as load:
        assert load.wait(30)
    words = told.read_text(encoding="utf-8").split()
    assert {"-rate=200/1s", "-duration=1500ms", "-timeout=2000ms", "-keepalive=false", "-redirects=-1"} <= set(words)
    assert {"-connect-to=api.internal:443:127.0.0.1:443", "-root-certs=/ca.crt", "-max-workers=610"} <= set(words)
    assert words[-2:] == ["GET", "https://api.internal/releases?limit=10"]


def test_a_generator_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    program, _ = fake_vegeta(tmp_path, REFUSES)
    with pytest.raises(SandboxError, match="bad certificate"), Load(program, TARGET, rate=1, seconds=60) as load:
        assert load.wait(30)


def test_a_generator_that_does_not_stop_is_ended_and_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.load.load.END_SECONDS", 0.1)
    program, _ = fake_vegeta(tmp_path, IGNORES)
    started = time.monotonic()
    load = Load(program, TARGET, rate=1, seconds=60, timeout_seconds=0.1)
    load.start()
    until(load, 1)
    with pytest.raises(SandboxError, match="did not end in order"):
        load.stop()
    assert time.monotonic() - started < 20
    load.stop()


def test_a_generator_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be run"):
        Load(tmp_path / "none", TARGET, rate=1, seconds=1).start()


@pytest.mark.parametrize(("rate", "seconds"), [(0, 60), (1, MOST_REQUESTS + 1), (200, 0)])
def test_a_load_without_an_end_is_refused(tmp_path: Path, rate: int, seconds: float) -> None:
    with pytest.raises(SandboxError, match="requests a second"):
        Load(tmp_path / "vegeta", TARGET, rate=rate, seconds=seconds)


@pytest.mark.parametrize(
    ("stack", "host", "trusted"),
    [("dev", "dev-api.internal", False), ("staging", "staging-api.internal", True), ("prod", "api.internal", True)],
)
def test_each_stack_is_asked_by_the_host_in_its_own_file(
    tmp_path: Path, stack: str, host: str, *, trusted: bool
) -> None:
    paths: Paths = paths_in(tmp_path)
    target = Target.of_stack(stack, paths)
    assert (target.url.host, target.url.path, target.address) == (host, "/releases", "127.0.0.1")
    assert target.ca_file == (paths.authority if trusted else None)


def test_a_stack_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no stack 'prd'"):
        Target.of_stack("prd", paths_in(tmp_path))
