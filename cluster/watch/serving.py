"""Whether the release that is watched still serves, and whether another run is at work."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from checks.waiting import Clock
from cluster.api import Cluster
from cluster.lease.lease import Lease, LeaseDamaged, Term
from cluster.names import Names
from cluster.release import Release
from cluster.releases import VerifiedReleases, serving_release


class Stand(StrEnum):
    """How the release stands: it serves; another run is at work on its Deployment; or it serves no more."""

    SERVES = "serves"
    ASIDE = "aside"
    GONE = "gone"


@dataclass
class Serving:
    """Looks again and again whether `release` is the one that serves.

    While another run holds the release (a newer one on its way, a person who goes back), the watch stands aside: that
    run judges, and it may yet leave things as they were. Whether a holder is at work is told by its signs of life, on
    our own clock.
    """

    cluster: Cluster
    names: Names
    release: Release
    clock: Clock
    _term: Term | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)

    def look(self) -> tuple[Stand, str]:
        """Return how it stands, and why, for a person. Raises ClusterError or Unreachable."""
        last = VerifiedReleases(self.cluster, self.names.deployment).last()
        if last is None or last.release.identity != self.release.identity:
            now = "nothing" if last is None else last.release.told_apart_from(self.release)
            return Stand.GONE, f"{now} has taken its place"
        holder = self._at_work()
        if holder:
            return Stand.ASIDE, f"another run is at work: {holder}"
        serving = serving_release(self.cluster, self.names.deployment)
        if serving is None:
            return Stand.GONE, "stable runs a release that was never verified"
        if serving.release.identity != self.release.identity:
            return Stand.GONE, f"stable runs {serving.release.told_apart_from(self.release)}"
        return Stand.SERVES, ""

    def _at_work(self) -> str:
        try:
            term = Lease(self.cluster, self.names.deployment).read().term
        except LeaseDamaged:
            return ""
        if not term.holder:
            self._term = None
            return ""
        now = self.clock.now()
        if term != self._term:
            self._term, self._since = term, now
        return term.named_holder if now - self._since < term.duration_seconds else ""
