"""An image is taken in place of a build only where the registry has it, and promoted only where it was verified."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from cluster.release import Release
from cluster.releases import VerifiedRelease
from concerns.image import PromotionSettings
from evidence.git import Revision
from evidence.image import FoundImage, PromotionError, built_before, verified_elsewhere
from evidence.registry import RegistryError
from tests.evidence.image_registry import REPOSITORY, ImageRegistry

REVISION = Revision("abc1234" + "0" * 33, "2026-11-23T09:30:00+00:00", "https://github.com/o/r.git", "")
SOURCE = PromotionSettings(namespace="staging", deployment="release-manager-staging")
TAG = "prod-abc1234"
LOST = "sha256:" + "5e" * 32


def verified(
    digest: str, *, sha: str = REVISION.sha, version: str = "v1", repository: str = REPOSITORY
) -> VerifiedRelease:
    release = Release(version=version, image=f"{repository}@{digest}", configuration="c", revision=sha)
    return VerifiedRelease(
        release=release, verified_at=datetime(2026, 11, 23, 10, 11, tzinfo=UTC), template={}, records={}
    )


def refused(fake: ImageRegistry, *releases: VerifiedRelease, revision: Revision = REVISION) -> str:
    with pytest.raises(PromotionError) as caught:
        verified_elsewhere(fake.registry(), SOURCE, releases, revision, TAG)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_image_that_the_registry_has_is_not_built_again() -> None:
    fake = ImageRegistry()
    digest = fake.keep("staging-abc1234", "a")
    assert built_before(fake.registry(), "staging-abc1234") == FoundImage(f"{REPOSITORY}@{digest}")
    assert built_before(fake.registry(), "staging-0000000") is None


def test_a_registry_that_does_not_answer_does_not_make_an_image_missing() -> None:
    fake = ImageRegistry(fails=httpx.ConnectError("Connection refused"))
    with pytest.raises(RegistryError):
        built_before(fake.registry(), "staging-abc1234")
    with pytest.raises(RegistryError):
        verified_elsewhere(fake.registry(), SOURCE, [verified(LOST)], REVISION, TAG)


def test_the_very_digest_that_was_verified_last_for_the_commit_is_promoted() -> None:
    fake = ImageRegistry()
    newer, older = fake.keep("staging-abc1234", "newer"), fake.keep("old", "older")
    other = fake.keep("staging-0000000", "another commit")
    releases = [verified(other, sha="0" * 40), verified(newer), verified(older)]
    found = verified_elsewhere(fake.registry(), SOURCE, releases, REVISION, TAG)
    assert found == FoundImage(f"{REPOSITORY}@{newer}", promoted=True)
    assert all(request.method == "GET" for request in fake.requests), "a look changes nothing"


def test_a_commit_that_was_never_verified_there_is_refused_with_what_was() -> None:
    fake = ImageRegistry()
    digest = fake.keep("staging-0000000", "another commit")
    text = refused(fake, verified(digest, sha="0" * 40, version="v2026.11.23.101112"))
    assert "commit abc1234 was never verified by release-manager-staging in staging" in text
    assert "it verified last: v2026.11.23.101112, commit 0000000, at 2026-11-23 10:11" in text
    assert "pulumi up --stack" in text


def test_a_tag_in_the_registry_is_no_verification() -> None:
    fake = ImageRegistry()
    fake.keep("staging-abc1234", "built, pushed, and taken back")
    assert "nothing was verified there yet" in refused(fake)


def test_changes_that_are_not_committed_were_verified_by_nobody() -> None:
    fake = ImageRegistry()
    digest = fake.keep("staging-abc1234", "a")
    text = refused(fake, verified(digest), revision=replace(REVISION, changes="0a1b2c3d"))
    assert "commit abc1234 with changes that are not committed was never verified" in text


def test_a_tag_that_names_another_image_is_not_moved() -> None:
    fake = ImageRegistry()
    digest, standing = fake.keep("staging-abc1234", "a"), fake.keep(TAG, "built here")
    text = refused(fake, verified(digest))
    assert f"{TAG} is {standing} already, and release-manager-staging verified {digest}" in text
    assert "a tag is never moved" in text


def test_a_tag_that_names_the_image_already_is_fine() -> None:
    fake = ImageRegistry()
    digest = fake.keep("staging-abc1234", "a")
    fake.tags[TAG] = digest
    assert verified_elsewhere(fake.registry(), SOURCE, [verified(digest)], REVISION, TAG).promoted


def test_an_image_that_the_registry_has_lost_is_refused() -> None:
    text = refused(ImageRegistry(), verified(LOST))
    assert f"the registry no longer has {REPOSITORY}@{LOST}, which release-manager-staging verified as v1" in text


def test_an_image_of_another_repository_is_refused_with_the_setting() -> None:
    text = refused(ImageRegistry(), verified(LOST, repository="other.internal/release-manager"))
    assert re.search(
        r"verified v1 from other\.internal/release-manager, and image\.repository is registry\.internal", text
    )
    assert "set image.repository to other.internal/release-manager" in text
