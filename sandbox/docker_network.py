"""The bridge of the sandbox's Docker engine, and the few firewall rules that let its containers out.

The engine itself is told to leave the firewall alone: its chains have fixed names, which another engine on the same
machine may be using. These chains bear the sandbox's own name, so that removing them can only remove ours.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.commands import run

BRIDGE = "rm-sandbox-eng"
ADDRESS = "198.18.64.1/24"
RANGE = "198.18.64.0/24"
MORE_RANGES = "198.18.72.0/21"
CHAIN = "RM-ENGINE"
DEFAULT_MTU = 1500
COMMAND_SECONDS = 15


@dataclass(frozen=True)
class Jump:
    """Where a table's own chain is entered from."""

    table: str
    chain: str


JUMPS = (Jump("filter", "FORWARD"), Jump("nat", "POSTROUTING"))
RULES = (
    ("filter", ("-i", BRIDGE, "-j", "ACCEPT")),
    ("filter", ("-o", BRIDGE, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT")),
    ("nat", ("-s", RANGE, "!", "-o", BRIDGE, "-j", "MASQUERADE")),
)


class DockerNetwork:
    """Makes and removes the bridge and the rules; both are safe to repeat."""

    def start(self) -> None:
        """Create what is missing. Raises SandboxError where the kernel or the rights do not allow it."""
        if not self.has_bridge():
            self._ip("link", "add", BRIDGE, "type", "bridge")
        self._ip("address", "replace", ADDRESS, "dev", BRIDGE)
        self._ip("link", "set", BRIDGE, "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
        for jump in JUMPS:
            if self._lacks(jump.table, "-S", CHAIN):
                self._iptables(jump.table, "-N", CHAIN)
            if self._lacks(jump.table, "-C", jump.chain, "-j", CHAIN):
                self._iptables(jump.table, "-I", jump.chain, "-j", CHAIN)
        for table, rule in RULES:
            if self._lacks(table, "-C", CHAIN, *rule):
                self._iptables(table, "-A", CHAIN, *rule)

    def stop(self) -> None:
        """Remove the rules, their chains and the bridge."""
        self._remove_rules()
        if self.has_bridge():
            self._ip("link", "delete", BRIDGE)

    @staticmethod
    def has_bridge() -> bool:
        """Tell whether the bridge is there."""
        return Path("/sys/class/net", BRIDGE).exists()

    @staticmethod
    def mtu() -> int:
        """Largest packet of the way out, in bytes; containers that send larger ones would hang behind a tunnel."""
        done = _run(["ip", "-json", "route", "show", "default"])
        routes = json.loads(done.stdout or "[]") if done.returncode == 0 else []
        for route in routes:
            file = Path("/sys/class/net", str(route.get("dev")), "mtu")
            if file.exists():
                return int(file.read_text(encoding="ascii"))
        return DEFAULT_MTU

    @staticmethod
    def _remove_rules() -> None:
        for jump in JUMPS:
            while _run(["iptables", "-w", "-t", jump.table, "-D", jump.chain, "-j", CHAIN]).returncode == 0:
                continue
            _run(["iptables", "-w", "-t", jump.table, "-F", CHAIN])
            _run(["iptables", "-w", "-t", jump.table, "-X", CHAIN])

    @staticmethod
    def _lacks(table: str, *question: str) -> bool:
        return _run(["iptables", "-w", "-t", table, *question]).returncode != 0

    @staticmethod
    def _ip(*arguments: str) -> None:
        _checked(["ip", *arguments])

    @staticmethod
    def _iptables(table: str, *arguments: str) -> None:
        _checked(["iptables", "-w", "-t", table, *arguments])


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(command), capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS)


def _checked(command: Sequence[str]) -> None:
    run(command, mend="run as root on a kernel with bridge and netfilter support", seconds=COMMAND_SECONDS)
