"""An update that was killed is not in the way of the next one, and one that runs is never pushed aside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.locks import Locks

GONE = 2**22 + 1


def locked(state: Path, *holders: object) -> Locks:
    folder = state / ".pulumi" / "locks" / "organization" / "release-manager" / "dev"
    folder.mkdir(parents=True)
    for number, holder in enumerate(holders):
        (folder / f"{number}.json").write_text(json.dumps(holder), encoding="utf-8")
    return Locks(state, hostname="here")


def test_a_lock_whose_process_has_ended_is_stale(tmp_path: Path) -> None:
    assert locked(tmp_path, {"pid": GONE, "hostname": "here"}).stale("dev") == [GONE]


@pytest.mark.parametrize(
    "other",
    [{"pid": os.getpid(), "hostname": "here"}, {"pid": GONE, "hostname": "there"}, {"hostname": "here"}, "nonsense"],
    ids=["runs", "another machine", "no process", "not a lock"],
)
def test_a_lock_that_may_be_held_keeps_all_of_them(tmp_path: Path, other: object) -> None:
    assert locked(tmp_path, {"pid": GONE, "hostname": "here"}, other).stale("dev") == []


def test_a_stack_without_locks_has_none_that_is_stale(tmp_path: Path) -> None:
    assert Locks(tmp_path).stale("dev") == []
