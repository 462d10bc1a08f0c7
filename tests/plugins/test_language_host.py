"""Promise: the language host runs a program under its own Python, streams what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from sandbox.plugins.language.children import Children, Command
from sandbox.plugins.language.dependencies import dependencies_of
from sandbox.plugins.language.execute import own_traceback
from sandbox.plugins.language.host import PythonHost
from sandbox.plugins.language.interpreter import InterpreterError, interpreter_for

CALL_SECONDS = 30.0
# Starts a child of its own, says so, and ignores the first request to end.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def info(root: Path, **options: str) -> language_pb2.ProgramInfo:
    given = struct_pb2.Struct()
    given.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(root), program_directory=str(root), entry_point=".", options=given
    )


@pytest.fixture
def children() -> Iterator[Children]:
    made = Children()
    yield made
    made.end_all()


@pytest.fixture
def host(children: Children) -> Iterator[Any]:
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PythonHost("127.0.0.1:9", children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)
    server.stop(None).wait()


def gone(pid: int) -> bool:
    for _ in range(50):
        try:
            if "(zombie)" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_a_project_s_own_environment_runs_its_program(tmp_path: Path) -> None:
    (tmp_path / "own" / "bin").mkdir(parents=True)
    (tmp_path / "own" / "bin" / "python").touch()
    interpreter = interpreter_for(info(tmp_path, virtualenv="own"))
    assert interpreter.executable == str(tmp_path / "own" / "bin" / "python")
    assert interpreter.environment["PATH"].startswith(str(tmp_path / "own" / "bin") + os.pathsep)


def test_without_one_the_host_s_python_does() -> None:
    assert interpreter_for(info(Path("/"))).executable == sys.executable


def test_an_environment_that_is_missing_is_named_with_its_mend(tmp_path: Path, host: Any) -> None:
    with pytest.raises(InterpreterError, match=r"virtualenv: gone.*python3 -m venv"):
        interpreter_for(info(tmp_path, virtualenv="gone"))
    request = language_pb2.RunRequest(info=info(tmp_path, virtualenv="gone"))
    with pytest.raises(grpc.RpcError, match="virtualenv: gone"):
        host.Run(request, timeout=CALL_SECONDS)


def test_a_plug_in_s_output_and_status_are_passed_on(tmp_path: Path, host: Any) -> None:
    program = "import os, sys; print(os.environ['WORD']); print(sys.argv[1], file=sys.stderr); sys.exit(3)"
    (tmp_path / "__main__.py").write_text(program)
    request = language_pb2.RunPluginRequest(info=info(tmp_path), kind="tool", args=["there"], env=["WORD=a=b"])
    replies = list(host.RunPlugin(request, timeout=CALL_SECONDS))
    assert b"".join(reply.stdout for reply in replies) == b"a=b\n"
    assert b"".join(reply.stderr for reply in replies) == b"there\n"
    assert replies[-1].exitcode == 3


def test_the_end_of_a_call_ends_its_process(tmp_path: Path, host: Any) -> None:
    (tmp_path / "__main__.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    call = host.RunPlugin(language_pb2.RunPluginRequest(info=info(tmp_path), kind="tool"), timeout=CALL_SECONDS)
    pid = int(next(call).stdout)
    call.cancel()
    assert gone(pid)


def test_the_end_of_the_host_ends_children_and_grandchildren(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.plugins.language.children.INTERRUPT_GRACE_SECONDS", 0.2)
    child = children.start(Command([sys.executable, "-c", STUBBORN], "/", {}), captured=True)
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    children.end_all()
    child.wait()
    assert gone(grandchild)


def test_a_program_of_an_engine_that_is_gone_is_reported_not_awaited(tmp_path: Path, host: Any) -> None:
    (tmp_path / "__main__.py").write_text("")
    request = language_pb2.RunRequest(
        info=info(tmp_path), pwd=str(tmp_path), project="p", stack="s", organization="o", monitor_address="127.0.0.1:9"
    )
    reply = host.Run(request, timeout=CALL_SECONDS)
    assert reply.error or reply.bail


def test_the_host_installs_nothing(tmp_path: Path, host: Any) -> None:
    with pytest.raises(grpc.RpcError, match="make the Python environment first"):
        list(host.InstallDependencies(language_pb2.InstallDependenciesRequest(directory=str(tmp_path))))


def test_the_version_is_the_sdk_s(host: Any) -> None:
    assert host.GetPluginInfo(empty_pb2.Empty()).version.startswith("3.")


def test_packages_are_listed_and_those_of_others_marked() -> None:
    found = {item.name: item for item in dependencies_of(sys.executable)}
    assert found["pulumi"].version.startswith("3.")
    assert found["pulumi"].transitive
    assert not found["pulumi-kubernetes"].transitive


def test_a_traceback_begins_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "__main__.py"
    program.write_text("def f():\n    raise ValueError('gave up')\nf()\n")
    try:
        exec(compile(program.read_text(), str(program), "exec"), {})  # noqa: S102
    except ValueError as error:
        text = own_traceback(error, ".")
    assert text.count("File ") == 2
    assert str(program) in text
    assert Path(__file__).name not in text
