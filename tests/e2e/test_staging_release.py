"""Staging on the sandbox: nothing before the approval, then a verified release over TLS; what fails is taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidence.checklist.drill_item import DrillProof, drill_record
from tests.e2e.stack import BY, Stack
from tests.evidence.approval.keys import make_key, signer

# What these tests do not ask about need not be measured for as long as on a real release.
QUICK: dict[str, Any] = {"health": {"attempts": 2, "interval_seconds": 0.5}}


@pytest.fixture(scope="module")
def verified_staging(staging: Stack) -> Stack:
    """Staging with a verified release of the commit as it is."""
    staging.approved_release()
    result = staging.up(settings=QUICK)
    assert result.status == 0, result.text
    return staging


def test_a_release_that_is_not_approved_stops_and_changes_nothing(staging: Stack) -> None:
    version = staging.release()
    before = staging.objects()

    result = staging.up()

    assert result.status != 0
    assert f"release {version} is not approved" in result.text
    assert f"make approve STACK=staging RELEASE={version} BY=" in result.text
    assert "Traceback" not in result.text
    assert staging.objects() == before


def test_whoever_leaves_out_the_policies_and_the_preview_is_held_by_the_program(staging: Stack) -> None:
    staging.release()
    before = staging.objects()

    result = staging.pulumi("up", "--stack", staging.name, "--yes", "--skip-preview")

    assert result.status != 0
    assert "1 item of the checklist of staging is open; nothing was changed" in result.error
    assert "Traceback" not in result.text
    assert staging.objects() == before


def test_somebody_who_may_not_approve_is_refused(staging: Stack) -> None:
    done = staging.command("approve", "--release", "v2026.01.01.000000", "--by", "somebody")
    assert done.status != 0
    assert "'somebody' may not approve here; approvers are: release-manager" in done.text


def test_an_approved_release_is_verified_over_tls_with_its_smoke_tests_and_the_tag_as_version(staging: Stack) -> None:
    version = staging.release()
    refused = staging.up()
    staging.approve("--release", version)

    result = staging.up()

    assert refused.status != 0
    assert result.status == 0, result.text
    assert f"release {version} was approved by {BY}" in result.text
    assert "health: PASS: https://staging-api.internal/health was healthy 10 of 10 times" in result.text
    assert "smoke tests: ok /health version" in result.text
    assert "smoke tests: PASS: smoke tests in staging" in result.text
    assert staging.health()["version"] == version


@pytest.mark.thorough
def test_where_only_signed_approvals_count_a_release_begins_with_one_and_with_nothing_else(
    verified_staging: Stack, tmp_path: Path
) -> None:
    key = make_key(tmp_path, "key")
    signers = tmp_path / "signers"
    signers.write_text(signer(BY, key), encoding="utf-8")
    signed = {**QUICK, "approval": {"recorded": False, "signed": {"allowed_signers": str(signers)}}}
    version = verified_staging.approved_release()

    recorded = verified_staging.up(settings=signed)
    given = verified_staging.command("approve", "--release", version, "--by", BY, "--sign", str(key), settings=signed)
    result = verified_staging.up(settings=signed)

    assert recorded.status != 0
    assert f"release {version} is not approved" in recorded.text
    assert given.status == 0, given.text
    assert result.status == 0, result.text
    assert f"release {version} was approved by {BY}" in result.text
    assert verified_staging.health()["version"] == version


def test_the_same_commit_again_changes_nothing_and_moves_no_pod(verified_staging: Stack) -> None:
    pods, image = verified_staging.pods(), verified_staging.output("image")

    again = verified_staging.up("--expect-no-changes", settings=QUICK)

    assert again.status == 0, again.text
    assert verified_staging.output("image") == image
    assert verified_staging.pods() == pods


def test_the_database_is_at_the_head_before_a_pod_changes(verified_staging: Stack) -> None:
    record = verified_staging.world.kubectl.get_json(
        "configmap", f"{verified_staging.deployment}-migration", namespace="staging"
    )
    log = verified_staging.world.kubectl.run("logs", f"job/{record['data']['job']}", namespace="staging")
    assert "(head)" in log


def test_a_drill_is_taken_back_and_leaves_the_proof_that_the_checklist_asks_for(verified_staging: Stack) -> None:
    pods, version = verified_staging.pods(), verified_staging.health()["version"]

    done = verified_staging.command("drill", "--by", "a test", settings=QUICK)

    assert done.status == 0, done.text
    assert "the drill on staging passed: step smoke tests ended with FAIL" in done.text
    found = verified_staging.world.kubectl.get_json(
        "configmap", drill_record(verified_staging.deployment), namespace=verified_staging.namespace
    )
    proof = DrillProof.from_data(found["data"])
    assert (proof.passed, proof.version_good, proof.by) == (True, version, "a test")
    assert verified_staging.health()["version"] == version
    # The pods went and came again; the release is the same.
    assert len(verified_staging.pods()) == len(pods)
    again = verified_staging.up("--expect-no-changes", settings=QUICK)
    assert again.status == 0, again.text


def test_failing_smoke_tests_take_the_release_back_and_its_approval_is_asked_for_again(verified_staging: Stack) -> None:
    before = verified_staging.health()["version"]
    verified_staging.approved_release()
    failing = {"name": "smoke tests", "command": ["sh", "-c", "echo not today; exit 1"], "timeout_seconds": 30}

    result = verified_staging.up(settings={**QUICK, "verification": {"scripts": [failing]}})

    assert result.status != 0
    assert "step smoke tests ended with FAIL" in result.error
    assert "not today" in result.text
    assert f"{before} serves again" in result.error
    assert verified_staging.health()["version"] == before
    record = verified_staging.world.kubectl.get_json(
        "configmap", f"{verified_staging.deployment}-approved", namespace="staging"
    )
    assert record["data"]["version"] == before


@pytest.mark.thorough
def test_a_hanging_script_is_ended_and_the_release_taken_back(verified_staging: Stack) -> None:
    before = verified_staging.health()["version"]
    verified_staging.approved_release()
    hanging = {"name": "smoke tests", "command": ["sleep", "600"], "timeout_seconds": 2}

    result = verified_staging.up(settings={**QUICK, "verification": {"scripts": [hanging]}})

    assert result.status != 0
    assert "'sleep 600' gave no result within 2 s and was ended" in result.error
    assert result.seconds < 300
    assert verified_staging.health()["version"] == before


@pytest.mark.thorough
def test_a_rollout_that_does_not_finish_in_time_is_taken_back(verified_staging: Stack) -> None:
    before, image = verified_staging.health()["version"], verified_staging.running_image()
    verified_staging.approved_release()
    settings = {
        **QUICK,
        "rollout": {"timeout_seconds": 20},
        "application": {"environment": {"FAULT_READY_AFTER_SECONDS": "600"}},
    }

    result = verified_staging.up(settings=settings)

    assert result.status != 0
    assert "gave up after 20 s" in result.error
    assert verified_staging.running_image() == image
    assert verified_staging.health()["version"] == before


def test_a_commit_without_a_release_tag_is_refused_with_the_commands_that_make_one(staging: Stack) -> None:
    staging.git("commit", "-q", "--allow-empty", "-m", "no release")
    before = staging.objects()

    result = staging.up()

    assert result.status != 0
    assert 'git tag -a -m release "$(date -u +v%Y.%m.%d.%H%M%S)"' in result.text
    assert "git push origin HEAD" in result.text
    assert staging.objects() == before
