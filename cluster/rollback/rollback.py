"""Going back to a verified release: the one way of every gate that fails, and of a person who asks for it.

Every step looks at what is there before it changes anything. So a rollback that was killed half-way and is run again
ends as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from checks.health import HealthCheck
from checks.reader import Unreachable
from checks.verdict import Kind
from checks.waiting import Clock, Reporter
from cluster.adoption.standing_by_hand import with_labels
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.names import SERVING, Names
from cluster.release import Release
from cluster.releases import VerifiedRelease
from cluster.rollback.going_back import GoingBack
from cluster.rollback.outcome import Outcome
from cluster.rollback.pod_template import Template, what_runs
from cluster.rollback.records import forget, put_back
from cluster.rollback.service_pods import ServicePods
from cluster.rollback.way_back import contract_since


@dataclass(frozen=True)
class Rollback:
    """Takes the pods, the configuration and the records of one application back to a verified release.

    `records` are the names of the gates' records, those of the steps among them. Stable must be whole again within
    `timeout_seconds`. A pod is taken out of the Service only while `least_serving_share` (0 to 1) of stable's replicas
    stay ready in it. `replicas` is how many stable is to have again where its canary took some of them; None leaves
    their number alone. Deliberately leaves the database alone: a migration suits the version before it, or there is
    no way back.
    """

    cluster: Cluster
    names: Names
    records: tuple[str, ...]
    health: HealthCheck
    timeout_seconds: float
    reporter: Reporter
    clock: Clock
    least_serving_share: float = 0.5
    replicas: int | None = None

    def run(self, left: Release | None, to: VerifiedRelease | None, *, cause: str = "") -> Outcome:
        """Leave release `left` for `to`; None for `to` means that nothing was ever verified here.

        Where the way back is unsafe nothing at all is moved: the old pods may break on the new schema, and nobody but
        a person can weigh that against the release that is failing. Raises only what says that this run may change
        nothing any more (GateFailed); everything else that goes wrong stands in the outcome.
        """
        if to is None:
            return self._without_a_way_back(left)
        name = to.release.version if left is None else to.release.told_apart_from(left)
        why = self._unsafe(to)
        if why is not None:
            return Outcome(
                Kind.FAIL,
                f"There is no way back to {name}: {why}. Nothing was moved; mend it with a newer release, or, if you"
                f" know that {name} can live with it: {undo_command(self.cluster.namespace, self.names.deployment)}",
                moved=False,
            )
        self.reporter.line(f"rollback: going back to {name}{f' ({cause})' if cause else ''}")
        records_back = partial(put_back, self.cluster, self.names, to, self.records)
        return self._going(name, to.release.version, to.template, records_back).run()

    def _going(self, name: str, version: str, template: Template, records_back: Callable[[], int]) -> GoingBack:
        selects = self._selects_serving()
        # A pod without the label would be outside such a Service.
        wanted = with_labels(template, SERVING) if selects else dict(template)
        return GoingBack(
            cluster=self.cluster,
            names=self.names,
            health=self.health,
            timeout_seconds=self.timeout_seconds,
            reporter=self.reporter,
            clock=self.clock,
            pods=self._pods,
            replicas=self.replicas,
            name=name,
            version=version,
            wanted=wanted,
            selects=selects,
            records_back=records_back,
        )

    @property
    def _pods(self) -> ServicePods:
        return ServicePods(self.cluster, self.names, self.least_serving_share)

    def _unsafe(self, to: VerifiedRelease) -> str | None:
        try:
            return contract_since(self.cluster, self.names.deployment, to)
        except (ClusterError, Unreachable) as error:
            # A record that cannot be read must not keep a bad release in front of the users.
            self.reporter.line(f"rollback: whether a migration stands in the way cannot be read: {error}")
            return None

    def _selects_serving(self) -> bool:
        try:
            return self._pods.selects_serving()
        except (ClusterError, Unreachable):
            # As every Service of this project does; if it does not, the look behind it at the end will tell.
            return True

    def _without_a_way_back(self, left: Release | None) -> Outcome:
        nothing = "It is the first release here, so there is nothing to go back to"
        if left is None:
            nothing = "No release was ever verified here, so there is nothing to go back to"
        try:
            stable = self._other_release_on_stable()
            if stable is None:
                return Outcome(Kind.NO_DATA, f"{nothing}; its pods were left for inspection", moved=False)
            records_back = partial(forget, self.cluster, self._step_records)
            going = self._going("the version before", "", stable, records_back)
        except (ClusterError, Unreachable) as error:
            return Outcome(Kind.UNREACHABLE, f"{nothing}; what stands there cannot be read: {error}", moved=False)
        going.give_up_canary()
        if going.undone:
            reason = f"{nothing}; its canary could not be taken away: {'; '.join(going.undone)}"
            return Outcome(Kind.UNREACHABLE, reason, moved=False, undone=going.undone)
        reason = f"{nothing}; its canary was taken away, and the pods that stood here before it serve"
        return Outcome(Kind.NO_DATA, reason, moved=True, off_seconds=going.off_seconds)

    def _other_release_on_stable(self) -> Template | None:
        """Return stable's template where it is not the canary's release and its pods serve."""
        canary = self.cluster.deployment_template(self.names.canary)
        stable = self.cluster.deployment_template(self.names.deployment)
        if canary is None or stable is None or what_runs(canary) == what_runs(stable):
            return None
        return stable if any(pod.ready for pod in self._pods.look(stable).good) else None

    @property
    def _step_records(self) -> list[str]:
        return [name for name in self.records if name.startswith(self.names.record("step-"))]


def undo_command(namespace: str, deployment: str) -> str:
    """Return the guide's command that goes back one revision by hand."""
    return f"kubectl -n {namespace} rollout undo deployment/{deployment}"
