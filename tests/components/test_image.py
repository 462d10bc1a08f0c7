"""The image is built from the commit that it names, once, and handed on by digest only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pulumi

from checks.waiting import Reporter
from components.image import TYPE, ImageArgs, ReleaseImage
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


def image(
    found: FoundImage | None = None,
    *,
    expected: str = REPO_DIGEST,
    revision: Revision = REVISION,
    **changes: object,
) -> Recorder:
    def let(record: Mapping[str, str], _reporter: Reporter) -> None:
        recorder.let.append(record)

    recorder = Recorder()

    def program() -> pulumi.Output[None]:
        args = ImageArgs(settings_of(**changes), revision, found, let, let)

        def check(reference: str) -> None:
            assert reference == expected

        return ReleaseImage("image", args).reference.apply(check)

    return declare(program, recorder=recorder)


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
