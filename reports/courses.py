"""How the metrics went around a release: from Prometheus over time, and from what each gate of the canary counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from checks.exposition import DURATION, ERRORS, REQUESTS
from checks.key_metrics import connection_query, memory_query, pods_of
from checks.prometheus import Prometheus
from checks.reader import Unreachable
from cluster.history.entry import SAMPLES
from cluster.history.history import Attempt
from cluster.names import CANARY, STABLE, Names
from reports.record import ChartRecord, LineRecord, PhaseRecord

POINTS = 120
LEAST_STEP_SECONDS = 2.0
# Long enough for two scrapes where Prometheus scrapes once a minute, short enough to show a step of a canary.
RATE = "2m"


@dataclass(frozen=True)
class ChartLimits:
    """The limits that the charts show, None where the stack has none. `allocated_bytes` is the memory of a pod."""

    allocated_bytes: float
    error_percent: float | None = None
    slow_milliseconds: float | None = None
    connections_percent: float | None = None
    memory_percent: float | None = None


@dataclass(frozen=True)
class _Metric:
    title: str
    unit: str
    limit: float | None
    queries: Mapping[str, str]


def charts_over_time(
    prometheus: Prometheus, namespace: str, names: Names, limits: ChartLimits, *, start: float, end: float
) -> tuple[ChartRecord, ...]:
    """Return a chart of each metric from `start` to `end` (Unix seconds), for stable and canary.

    Raises nothing: a chart without data names its problem. A Prometheus that is silent once is not asked again.
    """
    step = max(LEAST_STEP_SECONDS, (end - start) / POINTS)
    charts: list[ChartRecord] = []
    silence = ""
    for metric in _metrics(namespace, names, limits):
        lines: list[LineRecord] = []
        for track, query in metric.queries.items():
            try:
                found = () if silence else prometheus.over_time(query, start=start, end=end, step_seconds=step)
            except Unreachable as error:
                silence, found = str(error), ()
            lines += [LineRecord(name=track, points=each.points) for each in found[:1] if each.points]
        charts.append(
            ChartRecord(
                title=metric.title,
                unit=metric.unit,
                limit=metric.limit,
                lines=tuple(lines),
                queries=tuple(metric.queries.values()),
                problem=silence or ("" if lines else "Prometheus has no such series of this time"),
            )
        )
    return tuple(charts)


def charts_of_gates(attempt: Attempt, error_percent: float | None) -> tuple[ChartRecord, ...]:
    """Return for each gate of the canary which share of the requests had failed since it began, by its own count."""
    charts: list[ChartRecord] = []
    for step, facts in _gates(attempt):
        samples = [each for each in facts[SAMPLES] if isinstance(each, Mapping)]
        lines = [
            LineRecord(name=track, points=points)
            for track in (STABLE, CANARY)
            if (points := tuple(_error_points(samples, track)))
        ]
        charts.append(
            ChartRecord(
                title=f"errors at step {step}",
                unit="% of the requests since the step began",
                limit=error_percent,
                clock="gate",
                lines=tuple(lines),
                problem="" if lines else "the gate counted no request",
            )
        )
    return tuple(charts)


def phases_of(attempt: Attempt) -> tuple[PhaseRecord, ...]:
    """Return the steps of the canary, in their order."""
    return tuple(
        PhaseRecord(name=step, began=facts["at"] - timedelta(seconds=float(facts["seconds"])), ended=facts["at"])
        for step, facts in _gates(attempt)
    )


def _gates(attempt: Attempt) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in attempt.entries:
        facts = {**entry.facts, "at": entry.at}
        if entry.kind == "gate" and facts.get(SAMPLES) and isinstance(facts.get("seconds"), int | float):
            yield str(facts.get("step", "")), facts


def _error_points(samples: Sequence[Mapping[str, Any]], track: str) -> Iterator[tuple[float, float]]:
    first = samples[0].get("at") if samples else None
    for each in samples:
        at, requests, errors = (each.get(key) for key in ("at", f"{track}_requests", f"{track}_errors"))
        numbers = [value for value in (first, at, requests, errors) if isinstance(value, int | float)]
        if len(numbers) == 4 and numbers[2] > 0:
            yield round(numbers[1] - numbers[0], 2), 100 * numbers[3] / numbers[2]


def _metrics(namespace: str, names: Names, limits: ChartLimits) -> Iterator[_Metric]:
    pods = {STABLE: pods_of(names.deployment), CANARY: pods_of(names.canary)}
    labels = {track: f'namespace="{namespace}", pod=~"{pattern}"' for track, pattern in pods.items()}
    requests = {track: f"sum(rate({REQUESTS}{{{found}}}[{RATE}]))" for track, found in labels.items()}
    errors = {track: f"sum(rate({ERRORS}{{{found}}}[{RATE}]))" for track, found in labels.items()}
    yield _Metric("requests", "a second", None, requests)
    shares = {track: f"100 * {errors[track]} / {requests[track]}" for track in pods}
    yield _Metric("errors", "% of the requests", limits.error_percent, shares)
    buckets = {track: f"sum by (le) (rate({DURATION}{{{found}}}[{RATE}]))" for track, found in labels.items()}
    p99 = {track: f"1000 * histogram_quantile(0.99, {found})" for track, found in buckets.items()}
    yield _Metric("p99", "ms", limits.slow_milliseconds, p99)
    pool = {track: f"100 * max({connection_query(namespace, pattern)})" for track, pattern in pods.items()}
    yield _Metric("database connections", "% of the pool, worst pod", limits.connections_percent, pool)
    memory = {
        track: f"100 * max({memory_query(namespace, pattern, limits.allocated_bytes)})"
        for track, pattern in pods.items()
    }
    yield _Metric("memory", "% of the allocated, worst pod", limits.memory_percent, memory)
