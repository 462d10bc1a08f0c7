"""The metrics of the process, in Prometheus' text format.

Only API requests are counted. Requests for health, probes and metrics are many, fast and never wrong: with
them in the numbers the error rate and the latency of the users' requests would look better than they are.
"""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

NAMESPACE = "release_manager"
REQUEST_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
QUERY_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 5.0)
ERROR_TYPES = ("internal", "database", "injected")


class Metrics:
    """Every metric of the process. Each series that can be known beforehand starts at 0, so rates see it."""

    def __init__(self, *, version: str, routes: Iterable[tuple[str, str, int]] = ()) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "API requests answered.", ("method", "route", "status"))
        self.request_seconds = self._histogram(
            "request_duration_seconds", "Seconds from an API request to its answer.", REQUEST_BUCKETS_SECONDS
        )
        self.errors = self._counter("errors", "API requests answered with a 5xx status, by cause.", ("type",))
        self.cache_hits = self._counter("cache_hits", "Lists of releases answered from the cache.")
        self.cache_misses = self._counter("cache_misses", "Lists of releases read from the database.")
        self.dependency_failures = self._counter(
            "dependency_failures", "Failures of dependencies that no request failed with.", ("dependency",)
        )
        self.query_seconds = self._histogram(
            "db_query_duration_seconds", "Seconds that a database statement takes.", QUERY_BUCKETS_SECONDS
        )
        self._connections_active = self._gauge("db_connections_active", "Pool connections in use.")
        self._pool_size = self._gauge("db_pool_size", "Most connections that the pool may hold.")
        self._gauge("build_info", "Always 1; the labels say what runs.", ("version",)).labels(version).set(1)
        ProcessCollector(registry=self.registry)
        for method, route, status in routes:
            self.requests.labels(method, route, str(status))
        for error_type in ERROR_TYPES:
            self.errors.labels(error_type)
        for dependency in ("cache", "message_queue"):
            self.dependency_failures.labels(dependency)

    def watch_pool(self, *, size: int, active: Callable[[], int]) -> None:
        """Show the database pool: its size, and the connections in use at the moment of each scrape."""
        self._pool_size.set(size)
        self._connections_active.set_function(active)

    def count_failure_of(self, dependency: str) -> Callable[[], None]:
        """Return the function that counts one failure of the dependency."""
        return self.dependency_failures.labels(dependency).inc

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self.registry)

    def _counter(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, meaning, labels, namespace=NAMESPACE, registry=self.registry)

    def _gauge(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, meaning, labels, namespace=NAMESPACE, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, meaning, buckets=buckets, namespace=NAMESPACE, registry=self.registry)
