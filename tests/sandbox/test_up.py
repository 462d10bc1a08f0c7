"""`make up` refuses in one line what it cannot do, before it changes anything."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.errors import SandboxError
from sandbox.existing import Existing
from sandbox.paths import Paths
from sandbox.phases import Phases
from sandbox.up import Up
from sandbox.world import World

GIB = 1024**3


def up(tmp_path: Path, *, stack: str = "dev", user_id: int = 0, free_bytes: int = 100 * GIB) -> Up:
    paths = Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run")
    phases = Phases(console=Console(file=io.StringIO()))
    return Up(World(paths), phases, stack, user_id=lambda: user_id, free_bytes=lambda _path: free_bytes)


def test_an_unknown_stack_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"no stack 'prd'.*make up STACK=<dev\|staging\|prod>"):
        up(tmp_path, stack="prd").run()


def test_without_root_nothing_is_begun_and_both_ways_out_are_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"needs root.*sudo make up.*make up CONTEXT="):
        up(tmp_path, user_id=1000).run()


def test_a_full_disk_is_told_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"has 1\.0 GiB free.*needs 3 GiB.*XDG_CACHE_HOME"):
        up(tmp_path, free_bytes=GIB).run()
    assert not (tmp_path / "cache").exists()


def test_an_existing_cluster_needs_a_repository_that_its_nodes_can_pull_from() -> None:
    with pytest.raises(SandboxError, match=r"context 'kind'.*make up CONTEXT=kind REPOSITORY="):
        Existing.named("kind", {})


def test_an_existing_cluster_takes_the_kubeconfig_of_the_environment() -> None:
    found = Existing.named("kind", {"REPOSITORY": "registry.example/app", "KUBECONFIG": "/some/kubeconfig"})
    assert (found.context, found.kubeconfig) == ("kind", "/some/kubeconfig")
