"""Production on the sandbox: nothing before approval, window and exactly the approved SQL; then no request is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evidence.registry import Registry
from tests.e2e.migrations import HEAD, VERSIONS, add, back_to_head, expands, hash_in, revision_of
from tests.e2e.stack import QUICK_CANARY, Stack

# Requests a second: enough for the steps to be judged, few enough to leave the machine to them.
RATE = 40
ROLLOUT_SECONDS = 600


def what_serves(stack: Stack) -> tuple[object, ...]:
    """Return all that a stopped release must leave as it is."""
    workloads = stack.objects("deployments,services,ingresses")
    return stack.health()["version"], stack.running_image(), stack.pods(), workloads, revision_of(stack)


def window_that_opens_later() -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(hours=6)
    return {"approval": {"window": {"start": f"{start:%H:%M}", "minutes": 30, "timezone": "UTC"}}}


@pytest.fixture(scope="module")
def released(prod: Stack) -> Iterator[Stack]:
    """Production with a verified release and its database at the project's head, to which it goes back in the end.

    One that serves already will do, where tests before these have made it.
    """
    if prod.health()["version"] not in prod.git("tag", "--list").splitlines():
        prod.approved_release()
        result, _ = prod.up_under_load(rate=RATE, settings=QUICK_CANARY)
        assert result.status == 0, result.text
    assert revision_of(prod) == HEAD
    yield prod
    back_to_head(prod)


def test_a_release_waits_for_its_approval_and_then_for_its_window_with_nothing_changed(released: Stack) -> None:
    before = what_serves(released)
    version = released.release()

    unapproved = released.up()
    bare = released.pulumi("up", "--stack", released.name, "--yes", "--skip-preview")
    released.approve("--release", version)
    closed = released.up(settings=window_that_opens_later())

    for stopped in (unapproved, bare, closed):
        assert stopped.status != 0
        assert "Traceback" not in stopped.text
    for stopped in (unapproved, bare):
        assert f"make approve STACK=prod RELEASE={version}" in " ".join(stopped.text.split())
    assert "1 item of the checklist of prod is open; nothing was changed" in bare.error
    assert "checklist-11-window" in closed.text
    assert what_serves(released) == before


def test_what_cannot_be_proven_stops_a_release_with_all_of_it_in_one_table(released: Stack) -> None:
    """The items that the sandbox waives are open without their waivers."""
    released.approved_release()
    before = what_serves(released)

    stopped = released.up(settings={"checklist": {"waivers": []}})
    shown = released.command("checklist", settings={"checklist": {"waivers": []}})

    assert (stopped.status != 0, shown.status) == (True, 1)
    for text in (stopped.text, shown.text):
        assert "of 19 required items are open; nothing is deployed" in text
        assert "database backups are complete" in text
    assert what_serves(released) == before


def test_unapproved_sql_stops_the_release_and_approved_it_goes_on_in_steps_and_loses_no_request(
    released: Stack,
) -> None:
    add(released, "0006", expands("owner", "Text"))
    before = what_serves(released)
    version = released.approved_release()

    stopped = released.up()

    assert stopped.status != 0
    assert "waits for approval in production: 1 revision (0006) after 0005" in stopped.error
    assert "Traceback" not in stopped.text
    assert what_serves(released) == before
    sha256, file = hash_in(released, stopped), released.checkout / "migration-output.sql"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    assert "ALTER TABLE releases ADD COLUMN owner TEXT" in file.read_text(encoding="utf-8")

    released.approve("--migration", sha256)
    applied, load = released.up_under_load(rate=RATE, settings=QUICK_CANARY)

    assert applied.status == 0, applied.text
    assert applied.seconds < ROLLOUT_SECONDS
    assert (revision_of(released), released.health()["version"]) == ("0006", version)
    assert load.bad == 0, "\n".join(load.lines())
    assert set(load.versions) == {before[0], version}
    for line in (
        "step 10 %: PASS",
        "step 50 %: PASS",
        "step 100 %: PASS",
        "health: PASS: https://api.internal/health was healthy",
        "smoke tests: PASS",
        "integration tests: PASS",
    ):
        assert line in applied.text

    moved, image = released.pods(), released.running_image()
    again = released.up("--expect-no-changes", settings=QUICK_CANARY)

    assert again.status == 0, again.text
    assert (released.pods(), released.running_image()) == (moved, image)
    repository, _, digest = image.partition("@")
    with Registry(repository, None) as registry:
        assert registry.digest(f"prod-{released.git('rev-parse', '--short=7', 'HEAD')}") == digest
    # Nine of stable, and the canary rests.
    assert len(moved) == 9


@pytest.mark.thorough
def test_a_migration_that_changed_after_its_approval_stops_again_with_nothing_changed(released: Stack) -> None:
    last = max(file.name[:4] for file in (released.checkout / VERSIONS).glob("0*.py"))
    add(released, "0007", expands("team", "Text"), before=last)
    before = what_serves(released)
    released.approved_release()
    first = released.up()
    released.approve("--migration", hash_in(released, first))
    add(released, "0007", expands("team", "BigInteger"), before=last)
    released.approved_release()

    second = released.up()

    assert second.status != 0
    assert f"waits for approval in production: 1 revision (0007) after {last}" in second.error
    assert hash_in(released, second) != hash_in(released, first)
    assert what_serves(released) == before
