"""The cache hit rate and the latency of database queries, as Prometheus has them, of the pods of a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.analysis.limit_test import is_above
from checks.analysis.wording import limit_percent, of, percent
from checks.prometheus import NoValue, Prometheus
from checks.reader import Unreachable
from checks.verdict import Kind, Verdict

CACHE_HITS = "release_manager_cache_hits_total"
CACHE_MISSES = "release_manager_cache_misses_total"
QUERIES = "release_manager_db_query_duration_seconds_bucket"
SECONDS_PER_MINUTE = 60
CACHE, QUERY_LATENCY = "cache hit rate", "query p99"
# What makes a p99 of a share: one in a hundred may take longer.


@dataclass(frozen=True)
class CountedInPrometheus:
    """Counts of the last `rate_minutes`, of pods in `namespace` by their names.

    Above a limit is a FAIL where it is more than chance (`false_alarm`, from 0 to 1), and else TOO_FEW. Nothing counted
    is NO_DATA, unless these very pods have counted before: then there was nothing in these minutes that could be slow
    or miss. A silent Prometheus is UNREACHABLE.
    """

    prometheus: Prometheus
    namespace: str
    rate_minutes: int
    false_alarm: float

    def cache(self, pods: Sequence[str], *, least_hits: float) -> Verdict:
        """Judge the share of cache look-ups that hit, from 0 to 1; it has to be above `least_hits`."""
        queries = {"hits": self._rate(CACHE_HITS, pods), "misses": self._rate(CACHE_MISSES, pods)}
        query = f"{queries['hits']} / ({queries['hits']} + {queries['misses']})"
        found = self._counted(queries, pods, query)
        if isinstance(found, Verdict):
            return found
        hits, misses = found["hits"], found["misses"]
        if not hits + misses:
            none = f"the cache was not asked in {self.rate_minutes} min"
            return self._none(none, " + ".join(f"sum({each}{self._of(pods)})" for each in (CACHE_HITS, CACHE_MISSES)))
        share = hits / (hits + misses)
        said = f"{percent(share)} of {hits + misses:,} look-ups in {self.rate_minutes} min hit the cache"
        said += f" (limit: above {limit_percent(least_hits)})"
        numbers = {"share": share, "limit": least_hits, "lookups": hits + misses}
        return self._judged(said, numbers, query, bad=misses, whole=hits + misses, limit=1 - least_hits)

    def queries(self, pods: Sequence[str], *, slow_seconds: float, slow_share: float) -> Verdict:
        """Judge the share of database queries that take longer than `slow_seconds`, where a bucket ends.

        Above `slow_share`, from 0 to 1, it is too much: with 0.01 that is the p99.
        """
        asked = {
            "queries": self._rate(QUERIES, pods, ', le="+Inf"'),
            "fast queries": self._rate(QUERIES, pods, f', le=~"{_bound(slow_seconds)}"'),
        }
        query = f"1 - {asked['fast queries']} / {asked['queries']}"
        found = self._counted(asked, pods, query)
        if isinstance(found, Verdict):
            return found
        whole = found["queries"]
        if not whole:
            none = f"no query was made in {self.rate_minutes} min"
            labels = self._of(pods, ', le="+Inf"')
            return self._none(none, f"sum({QUERIES}{labels})")
        slow = max(0, whole - found["fast queries"])
        said = f"{of(slow, whole)} queries in {self.rate_minutes} min took longer than {1000 * slow_seconds:g} ms"
        said += f" ({percent(slow / whole)}; limit: {limit_percent(slow_share)})"
        numbers = {"share": slow / whole, "limit": slow_share, "queries": whole}
        return self._judged(said, numbers, query, bad=slow, whole=whole, limit=slow_share)

    def _judged(
        self, said: str, numbers: Mapping[str, float], query: str, *, bad: int, whole: int, limit: float
    ) -> Verdict:
        if bad <= limit * whole:
            return Verdict(Kind.PASS, said, numbers, query)
        if is_above(whole, bad, limit, self.false_alarm):
            return Verdict(Kind.FAIL, said, numbers, query)
        return Verdict(Kind.TOO_FEW, f"{said}; so few cannot be told from chance", numbers, query)

    def _none(self, said: str, query: str) -> Verdict:
        """Judge that nothing was counted: whether it is counted at all is told by what was before."""
        try:
            before = self.prometheus.scalar(query)
        except Unreachable as error:
            return Verdict(Kind.UNREACHABLE, str(error), query=query)
        except NoValue as error:
            return Verdict(Kind.NO_DATA, f"{said}: {error}", query=query)
        if not before:
            return Verdict(Kind.NO_DATA, f"{said}, and none before it", query=query)
        return Verdict(Kind.PASS, f"{said}; {before:,.0f} before it", {"before": before}, query)

    def _counted(self, queries: Mapping[str, str], pods: Sequence[str], query: str) -> dict[str, int] | Verdict:
        """Return how many there were of each, or why that is not known."""
        if not pods:
            return Verdict(Kind.NO_DATA, "the release has no pod that could be asked about", query=query)
        found: dict[str, int] = {}
        for name, asked in queries.items():
            try:
                value = self.prometheus.scalar(asked)
            except Unreachable as error:
                return Verdict(Kind.UNREACHABLE, str(error), query=query)
            except NoValue as error:
                return Verdict(Kind.NO_DATA, str(error), query=query)
            if value is None:
                return Verdict(Kind.NO_DATA, f"Prometheus has no {name} of the release's pods", query=query)
            found[name] = round(max(0.0, value) * self.rate_minutes * SECONDS_PER_MINUTE)
        return found

    def _rate(self, metric: str, pods: Sequence[str], further: str = "") -> str:
        return f"sum(rate({metric}{self._of(pods, further)}[{self.rate_minutes}m]))"

    def _of(self, pods: Sequence[str], further: str = "") -> str:
        return f'{{namespace="{self.namespace}", pod=~"{"|".join(pods)}"{further}}}'


def _bound(seconds: float) -> str:
    """Return a regular expression of a bucket's bound as the client libraries write it: 1 or 1.0."""
    text = f"{seconds:g}".replace(".", "[.]")
    return text if "." in text else f"{text}([.]0)?"
