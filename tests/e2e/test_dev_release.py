"""The dev stack on the sandbox: what a newcomer sees, and what protects them."""

from __future__ import annotations

import re

import pytest

from tests.e2e.stack import Stack

DEPLOYMENT = "release-manager-dev"


def running_image(stack: Stack) -> str:
    found = stack.world.kubectl.get_json("deployment", DEPLOYMENT, namespace="development")
    image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_up_ends_with_the_deployed_version_serving_and_up_again_changes_nothing(verified: Stack) -> None:
    first = verified.up()
    assert first.status == 0, first.text
    version = verified.pulumi("stack", "output", "version", "--stack", "dev").text.strip()
    assert verified.health()["version"] == version

    again = verified.up("--expect-no-changes")

    assert again.status == 0, again.text
    assert "unchanged" in again.text


def test_a_change_of_the_application_is_a_new_verified_version_and_loses_no_request(verified: Stack) -> None:
    before = verified.health()["version"]
    verified.change_application()

    result, load = verified.up_under_load(rate=30, new_connections=True)

    assert result.status == 0, result.text
    after = verified.health()["version"]
    assert after != before
    assert after == verified.pulumi("stack", "output", "version", "--stack", "dev").text.strip()
    assert load.total > 100
    assert load.bad == 0, "\n".join(load.lines())
    assert set(load.versions) == {before, after}


def test_a_version_whose_health_lies_fails_in_one_line_and_the_one_before_serves(verified: Stack) -> None:
    before, image = verified.health(), running_image(verified)

    result = verified.up(settings={"application": {"environment": {"FAULT_HEALTH_VERSION": "v0-lie"}}})

    assert result.status != 0
    assert "was taken back in development" in result.error
    assert "version is 'v0-lie', not the released" in result.error
    assert re.search(rf"{before['version']} with configuration \w+ serves again after", result.error)
    assert "Traceback" not in result.text
    assert verified.health()["version"] == before["version"]
    assert running_image(verified) == image
    assert verified.up("--expect-no-changes").status == 0


@pytest.mark.thorough
def test_a_version_with_one_check_not_ok_is_taken_back(verified: Stack) -> None:
    result = verified.up(settings={"application": {"environment": {"FAULT_DEPENDENCY": "cache"}}})

    assert result.status != 0
    assert "check cache is" in result.error
    assert "was taken back in development" in result.error
    assert verified.health()["checks"]["cache"] == "ok"


def test_a_pod_that_crashes_fails_as_soon_as_that_is_certain_with_its_last_log_lines(verified: Stack) -> None:
    before = verified.health()["version"]

    result = verified.up(settings={"application": {"environment": {"FAULT_CRASH_AFTER_SECONDS": "0"}}})

    assert result.status != 0
    assert "crashed with exit code 1" in result.error
    assert "FAULT_CRASH_AFTER_SECONDS" in result.text
    assert "gave up after" not in result.text
    assert verified.health()["version"] == before


def test_a_migration_that_raises_leaves_the_pods_alone_and_is_run_again_by_the_next_update(verified: Stack) -> None:
    image = running_image(verified)
    fault = {"application": {"environment": {"FAULT_MIGRATION": "no such column: owner"}}}

    first = verified.up(settings=fault)
    second = verified.up(settings=fault)
    mended = verified.up()

    for failed in (first, second):
        assert failed.status != 0
        assert "migration of" in failed.error
        assert "No pod was changed" in failed.error
        assert "no such column: owner" in failed.text
        assert "Traceback" not in failed.error
    assert running_image(verified) == image
    assert mended.status == 0, mended.text
