"""Metrics and access logs: what they count, what they leave out, and that every error is counted by its cause."""

import logging
from pathlib import Path

import pytest
from release_manager.faults import Faults
from release_manager.metrics import Metrics

from tests.app.running_app import VERSION, Running, Start, sqlite_database

REQUESTS_OF_LIST = 'release_manager_requests_total{method="GET",route="/releases",status="%d"}'


async def test_every_metric_that_the_deployment_reads_is_there_before_the_first_request(app: Running) -> None:
    assert await app.metric(REQUESTS_OF_LIST % 200) == 0
    assert await app.metric('release_manager_request_duration_seconds_bucket{le="0.5"}') == 0
    assert await app.metric('release_manager_db_query_duration_seconds_bucket{le="0.1"}') == 0
    assert await app.metric('release_manager_errors_total{type="internal"}') == 0
    assert await app.metric("release_manager_db_connections_active") == 0
    assert await app.metric("release_manager_db_pool_size") == 10
    assert await app.metric("release_manager_cache_hits_total") == 0
    assert await app.metric("release_manager_cache_misses_total") == 0
    assert await app.metric("process_resident_memory_bytes") > 0


async def test_probes_health_and_metrics_are_not_counted_and_not_in_the_access_log(
    app: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="release_manager.access")
    for path in ("/health", "/livez", "/readyz", "/metrics"):
        assert (await app.client.get(path)).status_code == 200
    assert await app.metric("release_manager_request_duration_seconds_count") == 0
    assert caplog.records == []
    await app.client.get("/releases")
    assert await app.metric("release_manager_request_duration_seconds_count") == 1
    assert [record.getMessage() for record in caplog.records] == ["GET /releases 200"]


async def test_requests_are_counted_by_route_and_made_up_paths_make_no_new_series(app: Running) -> None:
    for path in ("/releases/1", "/releases/2", "/nowhere", "/else", "/%ff"):
        await app.client.get(path)
    await app.client.request("BREW", "/nowhere")
    prefix = "release_manager_requests_total"
    assert await app.metric(f'{prefix}{{method="GET",route="/releases/{{release_id}}",status="404"}}') == 2
    assert await app.metric(f'{prefix}{{method="GET",route="unmatched",status="404"}}') == 3
    assert await app.metric(f'{prefix}{{method="OTHER",route="unmatched",status="404"}}') == 1


async def test_an_error_by_fault_is_a_500_that_is_counted_and_logged(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    draws = iter([0.05, 0.2])
    async with start(faults=Faults(error_rate=0.1, draw=lambda: next(draws))) as app:
        assert (await app.client.get("/releases")).status_code == 500
        assert (await app.client.get("/releases")).status_code == 200
        assert await app.metric(REQUESTS_OF_LIST % 500) == 1
        assert await app.metric('release_manager_errors_total{type="injected"}') == 1
    assert [record.levelname for record in caplog.records if "failed" in record.getMessage()] == ["ERROR"]


async def test_latency_by_fault_shows_in_the_histogram(start: Start) -> None:
    async with start(faults=Faults(latency_seconds=0.02, latency_rate=0.5, draw=iter([0.4, 0.6]).__next__)) as app:
        await app.client.get("/releases/1")
        assert await app.metric('release_manager_request_duration_seconds_bucket{le="0.01"}') == 0
        assert await app.metric("release_manager_request_duration_seconds_sum") >= 0.02


async def test_errors_begin_once_the_switch_is_there(start: Start, tmp_path: Path) -> None:
    switch = tmp_path / "on"
    async with start(faults=Faults(error_rate=1.0, switch=str(switch))) as app:
        assert (await app.client.get("/releases")).status_code == 200
        switch.touch()
        assert (await app.client.get("/releases")).status_code == 500


async def test_probes_never_suffer_injected_errors(start: Start) -> None:
    async with start(faults=Faults(error_rate=1.0)) as app:
        assert (await app.client.get("/health")).status_code == 200
        assert (await app.client.get("/readyz")).status_code == 200


async def test_a_database_that_cannot_answer_is_a_503_counted_as_database(start: Start) -> None:
    async with start(database=sqlite_database(with_tables=False)) as app:
        answer = await app.client.get("/releases/1")
        assert (answer.status_code, answer.json()) == (503, {"detail": "the database cannot answer now"})
        assert await app.metric('release_manager_errors_total{type="database"}') == 1


async def test_an_unexpected_error_is_a_500_that_shows_nothing_of_its_cause(app: Running) -> None:
    def fail(*_arguments: object) -> list[bytes | None]:
        raise RuntimeError("inner secret")

    app.store.mget = fail  # type: ignore[method-assign]
    answer = await app.client.get("/releases")
    assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"})
    assert await app.metric('release_manager_errors_total{type="internal"}') == 1


@pytest.mark.parametrize("path", ["/releases", "/releases/1", "/releases/none", "/nowhere", "/health", "/metrics"])
async def test_every_answer_names_the_version_that_gave_it(app: Running, path: str) -> None:
    assert (await app.client.get(path)).headers["X-Release-Version"] == VERSION


async def test_an_error_names_the_version_that_gave_it(start: Start) -> None:
    async with start(faults=Faults(error_rate=1.0)) as app:
        answer = await app.client.get("/releases")
    assert (answer.status_code, answer.headers["X-Release-Version"]) == (500, VERSION)


async def test_query_times_are_observed(app: Running) -> None:
    before = await app.metric("release_manager_db_query_duration_seconds_count")
    await app.client.get("/releases/1")
    assert await app.metric("release_manager_db_query_duration_seconds_count") == before + 1


async def test_while_draining_each_answer_closes_its_connection(app: Running) -> None:
    assert "connection" not in (await app.client.get("/releases")).headers
    app.lifecycle.draining = True
    answer = await app.client.get("/releases")
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_connections_in_use_are_read_at_the_moment_of_the_scrape() -> None:
    metrics = Metrics(version="v")
    in_use = 3
    metrics.watch_pool(size=5, active=lambda: in_use)
    assert b"release_manager_db_connections_active 3.0" in metrics.text()
    in_use = 4
    assert b"release_manager_db_connections_active 4.0" in metrics.text()
