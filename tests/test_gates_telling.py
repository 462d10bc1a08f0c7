"""The gates let people know: what a release's record hears is told, and so is a gate that ends without an entry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import gates
from checks.waiting import Reporter
from cluster.api import Cluster
from cluster.errors import GateFailed
from cluster.lease.holding import Holding
from cluster.release import Release
from cluster.verification.gate import VerificationGate
from gates import Gates
from tests.cluster.api_server import ApiServer
from tests.fake_time import Told
from tests.notify.stand_in import TOKENS, StandIn, settings
from tests.recorded import NAMESPACE
from tests.stack_values import settings_of

ROOT = Path(__file__).resolve().parents[1]
RELEASE = {"version": "staging-abc1234", "image": "r@sha256:1", "configuration": "c", "revision": "abc"}


class Unheld(Holding):
    def take(self, cluster: Cluster, deployment: str, reporter: Reporter) -> Cluster:  # noqa: ARG002
        return cluster


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    monkeypatch.chdir(ROOT)
    found = ApiServer()
    monkeypatch.setattr(gates, "connect", lambda *_: found.cluster())
    return found


def run(stand_in: StandIn, told: Told) -> None:
    with stand_in.served() as address:
        configured = settings_of(cluster__namespace=NAMESPACE, notify=settings(address))
        Gates(configured, Unheld("a test")).verified(RELEASE, told.reporter)


@pytest.mark.usefixtures("server")
def test_a_verified_release_is_told_by_its_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(gate: VerificationGate, _release: Release, _record: Mapping[str, str]) -> None:
        assert gate.history is not None
        gate.history.finish("verified")

    monkeypatch.setattr(VerificationGate, "run", verify)
    stand_in, told = StandIn(), Told()
    run(stand_in, told)
    [message] = stand_in.texts()
    assert message.startswith(f"release staging-abc1234 is verified in {NAMESPACE} (stack staging)")
    assert stand_in.wrong == []
    assert not any(line.startswith("telling") for line in told.lines)


@pytest.mark.usefixtures("server")
def test_a_gate_that_fails_without_an_entry_is_told_before_its_update_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_gate: VerificationGate, _release: Release, _record: Mapping[str, str]) -> None:
        raise GateFailed("release v1 cannot be verified: the cluster gives no answer")

    monkeypatch.setattr(VerificationGate, "run", fail)
    stand_in, told = StandIn(), Told()
    with pytest.raises(GateFailed) as caught:
        run(stand_in, told)
    [message] = stand_in.texts()
    assert message.startswith("release staging-abc1234 has stopped")
    assert "the cluster gives no answer" in message
    assert [token for token in TOKENS if token in str(caught.value) or token in str(told.lines)] == []


def test_a_release_ends_as_it_does_with_everybody_down(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(gate: VerificationGate, _release: Release, _record: Mapping[str, str]) -> None:
        assert gate.history is not None
        gate.history.finish("verified")

    monkeypatch.setattr(VerificationGate, "run", verify)
    configured = settings_of(cluster__namespace=NAMESPACE, notify=settings("http://127.0.0.1:9"))
    told = Told()
    Gates(configured, Unheld("a test")).verified(RELEASE, told.reporter)
    assert any(line.startswith("telling: ") and "ConnectError" in line for line in told.lines)
    assert any("-release-1" in name for name in server.config_maps)


@pytest.mark.usefixtures("server")
def test_what_the_release_goes_without_is_told_as_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VerificationGate, "run", lambda *_: None)
    stand_in, told = StandIn(), Told()
    items = ["11 window: break-glass waiver by Ana until 2031-05-14: logins fail"]
    with stand_in.served() as address:
        configured = settings_of(cluster__namespace=NAMESPACE, notify=settings(address))
        Gates(configured, Unheld("a test"), waived={"items": items}).verified(RELEASE, told.reporter)
    [text] = stand_in.texts(thread=True)
    assert items[0] in text
    assert stand_in.wrong == []
