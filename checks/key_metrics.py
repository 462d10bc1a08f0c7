"""The guide's key metrics of a pod: its share of the database pool, and of the memory that it is allocated.

Both are shares from 0 to 1 that every pod has to stay below; the worst pod decides. They come from the pods' own
answers, which are seconds old at most, or from Prometheus, by queries that may be configured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.exposition import CONNECTIONS, MEMORY, POOL_SIZE, PodSample
from checks.prometheus import NoValue, Prometheus
from checks.reader import Unreachable
from checks.traffic import QUERY, TrafficLook
from checks.verdict import Kind, Verdict


@dataclass(frozen=True)
class ShareLimit:
    """A share that a pod has to stay below; at `looks` looks in a row not to is a FAIL. `of` names the whole."""

    of: str
    below: float
    looks: int


def connection_limit(percent: float, *, looks: int = 3) -> ShareLimit:
    """Return the limit of database connections. They come and go, so a burst that passes fails nothing."""
    return ShareLimit("its database connections", percent / 100, looks)


def memory_limit(percent: float, *, looks: int = 1) -> ShareLimit:
    """Return the limit of memory. What a process took it hardly ever gives back, so one look is enough."""
    return ShareLimit("the memory that it is allocated", percent / 100, looks)


def connection_query(namespace: str, pods: str) -> str:
    """Return the PromQL of the share of the pool by pod, of those in `namespace` whose whole name `pods` matches."""
    labels = _labels(namespace, pods)
    return f"max by (pod) ({CONNECTIONS}{labels} / {POOL_SIZE}{labels})"


def memory_query(namespace: str, pods: str, allocated_bytes: float) -> str:
    """Return the PromQL of the share of `allocated_bytes` by pod, of those in `namespace` that `pods` matches."""
    return f"max by (pod) ({MEMORY}{_labels(namespace, pods)}) / {allocated_bytes}"


def pods_of(deployment: str) -> str:
    """Return a regular expression for the names of the Deployment's pods, not for those of `<deployment>-canary`."""
    return f"{deployment}-[a-z0-9]+-[a-z0-9]+"


def connection_shares(samples: Mapping[str, PodSample]) -> dict[str, float]:
    """Return the share of its pool that each pod uses, of those that say so."""
    shares = {name: sample.pool_share for name, sample in samples.items()}
    return {name: share for name, share in shares.items() if share is not None}


def memory_shares(samples: Mapping[str, PodSample], allocated_bytes: float) -> dict[str, float]:
    """Return the share of `allocated_bytes` that each pod uses, of those that say so."""
    return {name: s.memory_bytes / allocated_bytes for name, s in samples.items() if s.memory_bytes is not None}


class ShareWatch:
    """Judges one share of the pods again and again, and remembers for how many looks each pod has been above it."""

    def __init__(self, limit: ShareLimit, *, query: str = QUERY) -> None:
        self._limit = limit
        self._query = query
        self._above: dict[str, int] = {}

    def judge(self, shares: Mapping[str, float], pods: Sequence[str]) -> Verdict:
        """Judge the shares of `pods`; those of any other pod are of no interest.

        FAIL where a pod has reached the limit at `looks` looks in a row, TOO_FEW where it has at fewer, NO_DATA where
        there are no pods or one of them has no share, else PASS.
        """
        known = {name: shares[name] for name in pods if name in shares}
        self._above = {name: self._above.get(name, 0) + 1 for name in known if known[name] >= self._limit.below}
        missing = [name for name in pods if name not in known]
        if not known:
            return Verdict(Kind.NO_DATA, f"no pod says how much it uses of {self._limit.of}", query=self._query)
        # Of the pods that are above it, the one that has been so for the longest is the nearest to a decision.
        worst = max(known, key=lambda name: (self._above.get(name, 0), known[name]))
        numbers: dict[str, float | str] = {
            "pod": worst,
            "share": known[worst],
            "limit": self._limit.below,
            "pods": len(known),
        }
        uses = f"pod {worst} uses {known[worst]:.1%} of {self._limit.of} (limit: below {self._limit.below:.0%})"
        looks = self._above.get(worst, 0)
        if looks >= self._limit.looks:
            return Verdict(Kind.FAIL, uses, numbers, self._query)
        if looks:
            reason = f"{uses}, at {looks} of {self._limit.looks} looks in a row"
            return Verdict(Kind.TOO_FEW, reason, numbers, self._query)
        if missing:
            reason = f"{len(missing)} of {len(pods)} pods, {missing[0]} first, do not say how much they use of"
            return Verdict(Kind.NO_DATA, f"{reason} {self._limit.of}", numbers, self._query)
        return Verdict(Kind.PASS, uses, numbers, self._query)


class PodLimits:
    """Judges the canary pods' connections and memory by their own answers, look by look.

    `allocated_bytes` is the memory that each pod is allocated.
    """

    def __init__(self, *, connections: ShareLimit, memory: ShareLimit, allocated_bytes: float) -> None:
        self._connections = ShareWatch(connections)
        self._memory = ShareWatch(memory)
        self._allocated_bytes = allocated_bytes

    def judge(self, look: TrafficLook) -> Verdict:
        """Return the first FAIL of the two, else the first that is not PASS, else PASS with what both say."""
        connections = self._connections.judge(connection_shares(look.samples), look.canary_pods)
        memory = self._memory.judge(memory_shares(look.samples, self._allocated_bytes), look.canary_pods)
        both = (memory, connections)
        failed = [verdict for verdict in both if verdict.kind is Kind.FAIL]
        unknown = [verdict for verdict in both if verdict.kind is not Kind.PASS]
        if failed or unknown:
            return (failed or unknown)[0]
        return Verdict(Kind.PASS, f"{memory.reason}; {connections.reason}", query=QUERY)


class PrometheusShareWatch:
    """Judges one share of the pods by what Prometheus answers to `query`: one series for each pod, with label `pod`.

    Looks that follow each other faster than Prometheus scrapes see the same measurement twice: leave that long between
    them.
    """

    def __init__(self, prometheus: Prometheus, query: str, limit: ShareLimit) -> None:
        self._prometheus = prometheus
        self._query = query
        self._watch = ShareWatch(limit, query=query)

    def look(self, pods: Sequence[str]) -> Verdict:
        """Ask once and judge. UNREACHABLE where Prometheus gives no answer, NO_DATA where it knows no number."""
        try:
            series = self._prometheus.vector(self._query)
        except Unreachable as error:
            return Verdict(Kind.UNREACHABLE, str(error), query=self._query)
        except NoValue as error:
            return Verdict(Kind.NO_DATA, str(error), query=self._query)
        shares: dict[str, float] = {}
        for found in series:
            name = found.labels.get("pod", "")
            shares[name] = max(found.value, shares.get(name, found.value))
        if series and "" in shares:
            reason = "Prometheus answers series without a label pod: let the query keep it (max by (pod) (...))"
            return Verdict(Kind.NO_DATA, reason, query=self._query)
        return self._watch.judge(shares, pods)


def _labels(namespace: str, pods: str) -> str:
    return f"{{namespace={_quoted(namespace)}, pod=~{_quoted(pods)}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
