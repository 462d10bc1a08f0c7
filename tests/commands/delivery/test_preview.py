"""A preview that fails has its comment too; the comment is made of what each stack kept, wherever that was."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from commands.delivery.errors import DeliveryError
from commands.delivery.preview import UNTAGGED, check, migration_text, post, preview_events, report
from commands.delivery.surroundings import Surroundings
from concerns.release import ReleaseSettings
from reports.preview.comment import COMMENT_LIMIT, MARKER
from settings import OVERLAY, read_stack
from tests.commands.delivery.world import World
from tests.reports.preview.engine_events import (
    CONFIG_MAP,
    begins,
    checklist,
    item,
    says,
    summary,
    urn,
    violates,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _no_overlay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OVERLAY, raising=False)


def keep(world: World, *stacks: str) -> None:
    for stack in stacks:
        preview_events(world.engine(stack), world.of(stack), untagged=False)


def test_events_are_streamed_with_the_policy_pack(world: World) -> None:
    world.pulumi.events(begins("create", CONFIG_MAP, "a", new={}), summary())
    lines = preview_events(world.engine(), world.of(), untagged=False)
    assert lines[0] == "prod: 1 changes, 0 drifted, no checklist"
    (call,) = world.pulumi.calls("preview")
    assert call["streaming"] == "true"
    assert call["overlay"] == ""
    assert " ".join(call["arguments"]) == "preview --stack prod --policy-pack policies --json --color never"


def test_a_preview_that_fails_is_kept_with_its_reason(world: World) -> None:
    world.pulumi.events(says("the cluster cannot be reached", severity="error"), summary("failed"), status=255)
    lines = preview_events(world.engine(), world.of(), untagged=False)
    assert "prod: error: the cluster cannot be reached" in lines
    report(world.places, world.around)
    assert "the cluster cannot be reached" in world.places.comment.read_text(encoding="utf-8")


def test_a_pull_request_is_previewed_without_the_tag_that_it_will_get_later(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "sandbox.yaml"
    overlay.write_text("cluster: {context: sandbox}\nrelease: {tag: v%Y.%m.%d}\n", encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    world.pulumi.events(summary())
    preview_events(world.engine(), world.of(), untagged=True)
    used = yaml.safe_load(Path(world.pulumi.calls("preview")[0]["overlay"]).read_text(encoding="utf-8"))
    assert used == {
        "cluster": {"context": "sandbox"},
        "release": {"tag": None, "branch": None, "pushed": False},
    }


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_each_stack_can_be_previewed_without_a_tag(stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(UNTAGGED), encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    monkeypatch.chdir(ROOT)
    assert read_stack(stack).release == ReleaseSettings()


def test_what_is_kept_is_no_part_of_the_checkout(world: World) -> None:
    world.pulumi.events(summary())
    keep(world, "prod")
    assert (world.places.directory / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_the_comment_has_the_stacks_in_the_order_of_a_release(world: World) -> None:
    world.pulumi.events(summary())
    keep(world, "prod", "dev", "staging")
    report(world.places, world.around)
    text = world.places.comment.read_text(encoding="utf-8")
    assert text.index("### dev") < text.index("### staging") < text.index("### prod")
    assert "actions/runs/42" in text
    assert world.summary().startswith(MARKER)


def test_a_very_large_preview_still_posts_and_is_whole_elsewhere(world: World) -> None:
    world.pulumi.events(*(begins("create", CONFIG_MAP, f"map-{each:05}", new={}) for each in range(3000)), summary())
    keep(world, "dev", "staging", "prod")
    report(world.places, world.around)
    post(world.places, world.around)
    (posted,) = world.forge.comments
    assert len(posted["body"]) <= COMMENT_LIMIT
    assert "the whole is in [the summary of the job](https://github.example/" in posted["body"]
    assert "map-02999" in world.places.whole.read_text(encoding="utf-8")
    assert "map-02999" in world.summary()
    assert len(world.summary().encode()) < 1024 * 1024


def test_the_comment_is_brought_up_to_date(world: World) -> None:
    world.pulumi.events(summary())
    for stack in ("dev", "prod"):
        keep(world, stack)
        report(world.places, world.around)
        post(world.places, world.around)
    (posted,) = world.forge.comments
    assert "### prod" in posted["body"]


def test_a_comment_without_its_text_or_its_pull_request_is_told(world: World) -> None:
    with pytest.raises(DeliveryError, match="make preview-report"):
        post(world.places, world.around)
    world.pulumi.events(summary())
    keep(world, "dev")
    report(world.places, world.around)
    for value, says_what in (("", "PULL_REQUEST is not set"), ("7/../8", "only digits")):
        with pytest.raises(DeliveryError, match=says_what):
            post(world.places, Surroundings({**world.variables, "PULL_REQUEST": value}, world.around.connect))
    assert world.forge.comments == []


def test_on_gitlab_the_note_of_the_merge_request_is_the_comment(world: World) -> None:
    world.pulumi.events(summary())
    keep(world, "dev")
    variables = {"GITLAB_CI": "true", "CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_PROJECT_ID": "12"}
    variables |= {"CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": world.variables["GITHUB_TOKEN"]}
    variables |= {"CI_PIPELINE_URL": "https://gitlab.example/p/9", "CI_COMMIT_SHA": "fedcba9876543210"}
    around = Surroundings(variables, world.around.connect, world.around.clock)
    report(world.places, around)
    post(world.places, around)
    assert "`fedcba987654`" in world.forge.comments[0]["body"]
    assert "https://gitlab.example/p/9" in world.forge.comments[0]["body"]


def test_nothing_to_report_is_told_with_the_command(world: World) -> None:
    with pytest.raises(DeliveryError, match="make preview-events STACK="):
        report(world.places, world.around)


def test_open_items_keep_no_change_from_being_merged_and_broken_policies_do(world: World) -> None:
    world.pulumi.events(checklist(item(10, "missing")), summary("failed"), status=255)
    keep(world, "prod")
    assert check(world.places) == ["prod: nothing but the checklist is in the way"]
    world.pulumi.events(violates("digest", "a tag", of=urn(CONFIG_MAP, "a")), summary("failed"), status=255)
    keep(world, "staging")
    with pytest.raises(DeliveryError, match="by the preview of staging"):
        check(world.places)


def prints(world: World, monkeypatch: pytest.MonkeyPatch, out: str, error: str, status: int) -> None:
    """Let `make migration-plan` print this."""
    script = world.root / "python"
    text = f"#!/bin/sh\ncat <<'END'\n{out}\nEND\ncat >&2 <<'END'\n{error}\nEND\nexit {status}\n"
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))


def test_the_sql_is_kept_and_its_hash_handed_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    prints(world, monkeypatch, "SELECT 1;\n\nSQL        migration-output.sql, SHA-256 abc", "waiting", 0)
    migration_text("prod", world.of(), world.around)
    assert world.of().migration.read_text(encoding="utf-8").startswith("SELECT 1;")
    assert world.handed_on() == {"migration": "abc"}


def test_why_there_is_no_sql_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    error = "error: the registry has no image 'x'\nto mend it: make up STACK=prod"
    prints(world, monkeypatch, "", f"waiting for a pod\n{error}", 1)
    migration_text("prod", world.of(), world.around)
    assert world.of().migration.read_text(encoding="utf-8") == error
    assert world.handed_on() == {"migration": ""}
