"""Who let a run into its environment approves the release, where that is an approver and not who began the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.approval.approvals import Approvals
from commands.delivery.approval import take_approval
from commands.delivery.errors import DeliveryError
from evidence.image import FoundImage
from settings import Settings
from tests.cluster.api_server import ApiServer
from tests.commands.delivery.world import AT, World
from tests.evidence.checkouts import copied, git, tagged_and_pushed
from tests.stack_values import settings_of

SQL = "1f" * 32
IMAGE = f"registry.internal/release-manager@sha256:{'d' * 64}"
APPROVERS = ("ana", "cy")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    checkout = copied(tagged_and_pushed, tmp_path) / "checkout"
    return settings_of(
        image__context=str(checkout / "app"),
        release={"tag": "v%Y.%m.%d", "pushed": True},
        image__reuse=True,
        approval={"required": True, "approvers": list(APPROVERS), "identities": {"cy": ["cy-at-acme"]}},
    )


def review(login: str, state: str = "approved", environment: str = "production") -> dict[str, Any]:
    return {"user": {"login": login}, "state": state, "environments": [{"name": environment}]}


def take(world: World, settings: Settings, server: ApiServer, migration: str = "") -> list[str]:
    return take_approval(
        settings,
        server.cluster(),
        "prod",
        world.around,
        lambda _revision: FoundImage(IMAGE),
        migration=migration,
        at=AT,
    )


def test_the_approval_is_of_this_release_and_of_its_sql(world: World, settings: Settings) -> None:
    world.forge.reviews, server = [review("ana")], ApiServer()
    take(world, settings, server, SQL)
    approvals = Approvals(server.cluster(), settings.application.deployment, APPROVERS)
    for kind, subject in (("release", "v2026.11.23"), ("migration", SQL)):
        found = approvals.find(kind, subject)  # type: ignore[arg-type]
        assert found is not None
        assert (found.by, found.at) == ("ana", AT)
    assert approvals.find("release", "v2026.11.24") is None
    release = approvals.find("release", "v2026.11.23")
    assert release is not None
    assert release.commit == git(Path(settings.image.context), "rev-parse", "HEAD")
    assert release.digest == IMAGE.partition("@")[2]
    assert "GET /repos/acme/release-manager/actions/runs/42/approvals" in world.forge.asked


def test_without_sql_nothing_but_the_release_is_approved(world: World, settings: Settings) -> None:
    world.forge.reviews, server = [review("ana")], ApiServer()
    take(world, settings, server)
    assert len(server.config_maps[f"{settings.application.deployment}-approvals"]["data"]) == 1


@pytest.mark.parametrize(
    "reviews",
    [
        [],
        [review("mallory")],
        [review("ana", "rejected")],
        [review("ana", environment="staging")],
        [review("bo")],
    ],
)
def test_nobody_else_approves(world: World, settings: Settings, reviews: list[dict[str, Any]]) -> None:
    world.forge.reviews, server = reviews, ApiServer()
    with pytest.raises(DeliveryError, match="the approval of prod is one of ana, cy, other than bo"):
        take(world, settings, server)
    assert server.config_maps == {}


def test_who_began_the_run_does_not_approve_it(world: World, settings: Settings) -> None:
    world.variables["GITHUB_ACTOR"] = "ana"
    world.forge.reviews = [review("ana")]
    with pytest.raises(DeliveryError, match="other than ana"):
        take(world, settings, ApiServer())
    world.forge.reviews = [review("ana"), review("cy")]
    assert "by cy" in take(world, settings, ApiServer())[0]


def test_a_login_may_be_what_the_settings_call_an_approver_on_the_forge(world: World, settings: Settings) -> None:
    world.forge.reviews = [review("cy-at-acme")]
    assert "by cy at" in take(world, settings, ApiServer())[0]
