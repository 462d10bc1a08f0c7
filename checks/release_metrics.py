"""The guide's key metrics of a whole release, as Prometheus has them: errors, p99, database connections, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.analysis.limit_test import is_above
from checks.analysis.limits import Limits
from checks.analysis.wording import limit_percent, of, percent
from checks.exposition import DURATION, ERRORS, REQUESTS
from checks.key_metrics import PrometheusShareWatch, ShareLimit, connection_query, memory_query
from checks.prometheus import NoValue, Prometheus
from checks.reader import Unreachable
from checks.verdict import Kind, Verdict

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Measure:
    """One metric: its name, what was found of it, and the number itself in `unit`, None where nobody knows it."""

    name: str
    verdict: Verdict
    unit: str
    value: float | None = None


@dataclass(frozen=True)
class _Bad:
    """How many of so many requests were bad, and which share of them may be."""

    requests: int
    bad: int
    limit: float

    def __str__(self) -> str:
        return of(self.bad, self.requests)


class ReleaseMetrics:
    """Judges the four metrics of a release's pods, again and again; made anew for each release.

    `pods` is a regular expression of the names of its Deployment's pods, each of which is allocated `allocated_bytes`
    of memory. Errors and latency are those of the last `rate_minutes`. Above a limit is a FAIL where so many bad
    requests are more than chance (`limits.false_abort`), and else TOO_FEW: one error of thirty requests proves nothing
    yet, and promotes nothing either. A number that nobody knows is NO_DATA, a silent Prometheus UNREACHABLE.
    """

    def __init__(
        self,
        prometheus: Prometheus,
        *,
        namespace: str,
        pods: str,
        allocated_bytes: float,
        limits: Limits,
        connections: ShareLimit,
        memory: ShareLimit,
        rate_minutes: int,
    ) -> None:
        self._prometheus = prometheus
        self._namespace = namespace
        self._limits = limits
        self._minutes = rate_minutes
        self._connections = PrometheusShareWatch(prometheus, connection_query(namespace, pods), connections)
        self._memory = PrometheusShareWatch(prometheus, memory_query(namespace, pods, allocated_bytes), memory)

    def look(self, pods: Sequence[str]) -> Verdict:
        """Ask once for everything about these pods, by their names.

        FAIL where one metric has failed, PASS where all pass, else the first that does not.
        """
        if not pods:
            return Verdict(Kind.NO_DATA, "the release has no pod that could be asked about")
        measures = self._measures(pods)
        found = [each.verdict.kind for each in measures]
        kind = Kind.FAIL if Kind.FAIL in found else next((each for each in found if each is not Kind.PASS), Kind.PASS)
        told = measures if kind is Kind.PASS else [each for each in measures if each.verdict.kind is kind][:1]
        numbers = {f"{each.name} ({each.unit})": round(each.value, 4) for each in measures if each.value is not None}
        return Verdict(
            kind,
            "; ".join(f"{each.name}: {each.verdict.reason}" for each in told),
            numbers,
            "\n".join(dict.fromkeys(each.verdict.query for each in measures if each.verdict.query)),
            () if kind is Kind.PASS else tuple(f"{each.name}: {each.verdict}" for each in measures),
        )

    def _measures(self, pods: Sequence[str]) -> Sequence[Measure]:
        """Ask once for each metric; for no further one where Prometheus is silent."""
        measures: list[Measure] = []
        for measure in (self._errors, self._latency, self._connection_share, self._memory_share):
            measures.append(measure(pods))
            if measures[-1].verdict.kind is Kind.UNREACHABLE:
                break
        return measures

    def _errors(self, pods: Sequence[str]) -> Measure:
        queries = {"errors": self._rate(ERRORS, pods), "requests": self._rate(REQUESTS, pods)}
        name, unit, query = "errors", "% of the requests", " / ".join(queries.values())
        found = self._asked(queries)
        if isinstance(found, Verdict):
            return Measure(name, found, unit)
        if found["requests"] <= 0:
            reason = f"the release's pods have answered no request in {self._minutes} min"
            return Measure(name, Verdict(Kind.NO_DATA, reason, query=query), unit)
        limit, share = self._limits.error_share, found["errors"] / found["requests"]
        bad = _Bad(self._count(found["requests"]), self._count(found["errors"]), limit)
        said = f"{bad} requests in {self._minutes} min failed ({percent(share)}, limit {limit_percent(limit)})"
        return Measure(name, self._judged(bad, said, query, above=share > limit), unit, 100 * share)

    def _latency(self, pods: Sequence[str]) -> Measure:
        limits = self._limits
        quantile = 1 - limits.slow_share
        name, unit = f"p{100 * quantile:g}", "ms"
        query = f"histogram_quantile({quantile:g}, {self._rate(DURATION, pods, by='le')})"
        requests = self._rate(DURATION, pods, further=', le="+Inf"')
        fast = self._rate(DURATION, pods, further=f', le=~"{_bound(limits.slow_seconds)}"')
        found = self._asked({name: query, "requests": requests, "fast requests": fast})
        if isinstance(found, Verdict):
            return Measure(name, found, unit)
        whole, above = self._count(found["requests"]), found[name] >= limits.slow_seconds
        bad = _Bad(whole, max(0, whole - self._count(found["fast requests"])), limits.slow_share)
        said = f"{1000 * found[name]:.0f} ms in {self._minutes} min (limit: below {1000 * limits.slow_seconds:g} ms)"
        said += f", {bad} requests took longer" if above else ""
        return Measure(name, self._judged(bad, said, query, above=above), unit, 1000 * found[name])

    def _connection_share(self, pods: Sequence[str]) -> Measure:
        return _share("database connections", self._connections.look(pods), "% of the pool")

    def _memory_share(self, pods: Sequence[str]) -> Measure:
        return _share("memory", self._memory.look(pods), "% of the allocated")

    def _judged(self, bad: _Bad, said: str, query: str, *, above: bool) -> Verdict:
        if not above:
            return Verdict(Kind.PASS, said, query=query)
        if is_above(bad.requests, min(bad.bad, bad.requests), bad.limit, self._limits.false_abort):
            return Verdict(Kind.FAIL, said, query=query)
        return Verdict(Kind.TOO_FEW, f"{said}; so few requests cannot be told from chance", query=query)

    def _asked(self, queries: Mapping[str, str]) -> dict[str, float] | Verdict:
        """Return the number that each query gives, or why there is none."""
        found: dict[str, float] = {}
        for name, query in queries.items():
            try:
                value = self._prometheus.scalar(query)
            except Unreachable as error:
                return Verdict(Kind.UNREACHABLE, str(error), query=query)
            except NoValue as error:
                return Verdict(Kind.NO_DATA, f"{error}, as where no request was answered", query=query)
            if value is None:
                return Verdict(Kind.NO_DATA, f"Prometheus has no {name} of the release's pods", query=query)
            found[name] = value
        return found

    def _count(self, per_second: float) -> int:
        return round(per_second * self._minutes * SECONDS_PER_MINUTE)

    def _rate(self, metric: str, pods: Sequence[str], *, further: str = "", by: str = "") -> str:
        # Exactly these pods: the requests of the version before must not dilute the rate.
        labels = f'namespace="{self._namespace}", pod=~"{"|".join(pods)}"{further}'
        grouped = f"sum by ({by}) " if by else "sum"
        return f"{grouped}(rate({metric}{{{labels}}}[{self._minutes}m]))"


def _share(name: str, verdict: Verdict, unit: str) -> Measure:
    found = verdict.numbers.get("share")
    return Measure(name, verdict, unit, None if found is None else 100 * float(found))


def _bound(seconds: float) -> str:
    """Return a regular expression of a bucket's bound as the client libraries write it: 1 or 1.0."""
    text = f"{seconds:g}".replace(".", "[.]")
    return text if "." in text else f"{text}([.]0)?"
