"""The image is built from the commit that it names, pushed, and handed on by digest only."""

from __future__ import annotations

import pulumi

from components.image import ImageArgs, ReleaseImage
from evidence.git import Revision
from tests.components.recorder import REPO_DIGEST, Recorder, declare
from tests.stack_values import settings_of

REVISION = Revision("abc1234" + "0" * 33, "2024-05-14T09:30:00+00:00", "https://github.com/o/r.git", "")
TAG = "staging-abc1234"


def image(**changes: object) -> Recorder:
    args = ImageArgs(settings_of(**changes).image, tag=TAG, version=TAG, revision=REVISION)

    def program() -> pulumi.Output[None]:
        def check(reference: str) -> None:
            assert reference == REPO_DIGEST

        return ReleaseImage("image", args).reference.apply(check)

    return declare(program)


def test_its_reference_is_the_digest_and_its_parent_the_component() -> None:
    recorder = image()
    built = recorder.only("docker:index/image:Image")
    assert built.inputs["imageName"] == f"registry.internal/release-manager:{TAG}"
    assert recorder.named(built.parent).kind == "release-manager:release:Image"


def test_it_is_built_for_the_cluster_with_all_labels_of_the_commit() -> None:
    build = image().only("docker:index/image:Image").inputs["build"]
    assert (build["context"], build["dockerfile"]) == ("sandbox/app", "sandbox/app/Dockerfile")
    assert build["platform"] == "linux/amd64"
    assert build["args"] == {
        "BASE": "python:3.11",
        "VERSION": TAG,
        "REVISION": REVISION.sha,
        "SOURCE": REVISION.source,
        "CREATED": REVISION.committed_at,
    }


def test_no_setting_can_lie_about_the_version() -> None:
    build = image(image__build_args={"VERSION": "another"}).only("docker:index/image:Image").inputs["build"]
    assert build["args"]["VERSION"] == TAG


def test_it_is_pushed_and_a_preview_builds_nothing() -> None:
    built = image().only("docker:index/image:Image")
    assert built.inputs["skipPush"] is False
    assert built.inputs["buildOnPreview"] is False


def test_the_password_of_the_registry_stays_a_secret() -> None:
    built = image().only("docker:index/image:Image")
    assert built.inputs["registry"]["username"] == "release"
    assert "registry" in built.secrets


def test_without_a_registry_the_sign_in_of_the_engine_is_used() -> None:
    assert "registry" not in image(image__registry=...).only("docker:index/image:Image").inputs
