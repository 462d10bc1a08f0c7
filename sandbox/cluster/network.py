"""The node's address, the pods' bridge, and the rules between them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cluster.iptables import add_rules, remove_rules, require_no_other_cluster
from sandbox.cluster.kernel_settings import FORWARDING, KernelSettings
from sandbox.cluster.layout import BRIDGE, NETWORK, NODE_ADDRESS, NODE_INTERFACE, POD_RANGE, Layout
from sandbox.commands import run
from sandbox.docker_network import DockerNetwork

MEND = "check that this machine lets root make network interfaces (ip link add type bridge)"
INTERFACES = Path("/sys/class/net")
CNI_RESULTS = Path("/var/lib/cni/results")


def cni_config(layout: Layout) -> dict[str, Any]:
    """Return the pods' network. No masquerading: pods talk to one another and to this machine, to nobody else."""
    return {
        "cniVersion": "1.0.0",
        "name": NETWORK,
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": POD_RANGE}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": str(layout.pod_addresses),
                },
            }
        ],
    }


@dataclass(frozen=True)
class Network:
    """What the cluster changes in the machine's network, and its undoing."""

    layout: Layout

    def start(self) -> None:
        """Make the node's address, the rules and the pods' network configuration. Safe to repeat."""
        require_no_other_cluster()
        if not Path("/proc/sys/net/bridge").exists() and shutil.which("modprobe"):
            subprocess.run(["modprobe", "br_netfilter"], check=False, capture_output=True, timeout=30)
        self._kernel.apply()
        if not (INTERFACES / NODE_INTERFACE).exists():
            # A bridge without members: pods need bridges anyway, and not every kernel has dummy interfaces.
            run(["ip", "link", "add", NODE_INTERFACE, "type", "bridge"], mend=MEND)
        run(["ip", "address", "replace", f"{NODE_ADDRESS}/32", "dev", NODE_INTERFACE], mend=MEND)
        run(["ip", "link", "set", NODE_INTERFACE, "up"], mend=MEND)
        add_rules()
        directory = self.layout.config / "cni"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "10-sandbox.conflist").write_text(json.dumps(cni_config(self.layout), indent=2), encoding="utf-8")

    def stop(self) -> None:
        """Take away rules, interfaces and the notes about pods' addresses."""
        remove_rules()
        for member in sorted(INTERFACES.glob(f"{BRIDGE}/brif/*")):
            _delete(member.name)
        for name in (BRIDGE, NODE_INTERFACE):
            _delete(name)
        _remove_results()
        shutil.rmtree(self.layout.pod_addresses, ignore_errors=True)
        self._kernel.restore(keep=frozenset({FORWARDING}) if DockerNetwork.has_bridge() else frozenset())

    @property
    def _kernel(self) -> KernelSettings:
        return KernelSettings(self.layout.paths.run / "kernel-settings.json")


def _remove_results() -> None:
    # The directory is every CNI user's; loopback results bear no network's name but the same container's.
    for result in CNI_RESULTS.glob(f"{NETWORK}-*"):
        container = result.name.split("-")[-2]
        (CNI_RESULTS / f"cni-loopback-{container}-lo").unlink(missing_ok=True)
        result.unlink(missing_ok=True)


def _delete(interface: str) -> None:
    # A pod's end of a pair may vanish with its namespace while we look.
    if (INTERFACES / interface).exists():
        subprocess.run(["ip", "link", "delete", interface], check=False, capture_output=True, timeout=30)
