"""/health has exactly the fields that the deployment reads, is bounded in time, and tells the truth."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from release_manager.faults import Faults
from release_manager.health import Checks

from tests.app.running_app import VERSION, Running, Start


async def test_a_healthy_release_answers_all_fields(app: Running) -> None:
    answer = await app.client.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"status", "version", "timestamp", "checks"}
    assert (body["status"], body["version"]) == ("healthy", VERSION)
    assert body["checks"] == {"database": "ok", "cache": "ok", "message_queue": "ok"}
    moment = datetime.fromisoformat(body["timestamp"])
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


async def test_a_dependency_that_is_away_makes_it_unhealthy_and_says_why(app: Running) -> None:
    app.store.away = True
    app.broker.away = True
    answer = await app.client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
    assert answer.json()["checks"] == {
        "database": "ok",
        "cache": "Connection refused.",
        "message_queue": "connection refused",
    }


@pytest.mark.parametrize("dependency", ["database", "cache", "message_queue"])
async def test_a_failing_dependency_by_fault_shows_in_health_while_it_serves(start: Start, dependency: str) -> None:
    async with start(faults=Faults(dependency=dependency)) as app:
        answer = await app.client.get("/health")
        assert answer.status_code == 503
        assert answer.json()["checks"][dependency] == "failing by fault"
        assert (await app.client.get("/readyz")).status_code == 200


async def test_health_lies_about_the_version_by_fault_only(start: Start) -> None:
    async with start(faults=Faults(health_version="liar")) as app:
        assert (await app.client.get("/health")).json()["version"] == "liar"
        assert await app.metric(f'release_manager_build_info{{version="{VERSION}"}}') == 1


async def test_readiness_follows_the_drain_and_liveness_does_not(app: Running) -> None:
    assert (await app.client.get("/readyz")).status_code == 200
    app.lifecycle.draining = True
    answer = await app.client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "draining")
    assert (await app.client.get("/livez")).status_code == 200


async def test_it_is_not_ready_before_it_has_started(app: Running) -> None:
    app.lifecycle.started = False
    answer = await app.client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "starting")


async def test_it_starts_late_by_fault_only(start: Start) -> None:
    async with start(faults=Faults(ready_after_seconds=0.1)) as app:
        assert (await app.client.get("/readyz")).json()["reason"] == "starting"
        await asyncio.sleep(0.2)
        assert (await app.client.get("/readyz")).status_code == 200


async def test_answers_are_bounded_and_one_hanging_check_holds_one_thread() -> None:
    released = threading.Event()
    asked = 0

    def hang() -> None:
        nonlocal asked
        asked += 1
        released.wait(timeout=10)

    checks = Checks({"database": hang, "cache": lambda: None}, timeout_seconds=0.05)
    started = time.monotonic()
    answers = [await checks.run() for _ in range(3)]
    took_seconds = time.monotonic() - started
    released.set()
    checks.close()
    assert answers == [{"database": "no answer within 0.05 s", "cache": "ok"}] * 3
    assert asked == 1
    assert took_seconds < 2


async def test_checks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def meet() -> None:
        meeting.wait()

    checks = Checks({"database": meet, "cache": meet, "message_queue": meet})
    answers = await checks.run()
    checks.close()
    assert set(answers.values()) == {"ok"}


async def test_a_recent_answer_is_used_again_and_an_old_one_is_not() -> None:
    now = 100.0
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    checks = Checks({"database": count}, monotonic=lambda: now)
    for _ in range(3):
        assert await checks.recent("database", max_age_seconds=0.5) == "ok"
    assert asked == 1
    now += 0.6
    await checks.recent("database", max_age_seconds=0.5)
    checks.close()
    assert asked == 2
