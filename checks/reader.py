"""How the checks read a cluster, whoever talks to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from checks.objects import Deployment, Event, Job, Pod


class ClusterReader(Protocol):
    """Reads of one namespace. Every method may raise checks.reader.Unreachable."""

    def deployment(self, name: str) -> Deployment | None:
        """Return the Deployment, or None where there is none."""

    def replica_sets(self, selector: str) -> Sequence[Deployment]:
        """Return the ReplicaSets that the label selector matches."""

    def job(self, name: str) -> Job | None:
        """Return the Job, or None where there is none."""

    def pods(self, selector: str) -> Sequence[Pod]:
        """Return the pods that the label selector matches."""

    def events(self, name: str) -> Sequence[Event]:
        """Return the events about the object called `name`, oldest first."""

    def logs(self, pod: str, *, lines: int, previous: bool = False) -> list[str]:
        """Return the last log lines of the pod (of its previous container where asked), or none."""


class MetricsReader(ClusterReader, Protocol):
    """A ClusterReader that reads what the pods say about themselves, too. Used from several threads at once."""

    def pod_metrics(self, name: str, port: int, *, timeout_seconds: float) -> str | None:
        """Return the text of the pod's own /metrics, or None where the pod (or the page) is gone."""


class Unreachable(Exception):  # noqa: N818  (it names a state, as the verdict of that name does)
    """What was asked gave no answer: no connection, a time-out, or an error of the server itself."""
