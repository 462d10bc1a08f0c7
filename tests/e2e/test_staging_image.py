"""One commit, one image: built once, found again, promoted as it was verified, and only from what others can see."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cluster.access import connect
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from evidence.registry import Registry
from tests.e2e.stack import Stack

pytestmark = pytest.mark.thorough

REPOSITORY = "localhost:5000/release-manager"
BUILT = re.compile(r"docker:index:Image image-image (creat|updat)")
# A verification that ends soon, and with FAIL.
FAILING: dict[str, Any] = {
    "health": {"attempts": 1},
    "verification": {"scripts": [{"name": "smoke tests", "command": ["false"], "timeout_seconds": 30}]},
}


def digest_of_tag(stack: Stack) -> str | None:
    with Registry(REPOSITORY, None) as registry:
        return registry.digest(f"staging-{stack.git('rev-parse', '--short=7', 'HEAD')}")


def labels_of(image: str) -> dict[str, str]:
    digest = image.partition("@")[2]
    base = "http://localhost:5000/v2/release-manager"
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    manifest = httpx.get(f"{base}/manifests/{digest}", headers=accept, timeout=5).json()
    found = httpx.get(f"{base}/blobs/{manifest['config']['digest']}", timeout=5).json()
    labels: dict[str, str] = found["config"]["Labels"]
    return labels


@pytest.fixture(scope="module")
def released(staging: Stack) -> Stack:
    """Staging with a verified release of a commit that was never built before."""
    staging.change_application()
    staging.approved_release()
    result = staging.up()
    assert result.status == 0, result.text
    assert BUILT.search(result.text)
    return staging


def test_the_image_is_tagged_with_the_commit_labelled_with_the_release_and_run_by_digest(released: Stack) -> None:
    image = released.running_image()
    assert image == f"{REPOSITORY}@{digest_of_tag(released)}"
    version = released.git("describe", "--tags", "--exact-match")
    assert released.health()["version"] == version
    labels = labels_of(image)
    assert {key.rpartition(".")[2]: value for key, value in labels.items()} == {
        "title": "release-manager",
        "version": version,
        "revision": released.git("rev-parse", "HEAD"),
        "source": released.git("remote", "get-url", "origin"),
        "created": released.git("log", "-1", "--format=%cI"),
    }


def test_the_same_commit_again_has_the_same_digest_and_changes_nothing(released: Stack) -> None:
    image, pods = released.running_image(), released.pods()

    again = released.up("--expect-no-changes")

    assert again.status == 0, again.text
    assert (released.running_image(), released.pods()) == (image, pods)


def test_another_checkout_of_the_same_commit_builds_nothing_and_moves_no_pod(released: Stack) -> None:
    image, pods = released.running_image(), released.pods()
    # What git does not keep of a file, but a build would see.
    file = released.checkout / "sandbox" / "app" / "alembic.ini"
    mode = file.stat().st_mode
    file.chmod(0o600)
    try:
        result = released.up("--expect-no-changes")
    finally:
        file.chmod(mode)

    assert result.status == 0, result.text
    assert (released.running_image(), released.pods()) == (image, pods)


def test_the_preview_after_a_rollback_is_true_for_the_image_too(released: Stack) -> None:
    serving, image = released.git("rev-parse", "HEAD"), released.running_image()
    released.change_application()
    released.approved_release()

    failed = released.up(settings=FAILING)
    released.git("checkout", "-q", serving)
    try:
        shutil.rmtree(released.checkout / ".release")
        preview = released.pulumi("preview", "--stack", "staging", "--expect-no-changes")
        update = released.up("--expect-no-changes")
    finally:
        released.git("checkout", "-q", "main")

    assert failed.status != 0
    assert BUILT.search(failed.text)
    assert released.running_image() == image
    assert preview.status == 0, preview.text
    assert update.status == 0, update.text
    again = released.pulumi("preview", "--stack", "staging")
    assert again.status == 0, again.text
    assert not re.search(r"docker:index:Image image-image (creat|updat|delet)", again.text), "it is built already"


def test_a_commit_after_a_release_that_was_taken_back_is_built(released: Stack) -> None:
    image = released.running_image()
    released.change_application()
    version = released.approved_release()

    result = released.up()

    assert result.status == 0, result.text
    assert BUILT.search(result.text)
    assert released.running_image() != image
    assert released.health()["version"] == version


def test_what_others_cannot_see_is_refused_all_at_once_and_nothing_changes(released: Stack) -> None:
    image, pods = released.running_image(), released.pods()
    released.git("commit", "-q", "--allow-empty", "-m", "not pushed")
    released.change_application()
    try:
        result = released.up()
    finally:
        released.git("checkout", "-q", "--", ".")
        released.git("reset", "-q", "--hard", "HEAD~1")

    assert result.status != 0
    assert "3 things keep commit" in result.text
    for text in (
        "not as committed (sandbox/app/release_manager/__init__.py)",
        "is not pushed: no remote branch has it; git push origin HEAD",
        "a release needs an annotated tag of the form v%Y.%m.%d.%H%M%S",
    ):
        assert text in result.text
    assert "Traceback" not in result.text
    assert (released.running_image(), released.pods()) == (image, pods)


def promoting_from(namespace: str) -> dict[str, Any]:
    return {"image": {"promote_from": {"namespace": namespace, "deployment": "rehearsal"}}}


def test_what_was_never_verified_elsewhere_is_not_promoted(released: Stack, namespace: str) -> None:
    image, pods = released.running_image(), released.pods()

    result = released.up(settings=promoting_from(namespace))

    assert result.status != 0
    assert f"was never verified by rehearsal in {namespace} (nothing was verified there yet)" in result.error
    assert "Traceback" not in result.text
    assert (released.running_image(), released.pods()) == (image, pods)


def test_the_very_digest_that_was_verified_elsewhere_is_tagged_and_runs(released: Stack, namespace: str) -> None:
    image = released.running_image()
    version = released.release()
    assert digest_of_tag(released) is None
    cluster = connect(str(released.world.paths.kubeconfig), "release-manager-sandbox", namespace)
    sha = released.git("rev-parse", "HEAD")
    elsewhere = Release(version="v1", image=image, configuration="c", revision=sha)
    VerifiedReleases(cluster, "rehearsal").add(
        VerifiedRelease(release=elsewhere, verified_at=datetime.now(UTC), template={}, records={})
    )
    released.approve("--release", version, settings=promoting_from(namespace))
    preview = released.pulumi("preview", "--stack", "staging", settings=promoting_from(namespace))
    assert preview.status == 0, preview.text
    assert digest_of_tag(released) is None, "a preview sets no tag"

    result = released.up(settings=promoting_from(namespace))

    assert result.status == 0, result.text
    assert not BUILT.search(result.text)
    assert released.running_image() == image
    assert f"{REPOSITORY}@{digest_of_tag(released)}" == image
    assert released.health()["version"] == version
    assert released.up("--expect-no-changes", settings=promoting_from(namespace)).status == 0
