"""No pod changes before the migration is done, and a failed one runs again without anybody's help."""

from __future__ import annotations

import httpx
import pytest

from cluster.errors import ClusterError, GateFailed
from cluster.migration.gate import MigrationGate
from tests.cluster.api_server import ApiServer
from tests.fake_time import FakeTime, Told
from tests.recorded import JOB, container, job, job_condition, job_pod, terminated

POD = f"{JOB}-q8wzn"


def run(server: ApiServer, told: Told | None = None, time: FakeTime | None = None) -> None:
    time = time or FakeTime()
    reporter = (told or Told()).reporter
    gate = MigrationGate(cluster=server.cluster(), timeout_seconds=60, reporter=reporter, clock=time.clock)
    gate.run(JOB, "dev-abc1234")


def failed_server() -> ApiServer:
    return ApiServer(
        jobs={JOB: job(job_condition("Failed", "BackoffLimitExceeded"), failed=1)},
        pods=[job_pod(container(terminated(1)), phase="Failed")],
        logs={POD: ["running upgrade 0002 -> 0003", "psycopg.errors.UndefinedColumn: no such column"]},
    )


def test_a_complete_job_lets_the_release_go_on() -> None:
    told, server = Told(), ApiServer(jobs={JOB: job(job_condition("Complete"))})
    run(server, told)
    assert told.lines == ["migration of dev-abc1234: done in 0.0 s"]
    assert server.written() == []


def test_it_waits_for_a_job_that_runs_and_says_how_long_it_took() -> None:
    told, time, server = Told(), FakeTime(), ApiServer(jobs={JOB: job(active=1)})

    def later(_request: httpx.Request) -> None:
        if time.passed >= 6:
            server.jobs[JOB] = job(job_condition("Complete"))

    server.fails = later
    run(server, told, time)
    assert told.lines == ["migration of dev-abc1234: done in 6.3 s"]


def test_a_failed_job_tells_everything_and_is_deleted_so_that_it_runs_again() -> None:
    server = failed_server()
    with pytest.raises(GateFailed) as caught:
        run(server)
    text = str(caught.value)
    assert text.startswith("migration of dev-abc1234 failed in development (FAIL): ")
    assert f"pod {POD} crashed with exit code 1" in text
    assert "No pod was changed; the same command runs the migration again." in text
    assert text.endswith("\n  | psycopg.errors.UndefinedColumn: no such column")
    assert server.written() == [("DELETE", JOB)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("FAILED: Multiple head revisions are present for given argument 'head'", "more than one head"),
        ("FAILED: Can't locate revision identified by '9999'", "the database is ahead of the image"),
        ("FAILED: migration failed: connection failed: Connection refused", "the database gives no answer"),
    ],
)
def test_what_alembic_is_known_to_say_is_told_with_its_mend(said: str, why: str) -> None:
    server = failed_server()
    server.logs[POD] = ["upgrading", said, '{"level": "ERROR", "message": "migration failed"}']
    with pytest.raises(GateFailed) as caught:
        run(server)
    first = str(caught.value).splitlines()[0]
    assert why in first
    assert "To mend it: " in first
    assert f"  | {said}" in str(caught.value)


def test_a_job_that_may_still_run_is_left_alone_when_time_is_up() -> None:
    server, time = ApiServer(jobs={JOB: job(active=1)}), FakeTime()
    with pytest.raises(GateFailed, match=r"failed in development \(TOO_FEW\).*gave up after 60 s"):
        run(server, time=time)
    assert time.passed == pytest.approx(60)
    assert JOB in server.jobs
    assert server.written() == []


def test_a_job_that_is_not_there_never_counts_as_done() -> None:
    with pytest.raises(GateFailed, match=r"\(NO_DATA\)"):
        run(ApiServer())


def test_a_cluster_that_gives_no_answer_stops_the_release() -> None:
    server = ApiServer(jobs={JOB: job(job_condition("Complete"))})
    server.fails = lambda _request: httpx.ConnectError("refused")
    with pytest.raises(GateFailed, match=r"\(UNREACHABLE\).*gives no answer \(refused\)"):
        run(server)


@pytest.mark.parametrize("answer", [httpx.Response(403, json={"message": "no right"}), httpx.ReadTimeout("slow")])
def test_a_failed_job_that_cannot_be_deleted_still_tells_why_it_failed(answer: httpx.Response | Exception) -> None:
    server = failed_server()
    server.fails = lambda request: answer if request.method == "DELETE" else None
    with pytest.raises(GateFailed) as caught:
        run(server)
    text = str(caught.value)
    assert "crashed with exit code 1" in text
    assert "psycopg.errors.UndefinedColumn" in text
    assert f"kubectl -n development delete job {JOB}" in text


def test_a_missing_right_to_read_the_job_is_told_with_its_mend() -> None:
    server = failed_server()
    server.fails = lambda _request: httpx.Response(403, json={"message": "no right"})
    with pytest.raises(ClusterError, match="To mend it: give the user"):
        run(server)
