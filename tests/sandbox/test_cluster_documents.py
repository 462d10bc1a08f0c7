"""The parts of the cluster are configured so that pods start fast, pull from the sandbox and stay on this machine."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster import dns
from sandbox.cluster.authority import Authority
from sandbox.cluster.certificates import Certificates
from sandbox.cluster.container_runtime import containerd_config, registry_hosts
from sandbox.cluster.control_plane import ControlPlane
from sandbox.cluster.kubectl import Kubectl
from sandbox.cluster.layout import Layout
from sandbox.cluster.node import Node, kubelet_config, node_problem, proxy_config
from sandbox.cluster.pause_image import PauseImage
from sandbox.errors import SandboxError
from sandbox.ingress import ingress
from sandbox.paths import Paths

CRI = "io.containerd.grpc.v1.cri"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run"))


def test_containerd_keeps_everything_in_directories_of_the_sandbox(layout: Layout) -> None:
    config = tomllib.loads(containerd_config(layout, "pause:1"))
    runc = config["plugins"][CRI]["containerd"]["runtimes"]["runc"]["options"]["Root"]
    for place in (config["state"], config["grpc"]["address"], runc):
        assert Path(place).is_relative_to(layout.paths.run)
    assert Path(config["root"]).is_relative_to(layout.paths.data)
    assert config["plugins"][CRI]["netns_mounts_under_state_dir"] is True


def test_containerd_runs_without_the_right_to_lower_oom_scores(layout: Layout) -> None:
    cri = tomllib.loads(containerd_config(layout, "pause:1"))["plugins"][CRI]
    assert cri["restrict_oom_score_adj"] is True
    assert cri["sandbox_image"] == "pause:1"


def test_images_are_pulled_from_the_sandboxs_registry_over_plain_http() -> None:
    hosts = tomllib.loads(registry_hosts())
    assert hosts["server"] == "http://127.0.0.1:5000"
    assert list(hosts["host"]) == ["http://127.0.0.1:5000"]


def test_a_full_disk_evicts_nobody_and_nothing_slows_pulls(layout: Layout) -> None:
    config = kubelet_config(layout, Certificates(layout))
    assert config["evictionHard"]["nodefs.available"] == "0%"
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["serializeImagePulls"] is False
    assert config["registryPullQPS"] == 0


def test_the_kubelet_lets_in_nobody_without_a_certificate(layout: Layout) -> None:
    config = kubelet_config(layout, Certificates(layout))
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authorization"] == {"mode": "Webhook"}


def test_node_ports_answer_on_this_machine_alone(layout: Layout) -> None:
    config = proxy_config(layout)
    assert config["nodePortAddresses"] == ["127.0.0.1/8", "198.18.255.1/32"]
    assert config["conntrack"]["maxPerCore"] == 0


def test_control_plane_listens_on_the_loopback_address_and_updates_endpoints_at_once(layout: Layout) -> None:
    plane = ControlPlane(layout, Certificates(layout), Path("/bin/kubernetes"))
    for process in (plane.api_server(), plane.controller_manager(), plane.scheduler()):
        assert "--bind-address=127.0.0.1" in process.command
        assert process.command[1] == process.name
    assert "--endpointslice-updates-batch-period=0s" in plane.controller_manager().command


def test_no_command_line_holds_a_secret(layout: Layout) -> None:
    certificates = Certificates(layout)
    certificates.ensure()
    key = certificates.service_accounts.key.read_text(encoding="ascii").splitlines()[1]
    plane, node = ControlPlane(layout, certificates, Path("k")), Node(layout, certificates, Path("k"))
    for process in (plane.api_server(), plane.controller_manager(), plane.scheduler(), node.kubelet(), node.proxy()):
        assert key not in " ".join(process.command)


def test_a_data_directory_too_deep_for_sockets_is_refused(tmp_path: Path) -> None:
    deep = Layout(Paths(cache=tmp_path, data=tmp_path / ("d" * 100), run=tmp_path))
    with pytest.raises(SandboxError, match="a socket's may have 107") as caught:
        Node(deep, Certificates(deep), Path("k")).configure()
    assert "XDG_DATA_HOME" in caught.value.mend


def node(status: str = "True", at: str = "2030-01-01T00:00:10Z", taints: list[str] | None = None) -> dict[str, Any]:
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": at, "message": "no network yet"}
    return {"spec": {"taints": [{"key": key} for key in taints or []]}, "status": {"conditions": [ready]}}


def test_a_node_is_ready_only_by_its_own_fresh_word() -> None:
    since = datetime(2030, 1, 1, 0, 0, 10, 500_000, tzinfo=UTC)
    assert node_problem(node(), since) is None
    assert node_problem(node(at="2030-01-01T00:00:09Z"), since) == "the node has not reported since it was started"
    assert node_problem(node(at="2030-01-01T00:00:09Z"), None) is None
    assert node_problem(node(status="False"), since) == "the node is not ready: no network yet"
    assert node_problem(node(taints=["node.kubernetes.io/not-ready"]), since) is not None
    assert node_problem({}, since) == "the node has not reported yet"


def test_names_outside_the_cluster_are_forwarded_only_where_the_machine_has_a_server(layout: Layout) -> None:
    resolv_conf = layout.paths.data / "resolv.conf"
    layout.config.mkdir(parents=True)
    for text, forwarded in (("nameserver 192.0.2.1\n", True), ("# nameserver\nsearch x\n", False)):
        resolv_conf.write_text(text, encoding="utf-8")
        dns.Dns(layout, Path("coredns"), resolv_conf=resolv_conf).configure()
        corefile = (layout.config / "Corefile").read_text(encoding="utf-8")
        assert (f"forward . {resolv_conf}" in corefile) is forwarded
        assert "bind 198.18.255.1" in corefile


def test_the_dns_service_leads_to_the_port_that_coredns_listens_on() -> None:
    found = {document["kind"]: document for document in dns.documents()}
    assert found["Service"]["spec"]["clusterIP"] == "198.19.0.10"
    slice_ = found["EndpointSlice"]
    assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == found["Service"]["metadata"]["name"]
    assert {port["port"] for port in slice_["ports"]} == {10053}
    assert {port["name"] for port in slice_["ports"]} == {port["name"] for port in found["Service"]["spec"]["ports"]}


def test_the_pause_image_has_the_name_that_its_archive_gives_it(tmp_path: Path) -> None:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"program")
    image = PauseImage(busybox)
    with tarfile.open(fileobj=io.BytesIO(image.archive())) as archive:
        manifest = json.load(archive.extractfile("manifest.json") or io.BytesIO())[0]
        layer = (archive.extractfile(manifest["Layers"][0]) or io.BytesIO()).read()
    assert manifest["RepoTags"] == [image.reference]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        assert files.getmember("bin/busybox").mode == 0o755
    assert image.archive() == image.archive()
    busybox.write_bytes(b"another")
    assert image.reference != manifest["RepoTags"][0]


def test_kubectl_never_sees_the_users_own_context_or_preferences(layout: Layout) -> None:
    """Shown on the wrapper that people call, with an echo in place of kubectl."""
    program = layout.paths.data / "kubernetes"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$KUBECONFIG $KUBERC $KUBECACHEDIR $*"\n', encoding="utf-8")
    program.chmod(0o755)
    wrapper = Kubectl(layout.paths, program).write_wrapper()
    environment = {"KUBECONFIG": "/home/somebody/.kube/config", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([wrapper, "get", "a b"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        str(layout.paths.kubeconfig),
        "off",
        f"{layout.data}/kubectl-cache",
        "kubectl",
        "get",
        "a",
        "b",
    ]
    assert Kubectl(layout.paths).run("version").split()[0] == str(layout.paths.kubeconfig)


def test_kubectl_says_what_failed_and_how_to_look(layout: Layout) -> None:
    program = layout.paths.data / "kubernetes"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'namespaces \"x\" not found' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(SandboxError, match='namespaces "x" not found') as caught:
        Kubectl(layout.paths, program).get_json("pods", namespace="x")
    assert str(layout.kubectl) in caught.value.mend


def test_the_ingress_listens_on_this_machine_alone_follows_endpoints_fast_and_never_retries() -> None:
    config = ingress.static_config(Path("dynamic.yaml"))
    addresses = [entry["address"] for entry in config["entryPoints"].values()]
    assert all(address.startswith("127.0.0.1:") for address in addresses)
    assert config["entryPoints"]["websecure"]["address"] == "127.0.0.1:443"
    assert config["providers"]["providersThrottleDuration"] == "100ms"
    assert "retry" not in json.dumps(config)
    assert "accessLog" not in config
    assert config["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}


def test_the_ingress_class_is_the_default() -> None:
    found = next(document for document in ingress.documents() if document["kind"] == "IngressClass")
    assert found["metadata"]["annotations"] == {"ingressclass.kubernetes.io/is-default-class": "true"}


def test_the_certificate_of_the_ingress_is_what_an_ingress_with_tls_names(tmp_path: Path) -> None:
    credentials = Authority(tmp_path, "test").issue(ingress.SERVER)
    secret = ingress.certificate(credentials, "staging")
    assert (secret["type"], secret["metadata"]) == (
        "kubernetes.io/tls",
        {"name": ingress.TLS_SECRET, "namespace": "staging"},
    )
    assert base64.b64decode(secret["data"]["tls.crt"]) == credentials.certificate.read_bytes()
    assert base64.b64decode(secret["data"]["tls.key"]) == credentials.key.read_bytes()
