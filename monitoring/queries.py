"""PromQL over the metrics that the application gives: the rules record it, and the dashboard asks it directly."""

from __future__ import annotations

from dataclasses import dataclass

from checks.exposition import CONNECTIONS, DURATION, ERRORS, MEMORY, POOL_SIZE, REQUESTS, STARTED
from monitoring.rule import number
from monitoring.subject import Watched

CACHE_HITS = "release_manager_cache_hits_total"
CACHE_MISSES = "release_manager_cache_misses_total"
QUERY_DURATION = "release_manager_db_query_duration_seconds_bucket"
DEPENDENCY_FAILURES = "release_manager_dependency_failures_total"
# What Prometheus gives every target that it scrapes.
UP = "up"
# Labels that the scrape gives every series of a pod; all else comes from the application.
OF_THE_POD = ("namespace", "app", "track", "version", "pod")
BY_RELEASE = ("namespace", "track", "version")
BY_POD = (*BY_RELEASE, "pod")


@dataclass(frozen=True)
class Queries:
    """Asks for the pods of one release, stable and canary. `window` is a time span as Prometheus writes it."""

    watched: Watched
    window: str = "5m"

    def series(self, metric: str, *matchers: str) -> str:
        """Return the selector of a metric of these pods."""
        of_all = (f'namespace="{self.watched.namespace}"', f'app="{self.watched.app}"', *matchers)
        return f"{metric}{{{', '.join(of_all)}}}"

    def rate(self, metric: str, *matchers: str, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return how much a counter grows in a second."""
        return f"sum by ({', '.join(by)}) (rate({self.series(metric, *matchers)}[{self.window}]))"

    def requests(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return the requests in a second."""
        return self.rate(REQUESTS, by=by)

    def errors(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return the failed requests in a second."""
        return self.rate(ERRORS, by=by)

    def error_ratio(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return which share of the requests failed, from 0 to 1; no number where there was no request."""
        return f"{self.errors(by)} / {self.requests(by)}"

    def slow_requests(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return the requests in a second that took longer than the limit."""
        return self._beyond(DURATION, self.watched.limits.slow_seconds, by)

    def slow_queries(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return the database queries in a second that took longer than the limit."""
        return self._beyond(QUERY_DURATION, self.watched.limits.query_seconds, by)

    def request_seconds(self, quantile: float, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return a quantile of the requests' durations, in seconds."""
        return f"histogram_quantile({number(quantile)}, {self.rate(DURATION, by=(*by, 'le'))})"

    def query_seconds(self, quantile: float, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return a quantile of the database queries' durations, in seconds."""
        return f"histogram_quantile({number(quantile)}, {self.rate(QUERY_DURATION, by=(*by, 'le'))})"

    def lookups(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return the look-ups in the cache in a second."""
        return f"{self.rate(CACHE_HITS, by=by)} + {self.rate(CACHE_MISSES, by=by)}"

    def cache_hit_ratio(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return which share of the look-ups the cache answered, from 0 to 1."""
        return f"{self.rate(CACHE_HITS, by=by)} / ({self.lookups(by)})"

    def connection_share(self) -> str:
        """Return which share of its database pool each pod uses, from 0 to 1."""
        return f"max by ({', '.join(BY_POD)}) ({self.series(CONNECTIONS)} / {self.series(POOL_SIZE)})"

    def memory_share(self) -> str:
        """Return which share of its memory each pod uses, from 0 to 1."""
        return f"max by ({', '.join(BY_POD)}) ({self.series(MEMORY)}) / {self.watched.allocated_bytes}"

    def dependency_failures(self) -> str:
        """Return the failures in a second of each dependency; the database's are those that requests failed with."""
        by = (*BY_RELEASE, "dependency")
        database = self.rate(ERRORS, 'type="database"')
        return f'{self.rate(DEPENDENCY_FAILURES, by=by)} or label_replace({database}, "dependency", "database", "", "")'

    def restarts(self, window: str) -> str:
        """Return how often the process of each pod began anew within `window`."""
        return f"max by ({', '.join(BY_POD)}) (changes({self.series(STARTED)}[{window}]))"

    def answering(self, by: tuple[str, ...] = BY_RELEASE) -> str:
        """Return how many pods answer Prometheus."""
        return f"count by ({', '.join(by)}) ({self.series(UP)} == 1)"

    def _beyond(self, bucket: str, seconds: float, by: tuple[str, ...]) -> str:
        everything = self.rate(bucket, 'le="+Inf"', by=by)
        return f"{everything} - {self.rate(bucket, bound(seconds), by=by)}"


def bound(seconds: float) -> str:
    """Return the matcher of the bucket that ends at `seconds`, however a client library writes it: 1 or 1.0."""
    text = number(seconds).replace(".", "[.]")
    return f'le=~"{text if "." in text else f"{text}([.]0)?"}"'
