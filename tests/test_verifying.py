"""A stack's verification takes the steps of the guide in its order, with the settings' windows, commands and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import verifying
from checks.verdict import Kind, Verdict
from checks.waiting import Clock
from cluster.migration.planner import MigrationPlanner
from cluster.names import Names
from cluster.release import Release
from reports.progress import Progress
from settings import Settings, merge, read_stack, validate
from tests.checks.fake_prometheus import success, vector
from tests.cluster.api_server import ApiServer, template
from tests.fake_time import FakeTime, Told
from tests.recorded import NAME
from tests.stack_values import CANARY, settings_of, stack_values
from verifying import Verifying, script_steps

ROOT = Path(__file__).resolve().parents[1]
RELEASE = Release(version="staging-abc1234", image="r@sha256:1", configuration="c", revision="abc")
SECRET = "hunter2-the-secret"
METRICS = {"rate_minutes": 5, "timeout_seconds": 60}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def no_planner(_seconds: int) -> MigrationPlanner:
    raise AssertionError("nobody asked for the migrations")


def verification_of(
    settings: Settings,
    server: ApiServer,
    time: FakeTime,
    told: Told,
    prometheus: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(503),
) -> Verifying:
    names, progress = Names(NAME, "release-manager"), Progress(told.reporter, time.clock)
    transport = httpx.MockTransport(prometheus)
    return Verifying(
        settings, server.cluster(), names, time.clock, progress, client=lambda: httpx.Client(transport=transport)
    )


def script(*command: str) -> dict[str, Any]:
    return {"name": "smoke tests", "command": list(command), "timeout_seconds": 20}


@pytest.mark.parametrize(
    ("stack", "steps"),
    [
        ("dev", []),
        ("staging", ["smoke tests", "database at head"]),
        ("prod", ["smoke tests", "integration tests", "key metrics"]),
    ],
)
def test_behind_pods_logs_and_health_each_stack_takes_the_steps_of_the_guide(stack: str, steps: list[str]) -> None:
    configured = verification_of(read_stack(stack), ApiServer(), FakeTime(), Told())
    assert [name for name, _ in configured.further_steps(no_planner)] == steps


def test_an_overlay_leaves_a_step_out_by_setting_it_to_null() -> None:
    wanted = {**CANARY, "rollout__timeout_seconds": 600, "verification__key_metrics": METRICS}
    values = merge(stack_values(**wanted), {"verification": {"key_metrics": None}})
    settings = validate(values, source="Pulumi.staging.yaml")
    assert verification_of(settings, ApiServer(), FakeTime(), Told()).further_steps(no_planner) == ()


def test_the_windows_and_limits_of_production_are_those_of_the_guide() -> None:
    prod = read_stack("prod")
    assert prod.analysis is not None
    assert prod.verification.key_metrics is not None
    assert prod.verification.pods_timeout_seconds == 2 * 60
    assert prod.verification.log_lines == 100
    assert prod.verification.health_timeout_seconds == 3 * 60
    assert (prod.health.attempts, prod.health.interval_seconds) == (10, 2)
    assert [each.timeout_seconds for each in prod.verification.scripts] == [5 * 60, 5 * 60]
    assert prod.verification.key_metrics.rate_minutes == 5
    assert (prod.analysis.slow_seconds, prod.analysis.slow_percent) == (0.5, 1)
    assert (prod.analysis.database_connections_percent, prod.analysis.memory_percent) == (80, 70)


def test_each_script_is_a_step_that_is_told_where_to_ask_whom_to_trust_and_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", "decrypted")
    told = Told()
    settings = settings_of(
        health__connect_to="127.0.0.1",
        health__ca_file="/ca.pem",
        verification__scripts=[script("env"), {**script("pwd"), "name": "place"}],
    )
    (name, environment), (_, place) = script_steps(settings, told.reporter, Clock())
    assert name == "smoke tests"
    assert environment(RELEASE).kind is Kind.PASS
    assert place(RELEASE).reason == str(ROOT)
    assert "smoke tests: RELEASE_MANAGER_CONNECT_TO=127.0.0.1" in told.live
    assert "smoke tests: RELEASE_MANAGER_CA_FILE=/ca.pem" in told.live
    assert "smoke tests: RELEASE_MANAGER_EXPECTED_VERSION=staging-abc1234" in told.live
    assert not any("PULUMI_CONFIG" in line for line in told.live)


def test_a_script_is_told_an_ipv6_address_as_curl_wants_it_and_nothing_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RELEASE_MANAGER_CA_FILE", raising=False)
    told = Told()
    settings = settings_of(health__connect_to="::1", verification__scripts=[script("env")])
    [(_, step)] = script_steps(settings, told.reporter, Clock())
    step(RELEASE)
    assert "smoke tests: RELEASE_MANAGER_CONNECT_TO=[::1]:" in told.live
    assert not any("RELEASE_MANAGER_CA_FILE" in line for line in told.live)


def test_what_the_engine_and_the_configuration_know_shows_in_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "open sesame")
    told = Told()
    settings = settings_of(verification__scripts=[script("echo", "open sesame", SECRET)])
    [(_, step)] = script_steps(settings, told.reporter, Clock())
    verdict = step(RELEASE)
    assert verdict.output == ("*** ***",)
    assert SECRET not in repr(verdict) + repr(told)


class FakePrometheus:
    """Answers each query of the key metrics with a good number, and the one that holds `bad` with `answer`."""

    def __init__(self, pods: list[str]) -> None:
        self.pods = pods
        self.bad = ""
        self.answer: Callable[[], httpx.Response] = vector
        self.queries: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params["query"]
        self.queries.append(query)
        if self.bad and self.bad in query:
            return self.answer()
        if "max by (pod)" in query:
            return vector(*(({"pod": pod}, "0.3") for pod in self.pods))
        if "histogram_quantile" in query:
            return vector(({}, "0.02"))
        return vector(({}, "0" if "errors_total" in query else "40"))


def key_metrics(prepare: Callable[[FakePrometheus], None]) -> tuple[Verdict, FakePrometheus, FakeTime]:
    server, time, told = ApiServer(), FakeTime(), Told()
    server.deploy(template("v2"))
    prometheus = FakePrometheus([pod.metadata.name for pod in server.cluster().pods("app=release-manager")])
    prepare(prometheus)
    settings = settings_of(**CANARY, rollout__timeout_seconds=600, verification__key_metrics=METRICS)
    (name, step), *rest = verification_of(settings, server, time, told, prometheus).further_steps(no_planner)
    assert (name, rest) == ("key metrics", [])
    return step(RELEASE), prometheus, time


def test_good_metrics_of_the_pods_that_serve_pass_at_once() -> None:
    verdict, prometheus, time = key_metrics(lambda _found: None)
    assert verdict.kind is Kind.PASS
    assert time.passed == 0
    names = "|".join(prometheus.pods)
    selected = f'namespace="development", pod=~"{names}"'
    assert f"sum(rate(release_manager_errors_total{{{selected}}}[5m]))" in prometheus.queries


def test_a_prometheus_without_data_is_waited_for_as_long_as_configured_and_never_passes() -> None:
    def empty(found: FakePrometheus) -> None:
        found.bad, found.answer = "release_manager", vector

    verdict, _, time = key_metrics(empty)
    assert verdict.kind is Kind.NO_DATA
    assert verdict.reason.endswith("(gave up after 60 s)")
    assert time.passed == METRICS["timeout_seconds"]


def test_a_prometheus_that_is_down_never_passes() -> None:
    def down(found: FakePrometheus) -> None:
        found.bad, found.answer = "release_manager", lambda: httpx.Response(503)

    verdict, _, time = key_metrics(down)
    assert verdict.kind is Kind.UNREACHABLE
    assert time.passed == METRICS["timeout_seconds"]


def test_a_burst_of_connections_has_to_last_for_three_looks() -> None:
    def full(found: FakePrometheus) -> None:
        found.bad = "db_connections_active"
        found.answer = lambda: vector(*(({"pod": pod}, "0.8") for pod in found.pods))

    verdict, _, time = key_metrics(full)
    assert verdict.kind is Kind.FAIL
    assert "database connections: pod " in verdict.reason
    assert time.passed == 2 * verifying.METRICS_INTERVAL_SECONDS


def test_the_metrics_of_a_pod_that_prometheus_does_not_scrape_are_not_known() -> None:
    def one_less(found: FakePrometheus) -> None:
        found.bad = "process_resident_memory_bytes"
        found.answer = lambda: vector(({"pod": found.pods[0]}, "0.3"))

    assert key_metrics(one_less)[0].kind is Kind.NO_DATA


def wrong(changes: Mapping[str, Any]) -> str:
    with pytest.raises(Exception, match="settings in") as caught:
        validate(merge(stack_values(), changes), source="Pulumi.staging.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"verification": {"key_metrics": METRICS}},
            "verification.key_metrics is set: its limits and its Prometheus stand here",
        ),
        ({"verification": {"pods_timeout_seconds": 120}}, "strategy 'rolling' replaces the pods in this step"),
        ({"verification": {"health_timeout_seconds": 44}}, "may take 45 s: that or more"),
        ({"verification": {"database_at_head": {"timeout_seconds": 1}}}, "verification.database_at_head.timeout"),
        ({"verification": {"key_metrics": {**METRICS, "error_percent": 1}}}, "there is no such setting"),
    ],
)
def test_windows_that_cannot_be_and_metrics_without_limits_are_refused(changes: dict[str, Any], says: str) -> None:
    assert says in wrong(changes)


def test_charts_are_asked_of_prometheus_only_where_the_stack_has_one() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return success({"resultType": "matrix", "result": []})

    without = verification_of(settings_of(), ApiServer(), FakeTime(), Told(), answer).report()
    assert without.charts(0, 600) == ()
    assert asked == []
    settings = settings_of(**CANARY, rollout__timeout_seconds=600)
    with_one = verification_of(settings, ApiServer(), FakeTime(), Told(), answer).report()
    titles = {each.title: each.limit for each in with_one.charts(0, 600)}
    assert titles == {"requests": None, "errors": 0.1, "p99": 500, "database connections": 80, "memory": 70}
    assert {request.url.path for request in asked} == {"/api/v1/query_range"}
