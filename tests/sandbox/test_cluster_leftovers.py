"""What a killed cluster left is found by names that are the sandbox's alone, so that nobody else's is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.cluster.cgroups import Cgroups, hierarchies
from sandbox.cluster.container_runtime import parse_tasks
from sandbox.cluster.layout import Layout
from sandbox.cluster.leftovers import Leftovers, is_shim_of, mounts_below
from sandbox.cluster.network import Network
from sandbox.errors import SandboxError
from sandbox.paths import Paths

SOCKET = Path("/run/sandbox/containerd.sock")


def test_a_shim_is_ours_only_if_it_speaks_to_our_containerd() -> None:
    ours = b"/cache/bin/containerd-shim-runc-v2\0-namespace\0k8s.io\0-address\0/run/sandbox/containerd.sock\0"
    assert is_shim_of(ours, SOCKET)
    assert not is_shim_of(ours.replace(b"/run/sandbox", b"/run/containerd"), SOCKET)
    assert not is_shim_of(ours.replace(b"containerd-shim-runc-v2", b"containerd"), SOCKET)
    assert not is_shim_of(b"", SOCKET)


def test_mounts_are_undone_from_the_innermost_and_neighbours_stay() -> None:
    mounts = """\
/dev/vda / ext4 rw 0 0
/dev/vda /data/kubelet ext4 rw 0 0
tmpfs /data/kubelet/pods/a/token tmpfs rw 0 0
tmpfs /data/kubelet-of-others tmpfs rw 0 0
overlay /run/state/with\\040space overlay rw 0 0
"""
    assert mounts_below(mounts, (Path("/data/kubelet"), Path("/run/state"))) == [
        "/run/state/with space",
        "/data/kubelet/pods/a/token",
        "/data/kubelet",
    ]


def test_leftovers_are_named_by_kind(tmp_path: Path) -> None:
    paths = Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run")
    layout = Layout(paths)
    proc = tmp_path / "proc"
    (proc / "77").mkdir(parents=True)
    (proc / "77" / "cmdline").write_text(f"containerd-shim-runc-v2\0-address\0{layout.containerd_socket}\0")
    (proc / "mounts").write_text(f"tmpfs {layout.kubelet}/pods/a tmpfs rw 0 0\n")
    found = Leftovers(layout, Network(layout), proc=proc).found()
    assert "1 container shims" in found
    assert "1 mounts" in found


def test_both_versions_of_control_groups_are_found() -> None:
    hybrid = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
    assert hierarchies(hybrid) == ([Path("/sys/fs/cgroup/cpu")], [Path("/sys/fs/cgroup/unified")])
    assert hierarchies("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n") == ([], [Path("/sys/fs/cgroup")])


def test_an_empty_cpuset_is_filled_from_its_parent(tmp_path: Path) -> None:
    """In version 1 nothing can run in a group whose cpuset is empty."""
    root, mounts = tmp_path / "cpuset", tmp_path / "mounts"
    group = root / "sandbox"
    group.mkdir(parents=True)
    mounts.write_text(f"cgroup {root} cgroup rw 0 0\n")
    for file, value in (("cpuset.cpus", "0-1\n"), ("cpuset.mems", "0\n")):
        (root / file).write_text(value)
        (group / file).write_text("\n")
    Cgroups("sandbox", mounts=mounts).create()
    assert (group / "cpuset.cpus").read_text() == "0-1\n"


def test_a_controller_that_is_kept_from_us_is_named(tmp_path: Path) -> None:
    root, mounts = tmp_path / "unified", tmp_path / "mounts"
    (root / "sandbox").mkdir(parents=True)
    (root / "sandbox" / "cgroup.controllers").write_text("cpu memory pids\n")
    mounts.write_text(f"cgroup2 {root} cgroup2 rw 0 0\n")
    with pytest.raises(SandboxError, match="lacks the controllers cpuset"):
        Cgroups("sandbox", mounts=mounts).create()


def test_removing_takes_the_group_and_its_children_only(tmp_path: Path) -> None:
    root, mounts = tmp_path / "cpu", tmp_path / "mounts"
    (root / "sandbox" / "kubepods" / "burstable").mkdir(parents=True)
    (root / "others").mkdir()
    mounts.write_text(f"cgroup {root} cgroup rw 0 0\n")
    groups = Cgroups("sandbox", mounts=mounts)
    assert groups.exists()
    groups.remove()
    assert [one.name for one in root.iterdir()] == ["others"]


def test_only_running_containers_are_asked_to_end() -> None:
    listing = "TASK    PID    STATUS    \nabc     100    RUNNING\ndef     0      STOPPED\n"
    assert parse_tasks(listing) == {"abc": 100}
