"""`make approve RELEASE=` approves a version, its commit and its image: recorded in the cluster, or signed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from approving import Approving
from cluster.approval.approvals import Approval, Approvals
from cluster.errors import ClusterError
from commands.approve import approve_release
from evidence.git import GitError, Revision
from evidence.image import FoundImage, PromotionError
from settings import Settings
from tests.cluster.api_server import ApiServer
from tests.evidence.approval.keys import make_key, signer
from tests.evidence.checkouts import commit, git
from tests.recorded import NAME
from tests.stack_values import settings_of

AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
VERSION = "v2024.05.14"
DIGEST, OTHER = f"sha256:{'d' * 64}", f"sha256:{'e' * 64}"


class World:
    """A project whose checkout has the release, and is at a later commit; `image` is what the registry has of it."""

    def __init__(self, place: Path) -> None:
        self.server, self.project = ApiServer(), place
        self.image: FoundImage | Exception | None = None
        self.asked: list[Revision] = []
        (place / "app").mkdir()
        (place / "app" / "Dockerfile").touch()
        git(place, "init", "-q", "-b", "main")
        commit(place)
        git(place, "tag", "-a", "-m", "release", VERSION)
        self.sha = git(place, "rev-parse", "HEAD")
        commit(place)

    def settings(self, **changes: Any) -> Settings:
        approval = {"required": True, "approvers": ["ana", "ben"], **changes.pop("approval", {})}
        return settings_of(
            environment="prod",
            image__context=str(self.project / "app"),
            image__reuse=changes.pop("reuse", True),
            application__deployment=NAME,
            release={"tag": "v%Y.%m.%d", "pushed": True},
            approval=approval,
            **changes,
        )

    def approve(self, version: str = VERSION, *, by: str = "ana", key: Path | None = None, **changes: Any) -> list[str]:
        def find(revision: Revision) -> FoundImage | None:
            self.asked.append(revision)
            if isinstance(self.image, Exception):
                raise self.image
            return self.image

        settings = self.settings(**changes)
        approving = Approving(settings, self.server.cluster(), self.project)
        return approve_release(settings, approving, "prod", find, version=version, by=by, at=AT, key=key)

    @property
    def recorded(self) -> Approval | None:
        return Approvals(self.server.cluster(), NAME, ("ana", "ben")).find("release", VERSION)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    return World(tmp_path)


def test_before_the_image_is_built_the_approval_is_of_the_tags_commit_whatever_is_checked_out(world: World) -> None:
    told = f"release {VERSION} approved for prod by ana at 2024-05-14 09:30:00 UTC"
    of = f"commit {world.sha[:7]}, the image that the update builds from it"
    assert world.approve() == [f"{told}: {of}", "next: make up STACK=prod"]
    assert world.recorded is not None
    assert (world.recorded.commit, world.recorded.digest) == (world.sha, "")
    assert [(each.sha, each.tag("prod")) for each in world.asked] == [(world.sha, f"prod-{world.sha[:7]}")]


def test_an_image_that_is_there_is_approved_by_its_digest(world: World) -> None:
    world.image = FoundImage(f"registry.internal/release-manager@{DIGEST}", promoted=True)
    assert f"image {DIGEST[:19]}" in world.approve()[0]
    assert world.recorded is not None
    assert world.recorded.digest == DIGEST


def test_where_every_update_builds_anew_the_approval_is_of_the_commit(world: World) -> None:
    world.image = FoundImage(f"registry.internal/release-manager@{DIGEST}")
    world.approve(reuse=False)
    assert world.recorded is not None
    assert world.recorded.digest == ""


def test_an_approval_of_another_image_takes_the_place_of_the_one_before(world: World) -> None:
    world.image = FoundImage(f"r@{OTHER}")
    world.approve()
    world.image = FoundImage(f"r@{DIGEST}")
    assert "approved for prod by ben" in world.approve(by="ben")[0]
    assert world.recorded is not None
    assert (world.recorded.by, world.recorded.digest) == ("ben", DIGEST)
    assert "was approved already for prod by ben" in world.approve()[0]


def test_what_cannot_be_promoted_or_asked_for_is_not_approved(world: World) -> None:
    world.image = PromotionError("commit abc was never verified by staging; release it there first")
    with pytest.raises(PromotionError):
        world.approve()
    assert world.recorded is None


@pytest.mark.parametrize("version", ["v2024.05.15", "main", "v2024.5.14", ""])
def test_a_release_that_this_clone_does_not_know_is_not_approved(world: World, version: str) -> None:
    with pytest.raises(GitError, match=r"this clone has no release .* git fetch --tags origin"):
        world.approve(version)


def test_the_author_is_refused_at_once_and_told_who_may(world: World) -> None:
    with pytest.raises(ClusterError) as caught:
        world.approve(approval={"identities": {"ana": ["developer@example.com"]}})
    assert "ana is the author of commit" in str(caught.value)
    assert "(as developer@example.com), and nobody approves the own release" in str(caught.value)
    assert "one of ben approves it" in str(caught.value)
    assert world.recorded is None


def test_somebody_who_may_not_is_refused_before_anything_is_asked(world: World) -> None:
    with pytest.raises(ClusterError, match="'eve' may not approve here; approvers are: ana, ben"):
        world.approve("whatever", by="eve")
    assert world.asked == []


def test_it_is_signed_where_a_key_is_named_and_nothing_is_recorded(world: World) -> None:
    key = make_key(world.project, "ana-key")
    (world.project / "signers").write_text(signer("ana", key), encoding="utf-8")
    world.image = FoundImage(f"r@{DIGEST}")
    lines = world.approve(key=key, approval={"recorded": False, "signed": {"allowed_signers": "signers"}})
    assert f"image {DIGEST[:19]}" in lines[0]
    assert lines[1].startswith(f"signed: approvals/prod/{VERSION}.yaml approvals/prod/{VERSION}.yaml.sig; keep both")
    assert DIGEST in (world.project / "approvals" / "prod" / f"{VERSION}.yaml").read_text(encoding="utf-8")
    assert world.recorded is None


def test_a_stack_that_takes_only_signed_ones_records_none(world: World) -> None:
    with pytest.raises(ClusterError, match="SIGN=<SSH key>"):
        world.approve(approval={"recorded": False, "signed": {"allowed_signers": "signers"}})
    assert world.recorded is None


def test_a_stack_that_takes_no_signed_ones_signs_none(world: World) -> None:
    with pytest.raises(ClusterError, match=r"set approval\.signed\.allowed_signers"):
        world.approve(key=world.project / "key")
