"""The program as a whole: the order of the release, and nothing behind a gate that did not let it."""

from __future__ import annotations

import json
import runpy
import signal
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as pulumi_config

import evidence.git
from checks.reader import Unreachable
from cluster.errors import ClusterError
from evidence.git import GitError, Revision
from gates import Gates
from settings import OVERLAY
from tests.components.recorder import Recorder, RefusedError, declare
from tests.stack_values import stack_values

ROOT = Path(__file__).resolve().parents[1]
REVISION = Revision("abc1234" + "0" * 33, "2024-05-14T09:30:00+00:00", "https://github.com/o/r.git", "")


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    configured = {
        f"release-manager:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in stack_values().items()
    }
    monkeypatch.setattr(pulumi_config, "CONFIG", type(pulumi_config.CONFIG)("CONFIG", default=configured))
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
    monkeypatch.delenv(OVERLAY, raising=False)
    monkeypatch.setattr(evidence.git, "read_revision", lambda _directory: REVISION)
    monkeypatch.setattr(Gates, "reach_cluster", lambda _gates: None)
    monkeypatch.chdir(ROOT)
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"))


def names(recorder: Recorder) -> list[str]:
    return [each.name for each in recorder.declared if not each.kind.startswith("release-manager:")]


def test_the_release_goes_from_image_to_migration_to_pods_to_verification() -> None:
    recorder = declare(program)
    order = names(recorder)
    [job] = [each.name for each in recorder.all("kubernetes:batch/v1:Job")]
    steps = ["image-image", job, "migration-record", "rollout-stable", "verification-record"]
    assert sorted(steps, key=order.index) == steps


def test_no_two_resources_share_a_urn() -> None:
    urns = [each.urn for each in declare(program).declared]
    assert len(set(urns)) == len(urns)


def test_every_object_goes_to_the_cluster_that_the_settings_name() -> None:
    recorder = declare(program)
    provider = recorder.only("pulumi:providers:kubernetes")
    assert provider.inputs["context"] == "staging"
    assert provider.inputs["kubeconfig"] == "~/.kube/config"
    objects = [each for each in recorder.declared if each.kind.startswith("kubernetes:")]
    assert len(objects) == 6
    assert all(each.provider.startswith(provider.urn) for each in objects)


def test_a_preview_that_does_not_know_the_image_yet_declares_everything_too() -> None:
    recorder = declare(program, preview=True)
    assert set(names(recorder)) == set(names(declare(program)))
    [container] = recorder.only("kubernetes:batch/v1:Job").inputs["spec"]["template"]["spec"]["containers"]
    assert "image" not in container, "the image is not known yet"


def behind(refused: str) -> list[str]:
    recorder = Recorder(refused=refused)
    with pytest.raises(RefusedError):
        declare(program, recorder=recorder)
    return names(recorder)


def test_no_pod_changes_while_the_migration_has_not_passed_its_gate() -> None:
    found = behind("migration-record")
    assert not [name for name in found if name.startswith(("rollout", "verification"))], found


def test_nothing_is_verified_before_the_pods_are_declared() -> None:
    assert "verification-record" not in behind("rollout-stable")


def test_no_migration_runs_without_an_image() -> None:
    found = behind("image-image")
    assert not [name for name in found if name.startswith(("migration", "rollout", "verification"))], found


@pytest.mark.parametrize(
    "error",
    [GitError("make one"), ClusterError("no namespace", mend="create it"), Unreachable("no answer")],
)
def test_what_a_user_can_mend_is_one_line_and_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_anything: object) -> Revision:
        raise error

    if isinstance(error, GitError):
        monkeypatch.setattr(evidence.git, "read_revision", fail)
    else:
        monkeypatch.setattr(Gates, "reach_cluster", fail)
    recorder = Recorder()
    with pytest.raises(pulumi.RunError) as caught:
        declare(program, recorder=recorder)
    assert str(caught.value) == str(error)
    assert recorder.declared == []
