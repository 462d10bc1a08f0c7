"""A program knows when the engine that started it is gone, and does not take a busy engine for a dead one."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.engine import Address, Engine, engine_address, listens

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address_of(listener: socket.socket) -> Address:
    host, port = listener.getsockname()[:2]
    return host, port


@dataclass
class Surroundings:
    parent: int = 100
    seconds: float = 0.0
    listening: bool = True
    asked: list[Address] = field(default_factory=list)

    def reached(self, address: Address) -> bool:
        self.asked.append(address)
        return self.listening

    def engine(self, address: Address | None = ("127.0.0.1", 4000)) -> Engine:
        return Engine(address, parent=lambda: self.parent, now=lambda: self.seconds, reached=self.reached)


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["python", "-u", "exec", "--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:40123", "."], 40123),
        (["python", "-u", "execute.py", "--monitor=127.0.0.1:1", "--engine=127.0.0.1:40123", "--", "."], 40123),
        (["python", "--engine=127.0.0.1:40123", "--", ".", "--engine=127.0.0.1:5"], 40123),
    ],
)
def test_the_address_is_the_one_that_the_language_host_gave(arguments: list[str], address: int) -> None:
    assert engine_address(arguments) == ("127.0.0.1", address)


@pytest.mark.parametrize("arguments", [[], ["pytest"], ["python", "--engine"], ["--engine="], ["--engine=here"]])
def test_without_an_engine_there_is_no_address(arguments: list[str]) -> None:
    assert engine_address(arguments) is None


def test_an_ipv6_address_is_taken_apart_too() -> None:
    assert engine_address(["--engine", "[::1]:40123"]) == ("::1", 40123)


def test_what_listens_is_there_and_what_refuses_is_not(listener: socket.socket) -> None:
    address = address_of(listener)
    assert listens(address)
    listener.close()
    assert not listens(address)


@pytest.mark.parametrize("error", [TimeoutError(), OSError(errno.EMFILE, "Too many open files")])
def test_only_a_refusal_proves_that_an_engine_is_gone(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    assert listens(("127.0.0.1", 1))


def test_an_engine_is_asked_twice_a_second_at_most() -> None:
    around = Surroundings()
    engine = around.engine()
    for moment in (0.0, 0.1, 0.49, 0.5, 0.6):
        around.seconds = moment
        assert engine.is_alive()
    assert len(around.asked) == 2


def test_an_engine_that_is_gone_stays_gone_whoever_gets_its_address() -> None:
    around = Surroundings()
    engine = around.engine()
    assert engine.is_alive()
    around.seconds, around.listening = 1, False
    assert not engine.is_alive()
    around.seconds, around.listening = 2, True
    assert not engine.is_alive()


@pytest.mark.parametrize("address", [("127.0.0.1", 4000), None])
def test_a_program_whose_parent_has_ended_has_no_engine(address: Address | None) -> None:
    around = Surroundings()
    engine = around.engine(address)
    assert engine.is_alive()
    around.seconds, around.parent = 1, 1
    assert not engine.is_alive()


PROGRAM = """
import sys, time
from components.engine import engine_is_alive
print(engine_is_alive(), flush=True)
sys.stdin.readline()
time.sleep(0.6)
print(engine_is_alive(), flush=True)
"""


def test_a_program_finds_the_engine_on_its_own_command_line(listener: socket.socket, tmp_path: Path) -> None:
    host, port = address_of(listener)
    file = tmp_path / "program.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{PROGRAM}", encoding="utf-8")
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, str(file), f"--engine={host}:{port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "True\n"
        listener.close()
        answer, _ = program.communicate("go on\n", timeout=30)
    assert answer == "False\n"
    assert time.monotonic() - started < 30
