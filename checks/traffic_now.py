"""How many requests a release answers now, as Prometheus has it."""

from __future__ import annotations

from checks.exposition import REQUESTS
from checks.prometheus import Prometheus

# Long enough for two scrapes where Prometheus scrapes once a minute.
WINDOW = "5m"


def requests_a_second(prometheus: Prometheus, namespace: str, pods: str) -> float | None:
    """Return how many requests a second the pods of this regular expression answer; None where nothing is counted.

    Raises Unreachable, or NoValue.
    """
    found = prometheus.vector(f'sum(rate({REQUESTS}{{namespace="{namespace}", pod=~"{pods}"}}[{WINDOW}]))')
    return found[0].value if found else None
