"""The Lease of a release in the cluster: which run may change it, and since when.

It is an object coordination.k8s.io/v1 Lease that is called as the Deployment is. Every write names the version that
it was made from, so that of two runs at once one wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NonNegativeInt

from cluster.api import Cluster, JsonObject
from cluster.errors import ClusterError

DURATION_SECONDS = 15
LONGEST_DURATION_SECONDS = 60
REQUEST_SECONDS = 4.0
LONGEST_HOLDER = 200


class LeaseDamaged(ClusterError):  # noqa: N818  (it names a state, as Unreachable does)
    """The Lease does not say who holds the release in the form that this program writes."""


class Term(BaseModel):
    """What a Lease says. An empty `holder` means that nobody holds the release.

    `token` goes up with each change of holder and is never the same for two of them: a holder that finds another
    token than its own has lost the release. `duration_seconds` after its last sign of life a holder is gone.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    holder: str = Field(default="", alias="holderIdentity")
    duration_seconds: int = Field(
        default=DURATION_SECONDS, alias="leaseDurationSeconds", gt=0, le=LONGEST_DURATION_SECONDS
    )
    acquired_at: AwareDatetime | None = Field(default=None, alias="acquireTime")
    renewed_at: AwareDatetime | None = Field(default=None, alias="renewTime")
    token: NonNegativeInt = Field(default=0, alias="leaseTransitions")

    @property
    def named_holder(self) -> str:
        """Return the holder and since when, for a person, on one line."""
        who = " ".join(self.holder.split())[:LONGEST_HOLDER]
        if self.acquired_at is None:
            return f"{who} (since when is not recorded)"
        return f"{who} since {self.acquired_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class LeaseState:
    """The Lease as it stood at one moment; `version` is None where there is none yet."""

    term: Term
    version: str | None


class Lease:
    """The Lease of one Deployment. Every method may raise ClusterError or Unreachable."""

    def __init__(self, cluster: Cluster, deployment: str) -> None:
        self._cluster = cluster
        self.deployment = deployment
        self.namespace = cluster.namespace

    def read(self) -> LeaseState:
        """Return the Lease as it stands. Raises LeaseDamaged where it says nothing that can be understood."""
        found = self._cluster.lease(self.deployment, timeout_seconds=REQUEST_SECONDS)
        if found is None:
            return LeaseState(Term(), None)
        given = {key: value for key, value in (found.get("spec") or {}).items() if value is not None}
        try:
            return LeaseState(Term.model_validate(given), found["metadata"]["resourceVersion"])
        except ValueError as error:
            raise LeaseDamaged(
                f"Lease {self.deployment} in {self.namespace} does not say who holds the release (its spec is not as"
                f" this program writes it; leaseDurationSeconds may be 1 to {LONGEST_DURATION_SECONDS})",
                mend=f"see that no release runs, then: kubectl -n {self.namespace} delete lease {self.deployment}",
            ) from error

    def take(self, found: LeaseState, holder: str, duration_seconds: int, at: datetime) -> LeaseState | None:
        """Make `holder` the holder in place of the one that was `found`; None where somebody else wrote meanwhile."""
        return self._write(taken(found, holder, duration_seconds, at), found.version)

    def renew(self, held: LeaseState, at: datetime) -> LeaseState | None:
        """Give a sign of life; None where the Lease is no longer as it was `held`."""
        return self._write(held.term.model_copy(update={"renewed_at": at}), held.version)

    def give_back(self, held: LeaseState, at: datetime) -> LeaseState | None:
        """Leave the release to whoever comes next; None where the Lease is no longer as it was `held`."""
        return self._write(held.term.model_copy(update={"holder": "", "renewed_at": at}), held.version)

    def _write(self, term: Term, version: str | None) -> LeaseState | None:
        written = self._cluster.write_lease(
            self.deployment, _spec(term), resource_version=version, timeout_seconds=REQUEST_SECONDS
        )
        return None if written is None else LeaseState(term, written)


def taken(found: LeaseState, holder: str, duration_seconds: int, at: datetime) -> Term:
    """Return what the Lease says once `holder` has taken it."""
    return Term(
        holder=holder, duration_seconds=duration_seconds, acquired_at=at, renewed_at=at, token=found.term.token + 1
    )


def _spec(term: Term) -> JsonObject:
    spec: JsonObject = {
        "holderIdentity": term.holder,
        "leaseDurationSeconds": term.duration_seconds,
        "leaseTransitions": term.token,
    }
    for key, moment in (("acquireTime", term.acquired_at), ("renewTime", term.renewed_at)):
        if moment is not None:
            spec[key] = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return spec
