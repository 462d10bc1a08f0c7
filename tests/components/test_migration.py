"""The migration Job ends well only with the database at the head, and in safe mode is made only once it was let."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from checks.waiting import Reporter
from cluster.errors import GateFailed
from cluster.migration.planning_job import planning_job
from components.gate import Check
from components.migration import Migration, MigrationArgs
from policies.rules.workload import RULES
from tests.cluster.alembic_image import AlembicImage, Says
from tests.components.recorder import REPO_DIGEST, Recorder, declare
from tests.stack_values import settings_of

JOB = "kubernetes:batch/v1:Job"
VERSION = "staging-abc1234"
SAFE: dict[str, Any] = {"migration__mode": "safe", "approval": {"required": True, "approvers": ["ana"]}}


def let(_record: Mapping[str, str], _reporter: Reporter) -> None:
    return


def migration(plan: Check = let, **changes: Any) -> Recorder:
    settings = settings_of(**changes)
    image = pulumi.Output.from_input
    return declare(
        lambda: Migration("migration", MigrationArgs(settings, image(REPO_DIGEST), VERSION, plan=plan, check=let))
    )


def template(recorder: Recorder) -> dict[str, Any]:
    found: dict[str, Any] = recorder.only(JOB).inputs["spec"]["template"]
    return found


def run_job(image: AlembicImage) -> tuple[int, str]:
    changed = migration(migration__command=[str(image.program), "upgrade", "head"])
    [container] = template(changed)["spec"]["containers"]
    done = image.run_command(container["command"])
    return done.returncode, done.stdout.decode()


def test_the_job_upgrades_to_the_head_and_then_looks_where_the_database_is(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path, current=Says("0004 (head)\n"), sql=Says(""))
    status, log = run_job(image)
    assert status == 0
    assert image.called == ["upgrade head", "current"]
    assert "the database is at 0004 (head)" in log


@pytest.mark.parametrize("current", ["0003\n", "", "0004 (branchpoint)\n"])
def test_an_upgrade_that_leaves_the_database_elsewhere_fails_the_job(tmp_path: Path, current: str) -> None:
    status, log = run_job(AlembicImage(tmp_path, current=Says(current), sql=Says("")))
    assert status == 1
    assert f"is at '{current.strip()}', which is not the head" in log.splitlines()[-1]


def test_an_upgrade_that_fails_keeps_its_status_and_its_words(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path, sql=Says("FAILED: boom\n", 255))
    assert run_job(image)[0] == 255
    assert "FAILED: boom" in run_job(image)[1]
    assert "current" not in image.called


def test_a_database_that_goes_away_after_the_upgrade_fails_the_job(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path, current=Says("FAILED: Connection refused\n", 255), sql=Says(""))
    status, log = run_job(image)
    assert status == 1
    assert log.splitlines()[-1] == "FAILED: Connection refused"


def test_without_safe_mode_nothing_is_asked_before_the_job() -> None:
    assert migration().only(JOB).hooks == {}
    assert "migration-plan-gate" not in migration().hooks


def test_in_safe_mode_the_job_itself_is_what_waits_whenever_it_is_made() -> None:
    assert migration(**SAFE).only(JOB).hooks == {"before_create": ["migration-plan-gate"]}


def call(recorder: Recorder) -> None:
    job = recorder.only(JOB)
    arguments = pulumi.ResourceHookArgs(urn=job.urn, id="", name=job.name, type=job.kind, new_inputs=job.inputs)

    async def run() -> None:
        answer = recorder.hooks["migration-plan-gate"](arguments)
        assert answer is not None
        await answer

    asyncio.run(run())


def test_the_plan_is_asked_for_the_image_and_version_that_the_job_would_run() -> None:
    asked: list[Mapping[str, str]] = []
    call(migration(lambda record, _reporter: asked.append(record), **SAFE))
    assert asked == [{"image": REPO_DIGEST, "version": VERSION}]


def test_a_migration_that_is_not_let_is_not_made() -> None:
    def refuse(_record: Mapping[str, str], _reporter: Reporter) -> None:
        raise GateFailed("waits for approval")

    with pytest.raises(GateFailed, match="waits for approval"):
        call(migration(refuse, **SAFE))


def planning(**changes: Any) -> dict[str, Any]:
    settings = settings_of(**changes)
    return planning_job(
        "release-manager-staging-plan-0a1b2c3d",
        settings.application,
        settings.migration.alembic,
        image=REPO_DIGEST,
        version=VERSION,
        timeout_seconds=120,
    )


def test_the_planning_pod_is_the_migrations_but_for_its_command_and_name() -> None:
    planned, declared = planning()["spec"]["template"], template(migration())
    changing = {"name", "command"}
    [ours], [theirs] = planned["spec"].pop("containers"), declared["spec"].pop("containers")
    assert planned["spec"] == declared["spec"]
    assert {key: value for key, value in ours.items() if key not in changing} == {
        key: value for key, value in theirs.items() if key not in changing
    }


def test_the_planning_job_calls_alembic_as_the_migration_does() -> None:
    wanted = ["python", "-m", "alembic"]
    [container] = planning(migration__command=[*wanted, "upgrade", "head"])["spec"]["template"]["spec"]["containers"]
    assert container["command"][-3:] == wanted
    [container] = template(migration(migration__command=[*wanted, "upgrade", "head"]))["spec"]["containers"]
    assert container["command"][-3:] == wanted


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.applies(JOB)], ids=lambda rule: rule.name)
def test_the_planning_job_passes_every_policy_although_no_policy_sees_it(rule: Any) -> None:
    assert rule.check(planning()) == []
