"""The program as a whole: the order of the release, and nothing behind a gate that did not let it."""

from __future__ import annotations

import gc
import json
import runpy
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import config as pulumi_config

import situation
from checks.reader import Unreachable
from cluster.errors import ClusterError
from cluster.standing import Standing
from concerns.release import ReleaseSettings
from evidence.checklist.proof import State
from evidence.errors import EvidenceError
from evidence.git import GitError, Revision
from evidence.image import FoundImage
from evidence.registry import RegistryError
from gates import Gates
from image_source import ImageSource
from settings import OVERLAY
from tests.complete_checklist import checklist_of
from tests.components.recorder import Recorder, RefusedError, declare
from tests.stack_values import CANARY, stack_values

ROOT = Path(__file__).resolve().parents[1]
DIGEST = "registry.internal/release-manager@sha256:" + "4f" * 32
REVISION = Revision("abc1234" + "0" * 33, "2024-05-14T09:30:00+00:00", "https://github.com/o/r.git", "")


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """Leave what other tests made out of the collections after each test here."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    configured = {
        f"release-manager:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in stack_values().items()
    }
    monkeypatch.setattr(pulumi_config, "CONFIG", type(pulumi_config.CONFIG)("CONFIG", default=configured))
    monkeypatch.setattr(pulumi_config, "is_config_secret", lambda key: key == "release-manager:image")
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
    monkeypatch.delenv(OVERLAY, raising=False)
    monkeypatch.setattr(situation, "read_release", lambda _directory, _wanted: REVISION)
    monkeypatch.setattr(Gates, "reach_cluster", lambda _gates: None)
    monkeypatch.setattr(Gates, "look_at", lambda _gates, _revision, _found: Standing(started_from="4"))
    monkeypatch.setattr(
        Gates,
        "checklist",
        lambda gates, revision, _found: checklist_of(version=revision.version(gates.settings.environment)),
    )
    monkeypatch.chdir(ROOT)
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
    # Tasks that a refused resource leaves behind complain when they are collected: here, and not within another test.
    gc.collect()


def program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"))


def names(recorder: Recorder) -> list[str]:
    return [each.name for each in recorder.declared if not each.kind.startswith("release-manager:")]


def test_the_release_goes_from_image_to_migration_to_pods_to_verification() -> None:
    recorder = declare(program)
    order = names(recorder)
    [job] = [each.name for each in recorder.all("kubernetes:batch/v1:Job")]
    steps = ["image-image", "adoption-record", job, "migration-record", "rollout-stable", "verification-record"]
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
    assert len(objects) == 9
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
    [
        GitError("make one"),
        RegistryError("gives no answer"),
        ClusterError("no namespace", mend="create it"),
        Unreachable("no answer"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_anything: object) -> Revision:
        raise error

    if isinstance(error, GitError):
        monkeypatch.setattr(situation, "read_release", fail)
    else:
        asked, name = (ImageSource, "find") if isinstance(error, EvidenceError) else (Gates, "reach_cluster")
        monkeypatch.setattr(asked, name, fail)
    recorder = Recorder()
    with pytest.raises(pulumi.RunError) as caught:
        declare(program, recorder=recorder)
    assert str(caught.value) == str(error)
    assert recorder.declared == []


def test_an_update_with_an_open_item_ends_with_all_of_them_and_declares_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever leaves out the policy pack, or skips the preview, is held all the same."""
    found = checklist_of(state=State.UNKNOWN, of="backup")
    monkeypatch.setattr(Gates, "checklist", lambda _gates, _revision, _found: found)
    recorder = Recorder()
    with pytest.raises(pulumi.RunError) as caught:
        declare(program, recorder=recorder)
    assert "1 item of the checklist of staging is open; nothing was changed" in str(caught.value)
    assert "database backups are complete" in str(caught.value)
    assert names(recorder) == []


def test_a_preview_with_an_open_item_goes_on_to_show_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checklist_of(state=State.MISSING, of="backup")
    monkeypatch.setattr(Gates, "checklist", lambda _gates, _revision, _found: found)
    assert "verification-record" in names(declare(program, preview=True))


def test_a_release_that_was_verified_and_serves_is_held_by_no_item_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that has closed since is no change of what was released in it."""
    found = checklist_of(state=State.MISSING, of="window")
    monkeypatch.setattr(Gates, "checklist", lambda _gates, _revision, _found: found)
    monkeypatch.setattr(Gates, "look_at", lambda _gates, _revision, _found: Standing(started_from="4", settled=True))
    recorder = declare(program)
    assert "verification-record" in names(recorder)
    [checklist] = recorder.all("release-manager:release:Checklist")
    assert sorted(checklist.ignored) == ["environment", "items", "version"]


def configure(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    configured = {
        f"release-manager:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in stack_values(**changes).items()
    }
    monkeypatch.setattr(pulumi_config, "CONFIG", type(pulumi_config.CONFIG)("CONFIG", default=configured))


def versions_of(recorder: Recorder) -> set[str]:
    """Return every version that pods, records and probes are told."""
    records = [each.inputs["data"] for each in recorder.all("kubernetes:core/v1:ConfigMap")]
    templates = [each.inputs["spec"]["template"] for each in recorder.all("kubernetes:apps/v1:Deployment")]
    told = {record["version"] for record in records if "version" in record}
    return told | {template["metadata"]["labels"]["app.kubernetes.io/version"] for template in templates}


def test_the_version_is_the_release_tag_and_the_image_is_tagged_with_the_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def released(_directory: Path, wanted: ReleaseSettings) -> Revision:
        assert wanted.tag == "v%Y.%m.%d"
        return replace(REVISION, release="v2026.11.23")

    configure(monkeypatch, release={"tag": "v%Y.%m.%d", "pushed": True})
    monkeypatch.setattr(situation, "read_release", released)
    recorder = declare(program)
    assert versions_of(recorder) == {"v2026.11.23"}
    assert recorder.only("docker:index/image:Image").inputs["imageName"].endswith(":staging-abc1234")


def test_without_a_release_tag_the_version_is_the_tag_of_the_image() -> None:
    assert versions_of(declare(program)) == {"staging-abc1234"}


def test_an_image_that_is_there_runs_by_its_digest_without_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageSource, "find", lambda _images, _revision: FoundImage(DIGEST))
    recorder = declare(program, preview=True)
    assert recorder.all("docker:index/image:Image") == []
    for kind in ("kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment"):
        [container] = recorder.only(kind).inputs["spec"]["template"]["spec"]["containers"]
        assert container["image"] == DIGEST, "a preview knows it too"


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        (FoundImage(DIGEST), "approval-record"),
        (FoundImage(DIGEST, promoted=True), "approval-record"),
        (FoundImage(DIGEST, promoted=True), "image-promotion-record"),
    ],
)
def test_an_image_that_is_there_does_not_pass_by_a_gate(
    monkeypatch: pytest.MonkeyPatch, found: FoundImage, refused: str
) -> None:
    configure(monkeypatch, approval={"required": True, "approvers": ["ann"]})
    monkeypatch.setattr(ImageSource, "find", lambda _images, _revision: found)
    declared = behind(refused)
    assert not [name for name in declared if name.startswith(("migration", "rollout", "verification"))], declared


def test_a_canary_stands_between_the_migration_and_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, **CANARY)
    order = names(declare(program))
    steps = ["migration-record", "rollout-canary", "rollout-step-10-record", "rollout-step-50-record", "rollout-stable"]
    steps += ["rollout-step-100-record", "verification-record"]
    assert sorted(steps, key=order.index) == steps


def test_after_a_rollback_by_hand_only_stable_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records, the migration Job and the canary belong to the release that was left: none of it is to move."""
    configure(monkeypatch, **CANARY)
    gone_back = Standing(started_from="4", gone_back=True, migration="migration-of-the-other")
    monkeypatch.setattr(Gates, "look_at", lambda _gates, _revision, _found: gone_back)
    recorder = declare(program)
    for record in recorder.all("kubernetes:core/v1:ConfigMap"):
        assert record.ignored == ["data"], record.name
    job = recorder.only("kubernetes:batch/v1:Job")
    assert (job.name, job.ignored) == ("migration-of-the-other", ["metadata", "spec"])
    ignored = {each.name: each.ignored for each in recorder.all("kubernetes:apps/v1:Deployment")}
    assert ignored["rollout-stable"] == []
    assert {"metadata", "spec"} <= set(ignored["rollout-canary"])
