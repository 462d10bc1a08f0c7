"""A busy port is named together with the process that holds it, before anything is started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.ports import Listener, conflicting, owner, parse_listeners, require_free

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0100007F:403B 0100007F:1388 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:01BB 0:0 0A 0:0 00:0 0 0 0 4714 1
   1: 0000000000000000FFFF00000100007F:1F90 0:0 0A 0:0 00:0 0 0 0 4715 1
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_only_listening_sockets_are_read() -> None:
    assert parse_listeners(TCP) == [Listener("127.0.0.1", 5000, 4711), Listener("0.0.0.0", 80, 4712)]  # noqa: S104


def test_sockets_for_both_protocols_are_read() -> None:
    assert parse_listeners(TCP6) == [Listener("::", 443, 4714), Listener("127.0.0.1", 8080, 4715)]


@pytest.mark.parametrize(
    ("address", "port", "inode"),
    [("127.0.0.1", 5000, 4711), ("127.0.0.1", 80, 4712), ("127.0.0.1", 443, 4714)],
)
def test_a_port_is_taken_by_its_own_address_or_by_every_address(address: str, port: int, inode: int) -> None:
    found = conflicting([*parse_listeners(TCP), *parse_listeners(TCP6)], address, port)
    assert found is not None
    assert found.inode == inode


def test_the_same_port_of_another_address_is_free() -> None:
    assert conflicting(parse_listeners(TCP), "198.18.255.1", 5000) is None
    assert conflicting(parse_listeners(TCP), "127.0.0.1", 5001) is None


def test_a_busy_port_is_named_with_its_owner_and_the_way_out(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(SandboxError) as caught:
        require_free("127.0.0.1", port, "etcd")
    assert f"port {port} on 127.0.0.1, which etcd needs, is taken by" in caught.value.what
    assert f"(process {os.getpid()})" in caught.value.what
    assert f"sport = :{port}" in caught.value.mend


def test_a_free_port_is_free(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    require_free("127.0.0.1", port, "etcd")


def test_an_owner_that_cannot_be_seen_is_no_failure(tmp_path: Path) -> None:
    assert owner(4711, proc=tmp_path) is None


def test_the_socket_of_a_process_on_its_way_out_is_given_a_moment(tmp_path: Path) -> None:
    table = tmp_path / "net" / "tcp"
    table.parent.mkdir()
    table.write_text(TCP)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            table.write_text(TCP.splitlines()[0] + "\n")

    require_free("127.0.0.1", 5000, "etcd", proc=tmp_path, sleep=sleep)
    assert len(waited) == 3


def test_a_socket_that_nobody_is_seen_to_hold_is_waited_for_no_longer_than_two_seconds(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP)
    waited: list[float] = []
    with pytest.raises(SandboxError, match="a process that cannot be seen"):
        require_free("127.0.0.1", 5000, "etcd", proc=tmp_path, sleep=waited.append)
    assert sum(waited) == pytest.approx(2)
