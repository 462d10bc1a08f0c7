"""The machine's network is left as it was found: only rules, settings and addresses of the sandbox are touched."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.cluster.iptables import foreign_service, own_rules, removal
from sandbox.cluster.kernel_settings import FORWARDING, KernelSettings
from sandbox.cluster.layout import Layout
from sandbox.cluster.network import cni_config
from sandbox.paths import Paths

SAVED = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:KUBE-FORWARD - [0:0]
:RM-CLUSTER-FORWARD - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -j RM-CLUSTER-FORWARD
-A DOCKER -i docker0 -j ACCEPT
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A RM-CLUSTER-FORWARD -s 198.18.0.0/24 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-A - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 198.19.0.10/32 -p udp -m comment --comment "dns" -m udp --dport 53 -j KUBE-SVC-A
-A KUBE-SERVICES -d 127.0.0.1/32 -m comment --comment "kubernetes service nodeports" -j KUBE-NODEPORTS
COMMIT
*mangle
:INPUT ACCEPT [0:0]
COMMIT
"""


def test_removal_takes_the_clusters_chains_and_jumps_and_nobody_elses() -> None:
    assert removal(SAVED).splitlines() == [
        "*filter",
        ":KUBE-FORWARD - [0:0]",
        ":RM-CLUSTER-FORWARD - [0:0]",
        '-D FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
        "-D FORWARD -j RM-CLUSTER-FORWARD",
        "-X KUBE-FORWARD",
        "-X RM-CLUSTER-FORWARD",
        "COMMIT",
        "*nat",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-SVC-A - [0:0]",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-A",
        "COMMIT",
    ]


def test_removal_has_nothing_to_do_where_only_others_have_rules() -> None:
    assert removal("*filter\n:INPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n-A INPUT -j DOCKER\nCOMMIT\n") == ""


def test_our_own_rules_can_be_removed_again() -> None:
    chains = {line.split()[0][1:] for line in own_rules().splitlines() if line.startswith(":")}
    assert chains
    for chain in chains:
        assert f"-X {chain}" in removal(own_rules())


def test_another_clusters_services_are_told_from_ours() -> None:
    assert foreign_service(SAVED) is None
    assert foreign_service(SAVED.replace("198.19.0.10", "10.96.0.1")) == "10.96.0.1"


def test_pods_get_addresses_of_the_range_for_benchmarks_and_are_not_masqueraded(tmp_path: Path) -> None:
    layout = Layout(Paths(cache=tmp_path, data=tmp_path, run=tmp_path / "run"))
    plugin = cni_config(layout)["plugins"][0]
    assert plugin["ipam"]["ranges"] == [[{"subnet": "198.18.0.0/24"}]]
    assert plugin["ipMasq"] is False
    assert Path(plugin["ipam"]["dataDir"]).is_relative_to(tmp_path / "run")


def kernel(tmp_path: Path, **values: str) -> KernelSettings:
    for name, value in values.items():
        file = tmp_path / "sys" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value, encoding="ascii")
    return KernelSettings(tmp_path / "note.json", root=tmp_path / "sys")


def test_kernel_settings_are_put_back_as_they_were_before_the_first_start(tmp_path: Path) -> None:
    settings = kernel(tmp_path, net__ipv4__ip_forward="0\n", vm__overcommit_memory="0\n")
    settings.apply()
    assert (tmp_path / "sys" / FORWARDING).read_text(encoding="ascii") == "1"
    (tmp_path / "sys/vm/overcommit_memory").write_text("1", encoding="ascii")
    settings.apply()
    settings.restore()
    assert (tmp_path / "sys" / FORWARDING).read_text(encoding="ascii") == "0"
    assert (tmp_path / "sys/vm/overcommit_memory").read_text(encoding="ascii") == "0"
    assert not (tmp_path / "note.json").exists()


def test_a_setting_that_others_need_is_left(tmp_path: Path) -> None:
    settings = kernel(tmp_path, net__ipv4__ip_forward="0")
    settings.apply()
    settings.restore(keep=frozenset({FORWARDING}))
    assert (tmp_path / "sys" / FORWARDING).read_text(encoding="ascii") == "1"


def test_nothing_is_put_back_that_was_not_noted(tmp_path: Path) -> None:
    settings = kernel(tmp_path, net__ipv4__ip_forward="1")
    (tmp_path / "note.json").write_text(json.dumps({"kernel/panic": "0"}), encoding="utf-8")
    settings.restore()
    assert (tmp_path / "sys" / FORWARDING).read_text(encoding="ascii") == "1"
    assert not (tmp_path / "sys/kernel/panic").exists()
