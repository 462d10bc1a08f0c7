"""The backing services' objects: what they pass, what they hide, and how they are waited for."""

from __future__ import annotations

import base64
import json
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.services import manifests, postgresql, prometheus
from sandbox.services.backing import READY_SECONDS, BackingServices, ready, trouble
from sandbox.services.credentials import NAME, Credentials
from sandbox.services.model import Document, ServiceImages, Storage

CREDENTIALS = Credentials(postgresql="pg-hush", redis="redis-hush", rabbitmq="rabbit-hush")
SANDBOX = ServiceImages.single("localhost:5000/sandbox/services:1")
# The volume types that the restricted Pod Security standard allows.
VOLUMES = {"configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


SERVICES = ["postgresql", "prometheus", "rabbitmq", "redis"]


def every(images: ServiceImages = SANDBOX, directory: Path | None = Path("/data/volumes")) -> list[Document]:
    environment = manifests.environment("development", images, Storage(directory), CREDENTIALS)
    return environment + manifests.monitoring(images, "log-store:1")


def workloads(documents: list[Document]) -> list[Document]:
    return [document for document in documents if document["kind"] in {"StatefulSet", "Deployment"}]


@pytest.mark.parametrize("directory", [None, Path("/data/volumes")])
@pytest.mark.parametrize("images", [SANDBOX, ServiceImages.official()])
def test_every_pod_passes_the_restricted_standard(images: ServiceImages, directory: Path | None) -> None:
    found = workloads(every(images, directory))
    assert sorted(one["metadata"]["name"] for one in found) == ["log-store", *SERVICES]
    for workload in found:
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
        for volume in pod["volumes"]:
            assert volume.keys() - {"name"} <= VOLUMES
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"] is True
            assert not any("hostPort" in port for port in container.get("ports", []))


def test_every_namespace_enforces_and_warns() -> None:
    namespaces = [document["metadata"] for document in every() if document["kind"] == "Namespace"]
    assert [one["name"] for one in namespaces] == ["development", "monitoring"]
    for one in namespaces:
        for mode in ("enforce", "warn"):
            assert one["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"


def test_passwords_are_in_secrets_only() -> None:
    others = [document for document in every() if document["kind"] != "Secret"]
    assert "hush" not in json.dumps(others)
    assert "hush" not in repr(CREDENTIALS)


def test_the_application_finds_its_addresses() -> None:
    data = next(one["data"] for one in every() if one["metadata"]["name"] == NAME)
    assert {key: base64.b64decode(value).decode() for key, value in data.items()} == {
        "DATABASE_URL": "postgresql://release_manager:pg-hush@postgresql:5432/release_manager",
        "REDIS_URL": "redis://:redis-hush@redis:6379/0",
        "RABBITMQ_URL": "amqp://release_manager:rabbit-hush@rabbitmq:5672/%2F",
    }
    services = {one["metadata"]["name"] for one in every() if one["kind"] == "Service"}
    assert services == {"log-store", *SERVICES}


def test_passwords_are_made_once_and_kept_closed(tmp_path: Path) -> None:
    file = tmp_path / "credentials" / "development.json"
    first = Credentials.kept(file)
    assert Credentials.kept(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Credentials.kept(tmp_path / "credentials" / "staging.json") != first
    for password in (first.postgresql, first.redis, first.rabbitmq):
        # So that they stand in an address without quoting.
        assert re.fullmatch(r"[A-Za-z0-9_-]{32}", password)


def test_a_damaged_password_file_is_named_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "development.json"
    file.write_text('{"postgresql": "hush"}', encoding="ascii")
    with pytest.raises(SandboxError, match=r"development\.json does not hold the passwords") as caught:
        Credentials.kept(file)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_databases_data_stay_on_the_node() -> None:
    documents = {one["kind"]: one for one in every() if one["kind"].startswith("PersistentVolume")}
    volume, claim = documents["PersistentVolume"], documents["PersistentVolumeClaim"]
    assert volume["spec"]["hostPath"]["path"] == "/data/volumes/development/postgresql"
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert every()[0] == volume
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"] == postgresql.volume_name("development")


def test_an_existing_cluster_gets_official_images_and_no_directory_of_its_nodes() -> None:
    documents = every(ServiceImages.official(), None)
    text = json.dumps(documents)
    assert "hostPath" not in text
    assert "localhost:5000" not in text
    assert not any(one["kind"].startswith("PersistentVolume") for one in documents)


def test_prometheus_has_the_same_rules_with_and_without_its_own_discovery() -> None:
    own, official = (prometheus.configuration(images) for images in (SANDBOX, ServiceImages.official()))
    (first,), (second,) = own["scrape_configs"], official["scrape_configs"]
    assert first.pop("file_sd_configs") == [{"files": [prometheus.TARGETS]}]
    assert second.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    assert own == official


@pytest.mark.parametrize(
    ("annotation", "app", "port", "scraped"),
    [
        ("true", "other", "", True),
        ("", "release-manager", "http", True),
        ("false", "release-manager", "http", False),
        ("", "release-manager", "admin", False),
        ("", "other", "http", False),
        ("", "", "", False),
    ],
)
def test_which_pods_are_scraped(annotation: str, app: str, port: str, *, scraped: bool) -> None:
    (job,) = prometheus.configuration(SANDBOX)["scrape_configs"]
    (rule,) = [one for one in job["relabel_configs"] if one.get("action") == "keep"]
    assert bool(re.fullmatch(rule["regex"], f"{annotation};{app};{port}")) is scraped


class FakeCluster:
    def __init__(self, *, phase: str = "Bound", ready_after: int = 0) -> None:
        self.applied: list[list[Document]] = []
        self.deleted: list[tuple[str, ...]] = []
        self._phase = phase
        self._ready_after = ready_after

    def apply(self, documents: list[Document]) -> str:
        self.applied.append(documents)
        self._phase = self._phase or "Available"
        return ""

    def get_json(self, *arguments: str, namespace: str | None = None) -> dict[str, Any]:
        if arguments[0] == "persistentvolume":
            return {"items": [{"status": {"phase": self._phase}}] if self._phase else []}
        if arguments[0] == "pods":
            state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
            return {
                "items": [{"metadata": {"name": f"{namespace}-0"}, "status": {"containerStatuses": [{"state": state}]}}]
            }
        self._ready_after -= 1
        items = [
            {
                **document,
                "metadata": {**document["metadata"], "generation": 2},
                "status": {"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1},
            }
            for document in workloads(self.applied[-1])
        ]
        return {"items": items if self._ready_after < 0 else items[1:]}

    def delete(self, *arguments: str, namespace: str | None = None) -> None:
        assert namespace is None
        self.deleted.append(arguments)
        self._phase = ""


def backing(directory: Path, cluster: FakeCluster, *, image: str | None = None) -> tuple[BackingServices, list[float]]:
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += seconds

    paths = Paths(cache=directory / "cache", data=directory / "data", run=directory / "run")
    return BackingServices(paths, cluster, image, clock=lambda: time[0], sleep=sleep), time


def test_it_waits_until_everything_is_ready(tmp_path: Path) -> None:
    services, time = backing(tmp_path, FakeCluster(ready_after=3))
    said: list[str] = []
    services.ensure("development", said.append)
    assert time[0] > 0
    assert said[-1] == "waiting for rabbitmq"


def test_a_second_time_changes_nothing_and_does_not_wait(tmp_path: Path) -> None:
    cluster = FakeCluster()
    services, time = backing(tmp_path, cluster)
    services.ensure("development", lambda _: None)
    services.ensure("development", lambda _: None)
    first, second = cluster.applied
    assert first == second
    assert time[0] == 0


def test_the_wait_is_bounded_and_says_why(tmp_path: Path) -> None:
    services, time = backing(tmp_path, FakeCluster(ready_after=10_000))
    with pytest.raises(SandboxError, match=r"rabbitmq not ready after 180 s \(development-0: ImagePullBackOff no such"):
        services.ensure("development", lambda _: None)
    assert time[0] == pytest.approx(READY_SECONDS, abs=2)


def test_a_volume_of_a_deleted_namespace_is_made_again(tmp_path: Path) -> None:
    owners: list[tuple[str, int]] = []
    cluster = FakeCluster(phase="Released")
    services, _ = backing(tmp_path, cluster, image="image:1")
    services = replace(services, give=lambda path, user, _: owners.append((path.name, user)))
    services.ensure("development", lambda _: None)
    assert cluster.deleted == [("persistentvolume", "development-postgresql")]
    assert owners == [("postgresql", 999)]
    assert [one["kind"] for one in cluster.applied[0]] == ["PersistentVolume"]
    services.ensure("development", lambda _: None)
    assert owners == [("postgresql", 999)]


def test_an_older_generation_or_an_older_pod_is_not_ready() -> None:
    status = {"observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1}
    workload: Document = {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}
    assert ready(workload)
    assert not ready({**workload, "metadata": {"generation": 3}})
    assert not ready({**workload, "status": {**status, "updatedReplicas": 0}})
    assert not ready({**workload, "status": {}})


def test_a_running_pod_is_no_trouble() -> None:
    running = {"metadata": {"name": "a"}, "status": {"containerStatuses": [{"state": {"running": {}}}]}}
    assert trouble([running]) == ""
