"""Two sandboxes with different data never mix: they would share ports, interfaces and process ids."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.ownership import Ownership
from sandbox.paths import Paths
from sandbox.processes import Processes, start_time


def ownership(tmp_path: Path, data: str) -> Ownership:
    paths = Paths(cache=tmp_path / "cache", data=tmp_path / data, run=tmp_path / "run")
    return Ownership(paths, Processes(paths))


def something_runs(tmp_path: Path) -> None:
    (tmp_path / "run" / "etcd.pid").write_text(f"{os.getpid()} {start_time(os.getpid())}", encoding="utf-8")


def test_a_sandbox_with_other_data_that_runs_is_named_with_the_way_to_stop_it(tmp_path: Path) -> None:
    ownership(tmp_path, "first/data").take()
    something_runs(tmp_path)
    with pytest.raises(
        SandboxError, match=r"another sandbox runs .*first/data \(etcd\).*XDG_DATA_HOME=.*first make down"
    ):
        ownership(tmp_path, "second/data").take()


def test_what_has_stopped_is_in_nobody_s_way(tmp_path: Path) -> None:
    ownership(tmp_path, "first").take()
    ownership(tmp_path, "second").take()
    something_runs(tmp_path)
    ownership(tmp_path, "second").require()
    with pytest.raises(SandboxError, match="second"):
        ownership(tmp_path, "first").require()
