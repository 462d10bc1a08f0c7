"""The image is built from the commit that it names, once, and handed on by digest only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from checks.waiting import Reporter
from cluster.errors import GateFailed
from components.image import BUILT_FROM, TYPE, ImageArgs, ReleaseImage
from evidence.git import Revision
from evidence.image import FoundImage
from tests.components.recorder import REPO_DIGEST, Recorder, declare
from tests.stack_values import settings_of

REVISION = Revision("abc1234" + "0" * 33, "2024-05-14T09:30:00+00:00", "https://github.com/o/r.git", "")
TAG = "staging-abc1234"
FOUND = FoundImage("registry.internal/release-manager@sha256:" + "4f" * 32)
PROMOTED = replace(FOUND, promoted=True)
IMAGE = "docker:index/image:Image"
RECORD = "kubernetes:core/v1:ConfigMap"
Json = dict[str, Any]


def image(
    found: FoundImage | None = None,
    *,
    expected: str = REPO_DIGEST,
    revision: Revision = REVISION,
    recorded: Mapping[str, Json] | None = None,
    **changes: object,
) -> Recorder:
    def let(record: Mapping[str, str], _reporter: Reporter) -> None:
        recorder.let.append(record)

    recorder = Recorder(recorded=dict(recorded or {}))

    def program() -> pulumi.Output[None]:
        args = ImageArgs(settings_of(**changes), revision, found, let)

        def check(reference: str) -> None:
            assert reference == expected

        return ReleaseImage("image", args).reference.apply(check)

    return declare(program, recorder=recorder)


def record_of(recorder: Recorder) -> dict[str, Json]:
    """Return what the engine would have on record after this update."""
    outputs = {urn: values for urn, values in recorder.outputs.items() if values}
    return {urn: {"type": TYPE, "outputs": values} for urn, values in outputs.items()}


def test_its_reference_is_the_digest_and_its_parent_the_component() -> None:
    recorder = image()
    built = recorder.only(IMAGE)
    assert built.inputs["imageName"] == f"registry.internal/release-manager:{TAG}"
    assert recorder.named(built.parent).kind == TYPE


def test_it_is_built_for_the_cluster_with_all_labels_of_the_commit() -> None:
    build = image().only(IMAGE).inputs["build"]
    assert (build["context"], build["dockerfile"]) == ("sandbox/app", "sandbox/app/Dockerfile")
    assert build["platform"] == "linux/amd64"
    assert build["args"] == {
        "BASE": "python:3.11",
        "VERSION": TAG,
        "REVISION": REVISION.sha,
        "SOURCE": REVISION.source,
        "CREATED": REVISION.committed_at,
    }


def test_a_release_is_labelled_with_its_version_and_tagged_with_its_commit() -> None:
    built = image(revision=replace(REVISION, release="v2026.11.23")).only(IMAGE)
    assert built.inputs["build"]["args"]["VERSION"] == "v2026.11.23"
    assert built.inputs["imageName"].endswith(f":{TAG}")


def test_the_dockerfile_makes_each_label_of_the_argument_that_is_passed() -> None:
    text = Path("sandbox/app/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="\$\{(\w+)\}"', text))
    assert labels == {"version": "VERSION", "revision": "REVISION", "source": "SOURCE", "created": "CREATED"}
    assert set(labels.values()) <= set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))
    assert set(labels.values()) <= set(image().only(IMAGE).inputs["build"]["args"])


def test_no_setting_can_lie_about_the_version() -> None:
    build = image(image__build_args={"VERSION": "another"}).only(IMAGE).inputs["build"]
    assert build["args"]["VERSION"] == TAG


def test_it_is_pushed_and_a_preview_builds_nothing() -> None:
    built = image().only(IMAGE)
    assert built.inputs["skipPush"] is False
    assert built.inputs["buildOnPreview"] is False


def test_the_password_of_the_registry_stays_a_secret() -> None:
    built = image().only(IMAGE)
    assert built.inputs["registry"]["username"] == "release"
    assert "registry" in built.secrets


def test_without_a_registry_the_sign_in_of_the_engine_is_used() -> None:
    assert "registry" not in image(image__registry=...).only(IMAGE).inputs


def test_an_image_that_the_registry_has_is_taken_by_its_digest_and_not_built() -> None:
    assert image(FOUND, expected=FOUND.reference, image__reuse=True).all(IMAGE) == []


def test_the_same_commit_again_declares_the_same_so_that_nothing_changes() -> None:
    first = image(image__reuse=True)
    again = image(FOUND, expected=FOUND.reference, recorded=record_of(first), image__reuse=True)
    assert again.only(IMAGE).inputs == first.only(IMAGE).inputs
    third = image(FOUND, expected=FOUND.reference, recorded=record_of(again), image__reuse=True)
    assert third.only(IMAGE).inputs == first.only(IMAGE).inputs


@pytest.mark.parametrize(
    "now",
    [
        {"revision": replace(REVISION, sha="def5678" + "0" * 33)},
        {"revision": replace(REVISION, release="v2026.11.23")},
        {"revision": replace(REVISION, source="https://github.com/fork/r.git")},
        {"image__build_args": {"BASE": "python:3.12"}},
        {"image__repository": "registry.internal/another"},
    ],
)
def test_what_the_provider_would_build_again_is_not_declared(now: Json) -> None:
    first = image(image__reuse=True)
    again = image(FOUND, expected=FOUND.reference, recorded=record_of(first), image__reuse=True, **now)
    assert again.all(IMAGE) == []
    assert [outputs[BUILT_FROM] for outputs in again.outputs.values() if BUILT_FROM in outputs] == [""]


@pytest.mark.parametrize("change", ["content", "mode", "new", "link"])
def test_a_directory_that_the_provider_would_see_as_changed_is_not_declared(tmp_path: Path, change: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "link").symlink_to("Dockerfile")
    first = image(image__reuse=True, image__context=str(tmp_path))
    if change == "content":
        (tmp_path / "Dockerfile").write_text("FROM other\n")
    elif change == "mode":
        (tmp_path / "Dockerfile").chmod(0o600)
    elif change == "new":
        (tmp_path / "ignored.log").write_text("x")
    else:
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("elsewhere")
    again = image(
        FOUND,
        expected=FOUND.reference,
        recorded=record_of(first),
        image__reuse=True,
        image__context=str(tmp_path),
    )
    assert again.all(IMAGE) == []


def test_an_engine_that_does_not_tell_makes_no_build() -> None:
    first = image(image__reuse=True)
    recorder = Recorder(recorded=record_of(first), silent=True)
    args = ImageArgs(settings_of(image__reuse=True), REVISION, FOUND, lambda _record, _reporter: None)
    declare(lambda: ReleaseImage("image", args), recorder=recorder)
    assert recorder.all(IMAGE) == []


def test_a_stack_that_was_never_updated_is_not_asked_for_its_resources() -> None:
    recorder = image(FOUND, expected=FOUND.reference, image__reuse=True)
    assert recorder.asked == ["pulumi:pulumi:readStackOutputs"]


def test_a_tag_that_the_registry_has_is_never_overwritten() -> None:
    first = image(image__reuse=True)
    again = image(FOUND, expected=FOUND.reference, recorded=record_of(first), image__reuse=True)
    assert first.only(IMAGE).hooks == {}
    assert again.only(IMAGE).hooks == {"before_create": ["image-once"], "before_update": ["image-once"]}
    hook = again.hooks["image-once"]
    assert hook.opts is not None
    assert hook.opts.on_dry_run, "a preview tells it too"
    with pytest.raises(GateFailed, match=f"has registry.internal/release-manager:{TAG} already"):
        hook(pulumi.ResourceHookArgs(urn="urn", id="", name="image-image", type=IMAGE))


def test_a_promoted_image_is_never_built_and_its_gate_names_image_and_tag() -> None:
    recorder = image(PROMOTED, expected=PROMOTED.reference, image__reuse=True)
    assert recorder.all(IMAGE) == []
    record = recorder.only(RECORD)
    assert record.inputs["metadata"] == {"name": "release-manager-staging-image", "namespace": "staging"}
    assert record.inputs["data"] == {"image": PROMOTED.reference, "tag": TAG}
    hook = recorder.hooks["image-promotion-gate"]
    assert hook.opts is None or not hook.opts.on_dry_run, "a preview sets no tag"
    arguments = pulumi.ResourceHookArgs(
        urn="urn", id="", name="r", type="t", new_inputs={"data": record.inputs["data"]}
    )

    async def run() -> None:
        answer = hook(arguments)
        assert answer is not None
        await answer

    asyncio.run(run())
    assert recorder.let == [record.inputs["data"]]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    def denied(_file: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(pulumi.RunError, match=r"Dockerfile, which is part of the image, cannot be read \(Permission"):
        image(image__reuse=True, image__context=str(tmp_path))
