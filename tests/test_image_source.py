"""Where the image of a release comes from, by the settings: a build, the registry, or another environment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import gates
import image_source
from checks.reader import Unreachable
from cluster.api import Cluster
from cluster.errors import GateFailed
from cluster.lease.holding import Holding
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.verification.gate import VerificationGate
from evidence.git import Revision
from evidence.image import FoundImage, PromotionError
from evidence.registry import Credentials, Registry, RegistryError
from gates import Gates
from tests.evidence.image_registry import CREDENTIALS, REPOSITORY, ImageRegistry
from tests.fake_time import Told
from tests.stack_values import settings_of

ROOT = Path(__file__).resolve().parents[1]
REVISION = Revision("abc1234" + "0" * 33, "2026-11-23T09:30:00+00:00", "", "")
PROMOTION = {"namespace": "rehearsal", "deployment": "release-manager-rehearsal"}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def cluster_that_answers(code: int) -> Callable[..., Cluster]:
    transport = httpx.MockTransport(lambda _request: httpx.Response(code, json={}))
    client = httpx.Client(base_url="https://10.0.0.1:6443", transport=transport)
    return lambda _kubeconfig, _context, namespace: Cluster(client, namespace)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> ImageRegistry:
    fake = ImageRegistry()
    monkeypatch.setattr(image_source, "Registry", lambda repository, login: fake.registry(login, repository))
    return fake


def gates_with(**changes: Any) -> Gates:
    return Gates(settings_of(image__repository=REPOSITORY, **changes))


def test_without_reuse_the_registry_is_not_asked(registry: ImageRegistry) -> None:
    registry.keep("staging-abc1234", "a")
    assert gates_with().images.find(REVISION) is None
    assert registry.requests == []


def test_the_image_of_the_commit_and_environment_is_taken_where_the_registry_has_it(registry: ImageRegistry) -> None:
    configured = gates_with(image__reuse=True)
    registry.keep("prod-abc1234", "of another environment")
    assert configured.images.find(REVISION) is None
    digest = registry.keep("staging-abc1234", "a")
    assert configured.images.find(REVISION) == FoundImage(f"{REPOSITORY}@{digest}")


@pytest.mark.parametrize(
    ("server", "sent"),
    [("registry.internal", True), ("https://registry.internal/", True), ("other.internal", False)],
)
def test_the_password_goes_to_the_registry_that_it_is_for(registry: ImageRegistry, server: str, *, sent: bool) -> None:
    registry.sign_in = "basic"
    digest = registry.keep("staging-abc1234", "a")
    configured = gates_with(image__reuse=True, image__registry__server=server)
    if sent:
        assert configured.images.find(REVISION) == FoundImage(f"{REPOSITORY}@{digest}")
        return
    with pytest.raises(RegistryError):
        configured.images.find(REVISION)
    assert all("Authorization" not in request.headers for request in registry.requests)


def verified_in(monkeypatch: pytest.MonkeyPatch, *releases: Release) -> None:
    """Let the record of the environment that is promoted from hold `releases`, and no other record."""

    def read(record: VerifiedReleases) -> list[VerifiedRelease]:
        assert (record._cluster.namespace, record.name) == ("rehearsal", "release-manager-rehearsal-releases")
        now = datetime(2026, 11, 23, 10, 11, tzinfo=UTC)
        return [VerifiedRelease(release=each, verified_at=now, template={}, records={}) for each in releases]

    monkeypatch.setattr(image_source, "connect", cluster_that_answers(500))
    monkeypatch.setattr(VerifiedReleases, "read", read)


def test_what_another_environment_verified_is_promoted_and_tagged_when_the_update_runs(
    monkeypatch: pytest.MonkeyPatch, registry: ImageRegistry
) -> None:
    digest = registry.keep("rehearsal-abc1234", "a")
    image = f"{REPOSITORY}@{digest}"
    verified_in(monkeypatch, Release(version="v1", image=image, configuration="c", revision=REVISION.sha))
    configured = gates_with(release={"pushed": True}, image__promote_from=PROMOTION, image__reuse=True)
    assert configured.images.find(REVISION) == FoundImage(image, promoted=True)
    assert list(registry.tags) == ["rehearsal-abc1234"], "a look sets no tag"
    told = Told()
    configured.images.promote({"image": image, "tag": "staging-abc1234"}, told.reporter)
    assert registry.tags["staging-abc1234"] == digest
    assert told.lines == [f"promotion: {REPOSITORY}:staging-abc1234 is {digest}"]


def test_a_commit_that_the_other_environment_did_not_verify_is_refused_even_if_an_image_is_there(
    monkeypatch: pytest.MonkeyPatch, registry: ImageRegistry
) -> None:
    registry.keep("rehearsal-abc1234", "a")
    registry.keep("staging-abc1234", "a")
    verified_in(monkeypatch)
    with pytest.raises(PromotionError, match="never verified by release-manager-rehearsal in rehearsal"):
        gates_with(release={"pushed": True}, image__promote_from=PROMOTION, image__reuse=True).images.find(REVISION)


def test_a_record_that_cannot_be_read_is_not_taken_for_an_empty_one(
    monkeypatch: pytest.MonkeyPatch, registry: ImageRegistry
) -> None:
    monkeypatch.setattr(image_source, "connect", cluster_that_answers(503))
    with pytest.raises(Unreachable):
        gates_with(release={"pushed": True}, image__promote_from=PROMOTION).images.find(REVISION)
    assert registry.requests == []


def test_a_promotion_that_the_registry_refuses_is_one_line_and_changes_nothing(registry: ImageRegistry) -> None:
    registry.fails = httpx.Response(503)
    with pytest.raises(GateFailed) as caught:
        gates_with().images.promote(
            {"image": f"{REPOSITORY}@sha256:{'4f' * 32}", "tag": "staging-abc1234"}, Told().reporter
        )
    assert str(caught.value).startswith("the image is not promoted: the registry registry.internal answers GET")
    assert str(caught.value).endswith("Nothing else was changed")
    assert "\n" not in str(caught.value)


def test_the_registry_is_given_the_sign_in_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, Credentials | None]] = []

    def registry(repository: str, login: Credentials | None) -> Registry:
        given.append((repository, login))
        return ImageRegistry().registry(login, repository)

    monkeypatch.setattr(image_source, "Registry", registry)
    gates_with(image__reuse=True, image__registry__password=CREDENTIALS.password).images.find(REVISION)
    gates_with(image__reuse=True, image__registry=...).images.find(REVISION)
    assert given == [(REPOSITORY, CREDENTIALS), (REPOSITORY, None)]


def test_a_release_that_is_taken_back_puts_the_record_of_its_promotion_back_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr(VerificationGate, "run", lambda gate, *_release: seen.append(gate.rollback.records))
    monkeypatch.setattr(Holding, "take", lambda _holding, cluster, *_whose: cluster)
    monkeypatch.setattr(gates, "connect", cluster_that_answers(200))
    release = Release(version="v1", image=f"{REPOSITORY}@sha256:1", configuration="c", revision=REVISION.sha)
    gates_with().verified(release.model_dump(), Told().reporter)
    assert "release-manager-staging-image" in seen[0], "as it is named where it is declared"
