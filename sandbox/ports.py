"""Which process listens on a port, so that a busy port is named before anything is started on it."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

LISTEN = "0A"
IPV4_HEX_DIGITS = 8
LOOKS_AT_A_DYING_SOCKET, LOOK_SECONDS = 20, 0.1


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket: its address, port and the kernel's number for it."""

    address: str
    port: int
    inode: int


def parse_listeners(table: str) -> list[Listener]:
    """Read the listening sockets from the text of /proc/net/tcp or /proc/net/tcp6."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] != LISTEN:
            continue
        address, _, port = fields[1].partition(":")
        found.append(Listener(_address(address), int(port, 16), int(fields[9])))
    return found


def _address(digits: str) -> str:
    words = [bytes.fromhex(digits[start : start + 8])[::-1] for start in range(0, len(digits), 8)]
    if len(digits) == IPV4_HEX_DIGITS:
        return str(ipaddress.IPv4Address(words[0]))
    address = ipaddress.IPv6Address(b"".join(words))
    return str(address.ipv4_mapped or address)


def conflicting(listeners: Iterable[Listener], address: str, port: int) -> Listener | None:
    """Return the socket that keeps others from listening on `address`:`port`, if there is one."""
    taken = {address, "0.0.0.0", "::"}  # noqa: S104 - these are what others may have bound
    return next((one for one in listeners if one.port == port and one.address in taken), None)


def owner(inode: int, proc: Path = Path("/proc")) -> str | None:
    """Return name and id of the process that holds socket `inode`, or None where it cannot be found."""
    target = f"socket:[{inode}]"
    for descriptors in proc.glob("[0-9]*/fd"):
        try:
            if any(str(link.readlink()) == target for link in descriptors.iterdir()):
                name = (descriptors.parent / "comm").read_text(encoding="utf-8").strip()
                return f"{name} (process {descriptors.parent.name})"
        except OSError:
            continue
    return None


def require_free(
    address: str,
    port: int,
    purpose: str,
    proc: Path = Path("/proc"),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Raise SandboxError if something listens where `purpose` is to listen.

    A socket that nobody holds is that of a process on its way out: it is given two seconds.
    """
    for _ in range(LOOKS_AT_A_DYING_SOCKET):
        found = conflicting(_listeners(proc), address, port)
        if found is None:
            return
        who = owner(found.inode, proc)
        if who is not None:
            break
        sleep(LOOK_SECONDS)
    raise SandboxError(
        f"port {port} on {address}, which {purpose} needs, is taken by {who or 'a process that cannot be seen'}",
        mend=f"end that process (see: ss -ltnp 'sport = :{port}'), then run the same command again",
    )


def _listeners(proc: Path) -> list[Listener]:
    found: list[Listener] = []
    for name in ("tcp", "tcp6"):
        try:
            found += parse_listeners((proc / "net" / name).read_text(encoding="ascii"))
        except OSError:
            continue
    return found
