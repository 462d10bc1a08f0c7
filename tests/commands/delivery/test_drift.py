"""The look for drift is at what was released, not at main; one issue says what differs, and is closed in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from commands.delivery.drift import Drift
from commands.delivery.errors import DeliveryError
from tests.cluster.api_server import ApiServer, template
from tests.commands.delivery.world import AT, World
from tests.evidence.checkouts import commit, git
from tests.reports.preview.engine_events import CONFIG_MAP, DEPLOYMENT, Json, begins, ends, pods, says, summary

DIFF = {"spec.replicas": {"diffKind": "update", "inputDiff": False}}
DRIFTED = (
    begins("refresh", DEPLOYMENT, "rollout-stable", old=pods(9), new=pods(9)),
    ends("update", DEPLOYMENT, "rollout-stable", old=pods(9), new=pods(3), detailedDiff=DIFF),
    begins("update", DEPLOYMENT, "rollout-stable", old=pods(3), new=pods(9), detailedDiff=DIFF),
)
CHECKLIST_RECORD = (
    "urn:pulumi:prod::release-manager::release-manager:release:Checklist$kubernetes:core/v1:ConfigMap::checklist-record"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose first commit is released, and whose main has gone on."""
    directory = tmp_path / "checkout"
    git(tmp_path, "init", "-q", "-b", "main", "checkout")
    (directory / "version").write_text("released", encoding="utf-8")
    (directory / ".venv").mkdir()
    (directory / ".gitignore").write_text(".venv\n", encoding="utf-8")
    commit(directory)
    return directory


def looking(world: World, checkout: Path, *, released: bool = True) -> Drift:
    releases = VerifiedReleases(ApiServer().cluster(), "release-manager-prod")
    if released:
        revision = git(checkout, "rev-list", "--max-parents=0", "HEAD")
        release = Release(version="v2026.11.23", image="r@sha256:1", configuration="c0ffee", revision=revision)
        releases.add(VerifiedRelease(release=release, verified_at=AT, template=template("v1"), records={}))
    return Drift("prod", world.of(), releases, world.around, lambda place: world.engine(directory=place), checkout)


def differs(world: World, checkout: Path, *events: Json | str) -> str:
    world.pulumi.events(*events, status=255)
    with pytest.raises(DeliveryError) as caught:
        looking(world, checkout).look()
    return str(caught.value)


def test_what_was_changed_by_hand_is_in_one_issue(world: World, checkout: Path) -> None:
    for _ in range(2):
        text = differs(world, checkout, *DRIFTED, "error: no changes were expected for preview", summary())
    (issue,) = world.forge.issues
    assert issue["html_url"] in text
    assert issue["title"] == "Drift in prod: 2 resources differ from v2026.11.23"
    assert issue["labels"] == ["drift", "prod"]
    assert "`rollout-stable`" in issue["body"]
    assert "`~ spec.replicas`" in issue["body"]
    assert "no changes were expected" not in issue["body"]


def test_the_issue_is_closed_once_nothing_differs(world: World, checkout: Path) -> None:
    differs(world, checkout, *DRIFTED, summary())
    world.pulumi.events(begins("same", DEPLOYMENT, "rollout-stable", old=pods(9), new=pods(9)), summary())
    (line,) = looking(world, checkout).look()
    assert world.forge.issues[0]["state"] == "closed"
    assert "as v2026.11.23 left it" in line
    assert "is closed" in line


def test_where_nothing_ever_differed_no_issue_is_made(world: World, checkout: Path) -> None:
    world.pulumi.events(summary())
    looking(world, checkout).look()
    assert world.forge.issues == []


def test_how_the_checklist_stands_is_no_drift(world: World, checkout: Path) -> None:
    step = begins("update", CONFIG_MAP, "checklist-record", old={}, new={})
    step["resourcePreEvent"]["metadata"]["urn"] = CHECKLIST_RECORD
    world.pulumi.events(step, "error: no changes were expected for preview", summary(), status=255)
    looking(world, checkout).look()
    assert world.forge.issues == []


def test_a_preview_that_fails_is_never_taken_for_no_drift(world: World, checkout: Path) -> None:
    text = differs(world, checkout, says("the cluster is gone", severity="error"), summary("failed"))
    assert "the preview failed" in text
    assert "the cluster is gone" in world.forge.issues[0]["body"]


def test_the_commit_that_was_released_is_previewed_and_its_checkout_taken_away(world: World, checkout: Path) -> None:
    (checkout / "version").write_text("not released yet", encoding="utf-8")
    commit(checkout)
    body = "import pathlib\nprint(pathlib.Path('version').read_text(), pathlib.Path('.venv').is_dir())"
    world.pulumi.does("preview", body)
    with pytest.raises(DeliveryError):
        looking(world, checkout).look()
    assert world.of().drift.read_text(encoding="utf-8").splitlines() == ["released True"]
    assert "--expect-no-changes" in world.pulumi.calls("preview")[0]["arguments"]
    assert "--policy-pack" not in world.pulumi.calls("preview")[0]["arguments"]
    assert git(checkout, "worktree", "list").count("\n") == 0


def test_a_checkout_that_a_killed_run_left_is_no_obstacle(world: World, checkout: Path) -> None:
    world.of().make()
    left = world.of().directory / "released"
    git(checkout, "worktree", "add", "-q", "--detach", str(left.resolve()), "HEAD")
    world.pulumi.events(summary())
    looking(world, checkout).look()
    assert not left.exists()


def test_before_the_first_release_nothing_can_drift(world: World, checkout: Path) -> None:
    assert "no release was ever verified" in looking(world, checkout, released=False).look()[0]
    assert world.pulumi.calls("preview") == []
