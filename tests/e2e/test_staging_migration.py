"""Safe mode on a real cluster and database: exactly the approved SQL, nothing that breaks, clear words otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.migrations import CONTRACTS, HEAD, add, back_to_head, expands, hash_in, revision_of, stamp
from tests.e2e.stack import BY, Stack

pytestmark = pytest.mark.thorough

SAFE: dict[str, Any] = {"migration": {"mode": "safe"}}


def with_waiver(until: datetime) -> dict[str, Any]:
    waiver = {"rule": "ban-drop-column", "revision": "0007", "by": BY, "reason": "no version reads it"}
    return {"migration": {"mode": "safe", "waivers": [{**waiver, "until": f"{until:%Y-%m-%d}"}]}}


@pytest.fixture(scope="module")
def at_head(staging: Stack) -> Iterator[Stack]:
    """Staging with a verified release and its database at the project's head, to which it goes back in the end."""
    staging.approved_release()
    result = staging.up()
    assert result.status == 0, result.text
    assert revision_of(staging) == HEAD
    yield staging
    back_to_head(staging)


def test_unapproved_sql_stops_with_nothing_changed_and_the_same_command_applies_it_once_approved(
    at_head: Stack,
) -> None:
    add(at_head, "0006", expands("owner", "Text"))
    before, pods, image = at_head.health()["version"], at_head.pods(), at_head.running_image()
    version = at_head.approved_release()

    stopped = at_head.up(settings=SAFE)

    assert stopped.status != 0
    assert "waits for approval in staging: 1 revision (0006) after 0005" in stopped.error
    assert "Traceback" not in stopped.text
    assert revision_of(at_head) == HEAD
    assert (at_head.pods(), at_head.running_image(), at_head.health()["version"]) == (pods, image, before)
    jobs = at_head.world.kubectl.get_json("jobs", namespace="staging")["items"]
    assert not [job for job in jobs if "-plan-" in job["metadata"]["name"]]
    sha256, file = hash_in(at_head, stopped), at_head.checkout / "migration-output.sql"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    record = at_head.world.kubectl.get_json("configmap", f"{at_head.deployment}-migration-plan", namespace="staging")
    assert record["data"]["migration-output.sql"].encode() == file.read_bytes()
    assert "ALTER TABLE releases ADD COLUMN owner TEXT" in record["data"]["migration-output.sql"]

    shown = at_head.command("migration-plan", settings=SAFE)
    assert shown.status == 0
    assert "ALTER TABLE releases ADD COLUMN owner TEXT" in shown.text
    assert f"make approve STACK=staging MIGRATION={sha256} BY=<name>" in shown.text

    at_head.approve("--migration", sha256)
    applied = at_head.up(settings=SAFE)
    assert applied.status == 0, applied.text
    assert f"SQL {sha256}, approved by {BY}" in applied.text
    assert revision_of(at_head) == "0006"
    assert at_head.health()["version"] == version

    moved, again = at_head.pods(), at_head.up("--expect-no-changes", settings=SAFE)
    assert again.status == 0, again.text
    assert at_head.pods() == moved


def test_a_migration_that_changed_after_its_approval_stops_again(at_head: Stack) -> None:
    add(at_head, "0007", expands("team", "Text"), before="0006")
    at_head.approved_release()
    first = at_head.up(settings=SAFE)
    at_head.approve("--migration", hash_in(at_head, first))
    add(at_head, "0007", expands("team", "BigInteger"), before="0006")
    at_head.approved_release()

    second = at_head.up(settings=SAFE)

    assert second.status != 0
    assert "waits for approval in staging: 1 revision (0007) after 0006" in second.error
    assert hash_in(at_head, second) != hash_in(at_head, first)
    assert revision_of(at_head) == "0006"


def test_what_breaks_the_running_version_is_refused_unless_waived_until_a_day_to_come(at_head: Stack) -> None:
    add(at_head, "0007", CONTRACTS, before="0006")
    at_head.approved_release()
    now = datetime.now(UTC)

    refused = at_head.up(settings=SAFE)
    expired = at_head.up(settings=with_waiver(now - timedelta(days=1)))
    waived = at_head.up(settings=with_waiver(now + timedelta(days=1)))

    for result in (refused, expired, waived):
        assert result.status != 0
        assert "Nothing was changed" in result.error
        assert "ban-drop-column (0007, line " in result.text
    assert "it would break the version that runs" in refused.error
    assert f"Its waiver has expired: it was given by {BY}" in expired.text
    assert "waits for approval" in waived.error
    assert f"waived by {BY} until" in waived.text
    assert revision_of(at_head) == "0006"


def test_a_history_with_two_heads_is_one_clear_line(at_head: Stack) -> None:
    file = add(at_head, "0007b", "pass", before="0006")
    at_head.approved_release()

    safe, head = at_head.up(settings=SAFE), at_head.up()
    file.unlink()

    assert "the image's migrations have more than one head (0007, 0007b)" in safe.error
    assert "the image's migrations have more than one head" in head.error
    for result in (safe, head):
        assert result.status != 0
        assert "To mend it: alembic merge heads" in result.error
    assert revision_of(at_head) == "0006"


def test_a_database_ahead_of_the_image_is_one_clear_line(at_head: Stack) -> None:
    at_head.approved_release()
    stamp(at_head, "9999")

    safe, head = at_head.up(settings=SAFE), at_head.up()
    stamp(at_head, "0006")

    for result in (safe, head):
        assert result.status != 0
        assert "the database is ahead of the image: it is at revision 9999" in result.error
        assert "Traceback" not in result.text


def test_an_unreachable_database_is_one_clear_line(at_head: Stack) -> None:
    nowhere = {"name": "elsewhere", "namespace": "staging"}
    address = "postgresql://nobody@postgresql.staging.svc:1/release_manager"
    others = {"REDIS_URL": "redis://redis:6379", "RABBITMQ_URL": "amqp://rabbitmq:5672"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": nowhere}
    at_head.world.kubectl.apply([{**secret, "stringData": {"DATABASE_URL": address, **others}}])
    at_head.approved_release()

    result = at_head.up(settings={**SAFE, "application": {"credentials": "elsewhere"}})
    at_head.world.kubectl.delete("secret", "elsewhere", namespace="staging")

    assert result.status != 0
    assert "the database gives no answer: " in result.error
    assert "To mend it: see that it runs and that DATABASE_URL" in result.error
