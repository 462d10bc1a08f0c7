"""The Job runs without Pulumi, ends well however the watch ended, and is begun again where it could not go on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import watch.__main__ as entry
from checks.reader import Unreachable
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.trust import system_trust
from cluster.watch.service_account import connect_from_pod
from cluster.watch.state import End, WatchState
from tests.cluster.watch.world import START
from tests.watch.plans import plan_of
from watch.assembling import Assembly

ROOT = Path(__file__).resolve().parents[2]
# A certificate of nobody, whose key was thrown away.
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUE4qbIPvqWL4GGnFQTSD6DAUoGlUwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdC1hdXRob3JpdHkwIBcNMjYxMTIzMTAzMzQzWhgPMjEy
NjEwMzAxMDMzNDNaMBkxFzAVBgNVBAMMDnRlc3QtYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEyfCCn4ZWM0Ffjydn8XmKcaDWpB/kokrQ0t9U087w
QHqQ5Br7SF6yjUfEzu9bxLZMvB1ubT1R2prSSpRU1ovjCqNTMFEwHQYDVR0OBBYE
FMuf4P7/DEbH1pOTobwfufA+iqC4MB8GA1UdIwQYMBaAFMuf4P7/DEbH1pOTobwf
ufA+iqC4MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgYFqiOyQG
PJWiEsmZq/jAdeblRAv5W8ACfWref7HG52sCIQCKEjocWwhkkdFobcZtCy/uMkBH
i2NVJj3GJNZxWWNn9Q==
-----END CERTIFICATE-----
"""
WITHOUT = ("pulumi", "pulumi_kubernetes", "sandbox", "settings", "components", "grpc")


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    plan, secrets = tmp_path / "plan.json", tmp_path / "secrets.json"
    plan.write_text(plan_of().text(), encoding="utf-8")
    secrets.write_text(plan_of().secrets(), encoding="utf-8")
    return [f"--plan={plan}", f"--secrets={secrets}"]


def ends(monkeypatch: pytest.MonkeyPatch, found: WatchState | Exception) -> list[WatchState]:
    escalated: list[WatchState] = []

    def run(_assembly: Assembly) -> WatchState:
        if isinstance(found, Exception):
            raise found
        return found

    client = httpx.Client(verify=system_trust())
    monkeypatch.setattr(entry, "connect_from_pod", lambda namespace: Cluster(client, namespace))
    monkeypatch.setattr(Assembly, "run", run)
    monkeypatch.setattr(Assembly, "escalate", lambda _assembly, state: escalated.append(state))
    return escalated


def state(end: End) -> WatchState:
    return WatchState(key="0123456789", identity="x", version="v2", began_at=START, looked_at=START, end=end)


def test_nothing_of_the_engine_is_loaded() -> None:
    code = f"import sys, watch.__main__; sys.exit(bool(set(sys.modules) & set({WITHOUT!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize("end", list(End))
def test_however_the_watch_ended_the_job_has_done_its_work(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], end: End, capsys: pytest.CaptureFixture[str]
) -> None:
    found = state(end)
    escalated = ends(monkeypatch, found)
    assert entry.main([*arguments, "--key=0123456789"]) == 0
    assert escalated == [found]
    assert capsys.readouterr().out.endswith(f" watch: {end}\n")


@pytest.mark.parametrize("error", [ClusterError("it refuses"), Unreachable("it is silent")])
def test_where_it_could_not_go_on_it_is_begun_again(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    ends(monkeypatch, error)
    assert entry.main([*arguments, "--key=0123456789"]) == 1
    assert str(error) in capsys.readouterr().out


def test_the_pod_of_an_older_attempt_leaves_the_plan_of_a_newer_one_alone(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ends(monkeypatch, AssertionError("it must not watch"))
    assert entry.main([*arguments, "--key=9876543210"]) == 0
    assert "the plan is that of v2 by now" in capsys.readouterr().out


def test_a_plan_that_is_missing_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "plan.json"
    assert entry.main([f"--plan={missing}", f"--secrets={missing}", "--key=0"]) == 1
    assert f"{missing} cannot be read" in capsys.readouterr().out


def test_a_signal_ends_it() -> None:
    with pytest.raises(SystemExit) as caught:
        entry._leave(signal.SIGTERM, None)
    assert caught.value.code == 143


def account(directory: Path) -> Path:
    (directory / "token").write_text("first\n", encoding="ascii")
    (directory / "ca.crt").write_text(AUTHORITY, encoding="ascii")
    return directory


def test_the_pod_signs_in_with_the_token_as_it_is_renewed(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url.host} {request.headers['Authorization']}")
        return httpx.Response(404)

    found = account(tmp_path)
    environment = {"KUBERNETES_SERVICE_HOST": "198.19.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    cluster = connect_from_pod(
        "production", account=found, environment=environment, transport=httpx.MockTransport(answer)
    )
    cluster.config_map("x")
    (found / "token").write_text("second", encoding="ascii")
    cluster.config_map("x")
    assert seen == ["198.19.0.1 Bearer first", "198.19.0.1 Bearer second"]
    (found / "token").unlink()
    with pytest.raises(Unreachable, match="token of the pod's account"):
        cluster.config_map("x")


def test_outside_of_a_pod_nothing_is_connected_to(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="this is no pod of a cluster"):
        connect_from_pod("production", account=tmp_path, environment={})
