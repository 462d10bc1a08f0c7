"""The plan is what the release's own image says, asked by a Job that reads, is bounded, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.alembic import AlembicError
from checks.migration_plan import MigrationPlan
from checks.reader import Unreachable
from cluster.errors import ClusterError
from cluster.migration.planner import LONGEST_LOG_BYTES, MigrationPlanner
from concerns.application import ApplicationSettings, ResourceSettings
from tests.cluster.alembic_image import LOG_LINE, SQL, AlembicImage, Says
from tests.cluster.api_server import ApiServer
from tests.fake_time import FakeTime, Told
from tests.recorded import IMAGE, Json, job, job_condition

APPLICATION = ApplicationSettings(
    app="release-manager",
    deployment="release-manager-staging",
    port=8080,
    credentials="release-manager-credentials",
    environment={"LOG_LEVEL": "INFO"},
    resources=ResourceSettings(cpu_request="50m", memory_request="128Mi", memory_limit="256Mi"),
)
JOB = "release-manager-staging-plan-0a1b2c3d"


def planner(server: ApiServer, image: AlembicImage, told: Told | None = None) -> MigrationPlanner:
    return MigrationPlanner(
        cluster=server.cluster(),
        application=APPLICATION,
        alembic=(str(image.program),),
        timeout_seconds=60,
        reporter=(told or Told()).reporter,
        clock=FakeTime().clock,
        token=lambda: "0a1b2c3d",
    )


def plan(image: AlembicImage) -> MigrationPlan:
    return planner(image.server(), image).plan(IMAGE, "staging-abc1234")


def test_the_pending_revisions_and_their_sql_are_found_byte_by_byte(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    assert plan(image) == MigrationPlan("0003", "0004", ("0004",), SQL)
    assert image.called == ["heads", "current", "upgrade 0003:head --sql"]


@pytest.mark.parametrize("ending", ["", "\n", "\n\n", "\r\n", "\x0c\n\u2028"])
def test_not_even_the_end_of_the_sql_is_changed_on_the_way(tmp_path: Path, ending: str) -> None:
    sql = SQL.rstrip("\n") + ending
    assert plan(AlembicImage(tmp_path, sql=Says(sql))).sql == sql


def test_the_log_of_alembic_is_no_part_of_the_sql(tmp_path: Path) -> None:
    assert LOG_LINE not in plan(AlembicImage(tmp_path)).sql


def test_an_empty_database_is_planned_from_the_beginning(tmp_path: Path) -> None:
    sql = "-- Running upgrade  -> 0001\n\n-- Running upgrade 0001 -> 0004\n"
    image = AlembicImage(tmp_path, current=Says(""), sql=Says(sql))
    assert plan(image) == MigrationPlan("", "0004", ("0001", "0004"), sql)
    assert image.called[-1] == "upgrade head --sql"


def test_at_the_head_nothing_is_pending_and_no_sql_is_made(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path, current=Says("0004 (head)\n"))
    assert plan(image) == MigrationPlan("0004", "0004")
    assert image.called == ["heads", "current"]


def test_the_job_is_bounded_uses_the_image_by_digest_and_is_deleted(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    planner(server, image).plan(IMAGE, "staging-abc1234")
    [created] = image.created
    assert created["metadata"]["name"] == JOB
    assert created["spec"]["activeDeadlineSeconds"] == 60
    assert created["spec"]["backoffLimit"] == 0
    assert created["spec"]["ttlSecondsAfterFinished"] > 0
    [container] = created["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert server.written() == [("POST", "jobs"), ("DELETE", JOB)]
    assert server.jobs == {}


def test_two_looks_never_share_a_job(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    for _ in range(2):
        MigrationPlanner(
            cluster=server.cluster(),
            application=APPLICATION,
            alembic=(str(image.program),),
            timeout_seconds=60,
            reporter=Told().reporter,
            clock=FakeTime().clock,
        ).plan(IMAGE, "v1")
    first, second = (each["metadata"]["name"] for each in image.created)
    assert first != second


def test_the_longest_name_still_fits_into_a_label() -> None:
    assert len("d" * 40 + "-plan-" + "0a1b2c3d") <= 63


@pytest.mark.parametrize(
    ("says", "what"),
    [
        ({"heads": Says("0005 (head)\n0005b (head)\n")}, r"more than one head \(0005, 0005b\).*alembic merge heads"),
        (
            {"current": Says("FAILED: Can't locate revision identified by '9999'\n", 255)},
            r"the database is ahead of the image: it is at revision 9999",
        ),
        (
            {
                "current": Says(
                    'FAILED: migration failed: connection failed: connection to server at "10.0.0.7", port 5432'
                    " failed: Connection refused Is the server running on that host and accepting connections?\n",
                    255,
                )
            },
            r"the database gives no answer: .*10\.0\.0\.7.*To mend it: see that it runs",
        ),
        (
            {"current": Says('FAILED: migration failed: connection failed: FATAL: role "app" does not exist\n', 255)},
            r"the database refuses the sign-in.*To mend it: correct DATABASE_URL",
        ),
        ({"current": Says("0003\n0003b\n")}, r"the database is at more than one revision \(0003, 0003b\)"),
        ({"sql": Says("BEGIN;\nFAILED: migration failed: RuntimeError: boom\n", 255)}, r"alembic ended with .*boom"),
        ({"sql": Says("BEGIN;\nCOMMIT;\n")}, r"does not lead from '0003' to the head '0004'"),
        ({"sql": Says("-- Running upgrade 0003 -> 0005\n")}, r"does not lead from '0003' to the head '0004'"),
    ],
)
def test_each_way_to_fail_is_one_clear_line_with_its_mend(tmp_path: Path, says: dict[str, Any], what: str) -> None:
    image = AlembicImage(tmp_path, **says)
    server = image.server()
    with pytest.raises(AlembicError, match=what) as caught:
        planner(server, image).plan(IMAGE, "v1")
    assert "\n" not in str(caught.value)
    assert "To mend it: " in str(caught.value)
    assert server.written()[-1] == ("DELETE", JOB)


@pytest.mark.parametrize("lines_lost", [1, 3, 20])
def test_a_log_that_is_cut_off_is_no_plan(tmp_path: Path, lines_lost: int) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()

    def cut(wanted: Json) -> tuple[Json, list[Json], dict[str, list[str]]]:
        found, pods, logs = image.run(wanted)
        return found, pods, {name: lines[:-lines_lost] for name, lines in logs.items()}

    server.runs = cut
    with pytest.raises(AlembicError, match="the log of the migration plan is not whole"):
        planner(server, image).plan(IMAGE, "v1")


def test_the_log_is_read_whole_but_never_without_end(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path, sql=Says(SQL + "SELECT 1;\n" * 5000))
    server = image.server()
    assert len(planner(server, image).plan(IMAGE, "v1").sql) > 50_000
    [read] = [each for each in server.requests if each.url.path.endswith("/log")]
    assert read.url.params["limitBytes"] == str(LONGEST_LOG_BYTES)


def test_a_job_that_fails_says_why_and_is_deleted(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    server.runs = lambda _wanted: (job(job_condition("Failed", "DeadlineExceeded"), failed=1), [], {})
    with pytest.raises(ClusterError, match=r"cannot be found out \(FAIL\).*DeadlineExceeded"):
        planner(server, image).plan(IMAGE, "v1")
    assert server.jobs == {}


def test_a_job_that_never_ends_is_given_up_and_deleted(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    server.runs = lambda _wanted: (job(active=1), [], {})
    with pytest.raises(ClusterError, match=r"\(TOO_FEW\).*gave up after 75 s"):
        planner(server, image).plan(IMAGE, "v1")
    assert server.jobs == {}


def test_a_pod_that_is_gone_with_its_log_is_no_plan(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    server.runs = lambda _wanted: (job(job_condition("Complete")), [], {})
    with pytest.raises(ClusterError, match="its pod is gone"):
        planner(server, image).plan(IMAGE, "v1")


def test_a_job_that_cannot_be_deleted_does_not_hide_the_plan(tmp_path: Path) -> None:
    image, told = AlembicImage(tmp_path), Told()
    server = image.server()
    server.fails = lambda request: httpx.ConnectError("refused") if request.method == "DELETE" else None
    assert planner(server, image, told).plan(IMAGE, "v1").revisions == ("0004",)
    assert any(f"Job {JOB} could not be deleted" in line for line in told.lines)


@pytest.mark.parametrize(("answer", "error"), [(403, ClusterError), (503, Unreachable)])
def test_a_job_that_the_cluster_does_not_take_is_told(tmp_path: Path, answer: int, error: type[Exception]) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    server.fails = lambda _request: httpx.Response(answer, json={"message": "no"})
    with pytest.raises(error):
        planner(server, image).plan(IMAGE, "v1")
