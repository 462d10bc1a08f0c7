"""What the hooks call is configured by the settings of the stack, and connects to nothing before a hook runs."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest

import gates
from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.api import Cluster
from cluster.errors import ClusterError, GateFailed
from cluster.lease.holding import Holding
from cluster.release import Release
from cluster.trust import trust
from cluster.verification.gate import VerificationGate
from gates import Gates
from tests.fake_time import Told
from tests.stack_values import settings_of

ROOT = Path(__file__).resolve().parents[1]
RECORD = {"job": "a-job", "version": "staging-abc1234"}
RELEASE = {"version": "staging-abc1234", "image": "r@sha256:1", "configuration": "c", "revision": "abc"}


class Unheld(Holding):
    def take(self, cluster: Cluster, deployment: str, reporter: Reporter) -> Cluster:  # noqa: ARG002
        return cluster


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_nothing_is_opened_before_a_hook_runs(tmp_path: Path) -> None:
    Gates(settings_of(cluster__kubeconfig=str(tmp_path / "missing"), health__ca_file="missing"))


def test_each_gate_goes_to_the_cluster_of_the_settings(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    configured = Gates(settings_of(cluster__kubeconfig=str(missing)))
    calls: list[Callable[[], None]] = [
        configured.reach_cluster,
        lambda: configured.approved(RELEASE, Told().reporter),
        lambda: configured.planned(RELEASE, Told().reporter),
        lambda: configured.migrated(RECORD, Told().reporter),
        lambda: configured.adopted(RELEASE, Told().reporter),
        lambda: configured.verified(RELEASE, Told().reporter),
    ]
    for call in calls:
        with pytest.raises(ClusterError, match=f"the kubeconfig {missing} cannot be read"):
            call()


def cluster_that_answers(code: int) -> Callable[..., Cluster]:
    transport = httpx.MockTransport(lambda _request: httpx.Response(code, json={}))
    client = httpx.Client(base_url="https://10.0.0.1:6443", transport=transport)
    return lambda _kubeconfig, _context, namespace: Cluster(client, namespace)


def test_a_namespace_that_is_missing_is_told_with_the_command_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "connect", cluster_that_answers(404))
    with pytest.raises(ClusterError) as caught:
        Gates(settings_of()).reach_cluster()
    assert "the cluster of context 'staging' has no namespace 'staging'" in str(caught.value)
    assert "kubectl --context staging create namespace staging" in str(caught.value)


def test_a_cluster_that_answers_and_has_the_namespace_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "connect", cluster_that_answers(200))
    Gates(settings_of()).reach_cluster()
    monkeypatch.setattr(gates, "connect", cluster_that_answers(503))
    with pytest.raises(Unreachable):
        Gates(settings_of()).reach_cluster()


def test_an_authority_is_trusted_beside_those_of_the_system(tmp_path: Path) -> None:
    assert trust("").verify_mode is ssl.CERT_REQUIRED
    assert trust("").check_hostname
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for file in (str(tmp_path / "missing.pem"), str(broken)):
        with pytest.raises(ClusterError, match=r"health\.ca_file .* cannot be read as certificates.*To mend it"):
            trust(file)


def test_a_release_that_fails_says_whom_to_tell_in_which_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_gate: object, _release: Release, _record: Mapping[str, str]) -> None:
        raise GateFailed("release v1 was taken back in staging")

    monkeypatch.setattr(VerificationGate, "run", fail)
    monkeypatch.setattr(gates, "connect", cluster_that_answers(200))
    contacts = [
        {"role": "release manager", "name": "Ann", "phone": "+49 30 123456", "slack": "@ann"},
        {"role": "DevOps lead", "name": "Ben", "phone": "+49 30 654321", "slack": "@ben"},
    ]
    with pytest.raises(GateFailed) as caught:
        Gates(settings_of(contacts=contacts), Unheld("a test")).verified(RELEASE, Told().reporter)
    assert str(caught.value).splitlines() == [
        "release v1 was taken back in staging",
        "Tell, in this order, going on after 15 minutes without an answer:",
        "  1. release manager: Ann, +49 30 123456, @ann",
        "  2. DevOps lead: Ben, +49 30 654321, @ben",
    ]
