"""The machine's packet filter: the sandbox's own rules, and taking away what kube-proxy and kubelet left."""

from __future__ import annotations

import ipaddress
import re
import shutil

from sandbox.cluster.layout import API_PORT, API_SERVICE, BRIDGE, LOOPBACK, NODE_ADDRESS, POD_RANGE, SERVICE_RANGE
from sandbox.commands import run
from sandbox.errors import SandboxError

FORWARD_CHAIN = "RM-CLUSTER-FORWARD"
INPUT_CHAIN = "RM-CLUSTER-INPUT"
API_CHAIN = "RM-CLUSTER-API"
OWN_CHAINS = ("KUBE-", "RM-CLUSTER-")
FAMILIES = ("iptables", "ip6tables")
MEND = "check that iptables works on this machine (iptables-save), then run the same command again"
SERVICE_RULE = re.compile(r"^-A KUBE-SERVICES .*-d (?P<address>[0-9.]+)/32 .*-j KUBE-SVC-", re.MULTILINE)


def removal(saved: str, prefixes: tuple[str, ...] = OWN_CHAINS) -> str:
    """Return the input of `iptables-restore --noflush` that removes chains with `prefixes`.

    `saved` is what iptables-save printed. Rules of others in shared chains stay; empty where there is nothing to do.
    """
    script = []
    for table in re.finditer(r"^\*(\w+)\n(.*?)^COMMIT$", saved, re.MULTILINE | re.DOTALL):
        chains = [name for name in re.findall(r"^:(\S+) ", table[2], re.MULTILINE) if name.startswith(prefixes)]
        if not chains:
            continue
        jumps = [
            rule
            for rule in re.findall(r"^-A (.+)$", table[2], re.MULTILINE)
            if not rule.startswith(prefixes) and any(f"-j {prefix}" in rule for prefix in prefixes)
        ]
        lines = [f"*{table[1]}"]
        lines += [f":{chain} - [0:0]" for chain in chains]
        lines += [f"-D {rule}" for rule in jumps]
        lines += [f"-X {chain}" for chain in chains]
        script.append("\n".join([*lines, "COMMIT", ""]))
    return "".join(script)


def foreign_service(saved: str) -> str | None:
    """Return the address of a Service that another cluster's kube-proxy made in the rules in `saved`, or None."""
    ours = ipaddress.ip_network(SERVICE_RANGE)
    addresses = (match["address"] for match in SERVICE_RULE.finditer(saved))
    return next((one for one in addresses if ipaddress.ip_address(one) not in ours), None)


def own_rules() -> str:
    """Return the input of `iptables-restore --noflush` that adds the sandbox's own rules.

    Pods reach one another, the node's address and what a rule led them to, whatever the machine's policy is (dockerd
    and firewalls set it to DROP). The API server's Service leads to the loopback address that it listens on.
    """
    destination = f"{LOOPBACK}:{API_PORT}"
    return f"""*filter
:{FORWARD_CHAIN} - [0:0]
:{INPUT_CHAIN} - [0:0]
-I FORWARD -j {FORWARD_CHAIN}
-A {FORWARD_CHAIN} -s {POD_RANGE} -d {POD_RANGE} -j ACCEPT
-I INPUT -s {POD_RANGE} -i {BRIDGE} -j {INPUT_CHAIN}
-A {INPUT_CHAIN} -d {NODE_ADDRESS}/32 -j ACCEPT
-A {INPUT_CHAIN} -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
*nat
:{API_CHAIN} - [0:0]
-I PREROUTING -s {POD_RANGE} -j {API_CHAIN}
-I OUTPUT -j {API_CHAIN}
-A {API_CHAIN} -d {API_SERVICE}/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination {destination}
COMMIT
"""


def require_no_other_cluster() -> None:
    """Raise SandboxError if another cluster's kube-proxy writes rules on this machine."""
    address = foreign_service(_saved("iptables"))
    if address is not None:
        raise SandboxError(
            f"another Kubernetes node runs on this machine: its kube-proxy has rules for Service {address}",
            mend="use that cluster instead (make up CONTEXT=<kube context>), or a machine without Kubernetes",
        )


def add_rules() -> None:
    """Add the sandbox's own rules, unless they are there."""
    saved = _saved("iptables")
    if all(f":{chain} " in saved for chain in (FORWARD_CHAIN, INPUT_CHAIN, API_CHAIN)):
        return
    # Half of them may be there: a kill between two tables.
    remains = removal(saved, ("RM-CLUSTER-",))
    run(["iptables-restore", "--noflush", "--wait=10"], stdin=remains + own_rules(), mend=MEND)


def remove_rules() -> None:
    """Remove every chain of the sandbox and of its kube-proxy and kubelet; leave all others alone."""
    for family in FAMILIES:
        if shutil.which(family) is None:
            continue
        saved = _saved(family)
        script = "" if foreign_service(saved) else removal(saved)
        if script:
            run([f"{family}-restore", "--noflush", "--wait=10"], stdin=script, mend=MEND)


def _saved(family: str) -> str:
    return run([f"{family}-save"], mend=MEND)
