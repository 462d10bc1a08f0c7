"""Kernel settings that the cluster's parts change, noted before and put back afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FORWARDING = "net/ipv4/ip_forward"
# What kube-proxy, kubelet and the CNI bridge are known to write.
SETTINGS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    FORWARDING,
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/vs/conntrack",
    "net/bridge/bridge-nf-call-iptables",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
)
NEEDED = {
    FORWARDING: "1",
    "net/bridge/bridge-nf-call-iptables": "1",
}


@dataclass(frozen=True)
class KernelSettings:
    """Settings below `root` (/proc/sys). `note` remembers their values before the first change."""

    note: Path
    root: Path = Path("/proc/sys")

    def apply(self) -> None:
        """Note what is set now, unless that was done before, and set what pods' traffic needs."""
        if not self.note.exists():
            before = {name: value for name in SETTINGS if (value := self._read(name)) is not None}
            self.note.write_text(json.dumps(before), encoding="utf-8")
        for name, value in NEEDED.items():
            if self._read(name) not in (None, value):
                (self.root / name).write_text(value, encoding="ascii")

    def restore(self, keep: frozenset[str] = frozenset()) -> None:
        """Put back what was noted, but for `keep`, which others need."""
        if not self.note.exists():
            return
        for name, value in json.loads(self.note.read_text(encoding="utf-8")).items():
            if name not in keep and self._read(name) not in (None, value):
                (self.root / name).write_text(value, encoding="ascii")
        self.note.unlink()

    def _read(self, name: str) -> str | None:
        try:
            return (self.root / name).read_text(encoding="ascii").strip()
        except OSError:
            return None
