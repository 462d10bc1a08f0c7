"""A pod's /metrics is read as it is: what is missing is missing, and broken text is no data, never an exception."""

from __future__ import annotations

import random

import pytest

from checks.exposition import LARGEST_TEXT, PodSample, read_sample
from tests.checks.fake_metrics import STARTED, metrics, without

WHOLE = metrics(95, 5, slow=7)


def test_everything_that_a_pod_says_is_read() -> None:
    sample = read_sample(WHOLE)
    assert sample.answered is not None
    assert (sample.answered.requests, sample.answered.errors) == (100, 5)
    assert sample.answered.within == {0.1: 93, 0.5: 93, 1.0: 93, 2.5: 100}
    assert sample.answered.slower_than(0.5) == 7
    assert (sample.started, sample.version, sample.problem) == (STARTED, "prod-abc1234", "")
    assert (sample.connections, sample.pool_size, sample.pool_share, sample.memory_bytes) == (2, 10, 0.2, 60e6)
    assert sample.errors_from == 'release_manager_requests_total{status=~"5.."}'


def test_requests_are_added_up_over_routes_and_methods_and_only_5xx_are_errors() -> None:
    name = "release_manager_requests_total"
    posts, strays = f'{name}{{method="POST",status="503"}} 2\n', f'{name}{{method="GET",route="/x",status="404"}} 9\n'
    sample = read_sample(WHOLE + posts + strays)
    assert sample.answered is not None
    assert (sample.answered.requests, sample.answered.errors) == (111, 7)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("process_start_time_seconds", "started"),
        ("release_manager_db_connections_active", "connections"),
        ("release_manager_db_pool_size", "pool_size"),
        ("process_resident_memory_bytes", "memory_bytes"),
        ("release_manager_build_info", "version"),
    ],
)
def test_a_missing_value_is_missing_and_not_zero(name: str, field: str) -> None:
    sample = read_sample(without(WHOLE, name))
    assert getattr(sample, field) is None
    assert sample.answered == read_sample(WHOLE).answered, "what is there still counts"


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_a_value_that_is_none_is_missing(value: str) -> None:
    text = without(WHOLE, "db_connections") + f"release_manager_db_connections_active {value}\n"
    assert read_sample(text).connections is None
    assert read_sample(text).pool_share is None


def test_a_pool_of_no_size_has_no_share() -> None:
    assert read_sample(metrics(pool=0)).pool_share is None


def test_without_the_counter_of_requests_nothing_is_counted_and_the_reason_names_it() -> None:
    sample = read_sample(without(WHOLE, "requests_total"))
    assert sample.answered is None
    assert sample.problem == "/metrics has no release_manager_requests_total"
    assert sample.memory_bytes == 60e6


def test_requests_without_a_status_are_judged_by_the_counter_of_errors_and_that_is_said() -> None:
    plain = without(WHOLE, "requests_total") + "release_manager_requests_total 100\n"
    sample = read_sample(plain)
    assert sample.answered is not None
    assert (sample.answered.requests, sample.answered.errors) == (100, 5)
    assert sample.errors_from == "release_manager_errors_total"
    neither = read_sample(without(plain, "errors_total"))
    assert neither.answered is None
    assert (
        "neither a label status on release_manager_requests_total nor release_manager_errors_total" in neither.problem
    )


def test_without_a_histogram_nothing_is_said_about_latency() -> None:
    for text in (without(WHOLE, "duration_seconds"), without(WHOLE, "+Inf")):
        sample = read_sample(text)
        assert sample.answered is not None
        assert sample.answered.slower_than(0.5) is None


def test_a_request_that_is_counted_before_its_duration_does_not_pass_for_a_slow_one() -> None:
    sample = read_sample(WHOLE.replace('status="200"} 95.0', 'status="200"} 96.0'))
    assert sample.answered is not None
    assert (sample.answered.requests, sample.answered.slower_than(0.5)) == (101, 7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html>\n<body>Bad Gateway</body></html>", "not in Prometheus' text format; it begins with '<html>'"),
        ("hello", "not in Prometheus' text format; it begins with 'hello'"),
        ('{"status": "healthy"}', "not in Prometheus' text format"),
        ("\x00\x01\x02", "not in Prometheus' text format"),
        ("", "has no release_manager_requests_total"),
        ("\n\n  \n", "has no release_manager_requests_total"),
        (WHOLE.replace('"200"} 95.0', '"200"} NaN'), "release_manager_requests_total is nan, which is no count"),
        (WHOLE.replace('"200"} 95.0', '"200"} -3'), "release_manager_requests_total is -3"),
        (WHOLE.replace('le="0.5"} 93', 'le="0.5"} +Inf'), "release_manager_request_duration_seconds_bucket is inf"),
        (WHOLE.replace('le="0.5"', 'le="half"'), "has a bucket without a bound"),
        ("# " + "x" * LARGEST_TEXT, f"longer than {LARGEST_TEXT} characters"),
    ],
)
def test_broken_text_is_no_data_with_its_reason(text: str, says: str) -> None:
    sample = read_sample(text)
    assert sample.answered is None
    assert says in sample.problem
    assert "\n" not in sample.problem


def test_no_text_whatever_raises() -> None:
    draw = random.Random(7)  # noqa: S311
    for _ in range(500):
        text = list(WHOLE)
        for _ in range(draw.randint(1, 40)):
            text[draw.randrange(len(text))] = draw.choice('{}",=# \n\\<>a1.eN\x00+-\ud800')
        assert isinstance(read_sample("".join(text)), PodSample)
