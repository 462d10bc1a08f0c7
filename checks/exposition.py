"""What a pod says about itself in /metrics, in Prometheus' text format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from checks.analysis.tally import Tally

REQUESTS = "release_manager_requests_total"
ERRORS = "release_manager_errors_total"
DURATION = "release_manager_request_duration_seconds_bucket"
CONNECTIONS = "release_manager_db_connections_active"
POOL_SIZE = "release_manager_db_pool_size"
MEMORY = "process_resident_memory_bytes"
STARTED = "process_start_time_seconds"
BUILD = "release_manager_build_info"
LARGEST_TEXT = 1_000_000
_SHOWN = 80


@dataclass(frozen=True)
class PodSample:
    """What one read of a pod's /metrics found. A metric that is missing, or whose value is none, is None, never 0.

    `started` is the time at which the process began, in seconds by the clock of its node. `answered` counts from then
    on; where it is None, `problem` says in one line what is missing. `errors_from` names the metric that the errors
    were counted in: the requests with a status of 5xx, or, where the requests carry no status, the errors themselves.
    """

    started: float | None = None
    answered: Tally | None = None
    errors_from: str = ""
    connections: float | None = None
    pool_size: float | None = None
    memory_bytes: float | None = None
    version: str | None = None
    problem: str = ""

    @property
    def pool_share(self) -> float | None:
        """How much of its database pool the pod uses, from 0 to 1."""
        if self.connections is None or not self.pool_size:
            return None
        return self.connections / self.pool_size


class _BrokenError(Exception):
    """The counters cannot be used; the text says why."""


def read_sample(text: str) -> PodSample:
    """Return what `text`, the answer of a pod's /metrics, says. Raises nothing: `problem` tells what is wrong."""
    if len(text) > LARGEST_TEXT:
        return PodSample(problem=f"/metrics is longer than {LARGEST_TEXT} characters")
    try:
        found: dict[str, list[Sample]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample)
    except ValueError:
        first = text.strip().splitlines()[0][:_SHOWN] if text.strip() else ""
        return PodSample(problem=f"/metrics is not in Prometheus' text format; it begins with {first!r}")
    answered, errors_from, problem = None, "", ""
    try:
        answered, errors_from = _answered(found)
    except _BrokenError as error:
        problem = str(error)
    return PodSample(
        started=_gauge(found.get(STARTED, ())),
        answered=answered,
        errors_from=errors_from,
        connections=_gauge(found.get(CONNECTIONS, ())),
        pool_size=_gauge(found.get(POOL_SIZE, ())),
        memory_bytes=_gauge(found.get(MEMORY, ())),
        version=next((sample.labels.get("version") for sample in found.get(BUILD, ()) if sample.value == 1), None),
        problem=problem,
    )


def _answered(found: dict[str, list[Sample]]) -> tuple[Tally, str]:
    requests = found.get(REQUESTS, [])
    total = _count(REQUESTS, requests)
    if all("status" in sample.labels for sample in requests):
        failed = [sample for sample in requests if sample.labels["status"].startswith("5")]
        errors, errors_from = sum(int(sample.value) for sample in failed), f'{REQUESTS}{{status=~"5.."}}'
    elif ERRORS in found:
        errors, errors_from = _count(ERRORS, found[ERRORS]), ERRORS
    else:
        raise _BrokenError(f"/metrics has neither a label status on {REQUESTS} nor {ERRORS}")
    return Tally(total, min(errors, total), _within(total, found.get(DURATION, []))), errors_from


def _within(requests: int, buckets: Sequence[Sample]) -> dict[float, int]:
    bounds: dict[float, int] = {}
    for bucket in buckets:
        try:
            bound = float(bucket.labels.get("le", ""))
        except ValueError as error:
            raise _BrokenError(f"{DURATION} has a bucket without a bound") from error
        bounds[bound] = bounds.get(bound, 0) + _count(DURATION, [bucket])
    observed = bounds.pop(math.inf, None)
    if observed is None:
        return {}
    # What was slow is taken from the histogram alone: a read may fall between the two steps in which the application
    # counts a request and then its duration, and that request would pass for a slow one.
    return {bound: max(0, requests - max(0, observed - count)) for bound, count in sorted(bounds.items())}


def _count(name: str, samples: Sequence[Sample]) -> int:
    if not samples:
        raise _BrokenError(f"/metrics has no {name}")
    for sample in samples:
        if not math.isfinite(sample.value) or sample.value < 0:
            raise _BrokenError(f"{name} is {sample.value}, which is no count")
    return sum(int(sample.value) for sample in samples)


def _gauge(samples: Sequence[Sample]) -> float | None:
    values = [float(sample.value) for sample in samples]
    if not values or any(not math.isfinite(value) or value < 0 for value in values):
        return None
    return sum(values)
