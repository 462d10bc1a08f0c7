"""Taking over a Deployment whose pods are not labelled as a release needs them, without moving a pod.

A Deployment can never change the labels that it selects by. So one that was made by hand is deleted without its
ReplicaSets and pods, and made anew: with our selector and with the template of its ReplicaSet, so that the cluster
takes that ReplicaSet for the current one. A stack of this project only misses labels and keeps its Deployment. In both
cases the Deployment is paused until the cluster has seen that template and ReplicaSet are the same: a paused Deployment
starts no pod. The record is written first, and every step can be repeated, so that the next run goes on after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.adoption.notes import AUTOSCALING, POLICY, notes
from cluster.adoption.plan import adoption_for, adoption_of, what_is_due
from cluster.adoption.record import Adoption, AdoptionRecord
from cluster.adoption.refusals import NETWORKING, Traffic, refuse_what_cannot_be_kept, refuse_what_moves
from cluster.adoption.standing_by_hand import (
    APPS,
    CORE,
    Found,
    find,
    fixed_labels,
    labels_to_add,
    lacks_serving,
    name_of,
    owner,
)
from cluster.api import Cluster, JsonObject
from cluster.errors import ClusterError, GateFailed
from cluster.names import Names
from cluster.ownership import handed_over
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases

CONFIGURATION = "adopted"
INTERVAL_SECONDS = 0.1
ATTEMPTS = 5


@dataclass(frozen=True)
class Adopting:
    """Takes over what stands under the name of the Deployment. `timeout_seconds` bounds each wait for the cluster."""

    cluster: Cluster
    names: Names
    traffic: Traffic
    timeout_seconds: float = 60.0
    clock: Clock = field(default_factory=Clock)
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def look(self) -> str | None:
        """Return what `adoption_of` does; changes nothing.

        Raises ClusterError where what stands there cannot be taken over, Unreachable where nothing answers.
        """
        found = find(self.cluster, self.names)
        if found is not None and what_is_due(found) is not None and (found.by_hand or self._unfinished() is None):
            self._refuse(found)
        return adoption_of(self.cluster, self.names)

    def run(self, reporter: Reporter) -> None:
        """Return when there is nothing to take over, or when it has been taken over.

        Has to run before the Service, the Ingress and the Deployments of the release are changed. Raises ClusterError
        before anything is changed, GateFailed where the cluster did not follow; the same command goes on then.
        """
        started = self.clock.now()
        unfinished = self._unfinished()
        found = find(self.cluster, self.names)
        if unfinished is not None and found is None and not self._left_behind(unfinished):
            reporter.line(f"adoption: nothing is left of what was to be taken over: {unfinished.what}")
            self._records.write(unfinished.model_copy(update={"done": True}))
            return
        if unfinished is None and (found is None or what_is_due(found) is None):
            return
        if unfinished is not None and (found is None or not found.by_hand):
            reporter.line(f"adoption: goes on where it stopped: {unfinished.what}")
            adoption = unfinished
        else:
            adoption = self._begin(reporter)
        if adoption.by_hand:
            self._make_anew(adoption)
        else:
            self._pause(reporter)
        self._wait(lambda: self._same(adoption, paused=True), "the cluster to recognise the pods", reporter)
        self._label_pods()
        self.cluster.change(APPS, "deployments", self.names.deployment, {"spec": {"paused": None}})
        self._wait(lambda: self._same(adoption, paused=False), "the Deployment to go on", reporter)
        self._write_releases(adoption)
        self._hand_over(adoption)
        self._records.write(adoption.model_copy(update={"done": True}))
        seconds = self.clock.now() - started
        reporter.line(f"adoption: done in {seconds:.1f} s: {self._who_serves(adoption)}")

    @property
    def _records(self) -> AdoptionRecord:
        return AdoptionRecord(self.cluster, self.names)

    def _unfinished(self) -> Adoption | None:
        record = self._records.read()
        return record if record is not None and not record.done else None

    def _left_behind(self, adoption: Adoption) -> bool:
        """Tell whether a Deployment that was deleted to be made anew has left its ReplicaSets."""
        there = {name_of(each) for each in self.cluster.objects(APPS, "replicasets")}
        return adoption.by_hand and not there.isdisjoint(adoption.replica_sets)

    def _refuse(self, found: Found) -> None:
        refuse_what_moves(found)
        if found.by_hand:
            refuse_what_cannot_be_kept(self.cluster, found, self.traffic)

    def _begin(self, reporter: Reporter) -> Adoption:
        """Write down what is wanted and, where it was made by hand, delete the Deployment alone."""
        told_already = False
        for _ in range(ATTEMPTS):
            found = find(self.cluster, self.names)
            if found is None:
                raise ClusterError(f"Deployment {self.names.deployment} is gone", mend="run the same command again")
            self._refuse(found)
            adoption = adoption_for(found)
            if not told_already:
                reporter.line(f"adoption: {adoption.what}")
                for note in notes(self.cluster, found, self.traffic.host):
                    reporter.line(f"adoption: {note}")
                told_already = True
            self._records.write(adoption)
            version = found.deployment["metadata"]["resourceVersion"]
            if not found.by_hand or self.cluster.delete_leaving_pods(
                self.names.deployment, uid=found.uid, resource_version=version
            ):
                return adoption
        raise ClusterError(
            f"Deployment {self.names.deployment} was changed by somebody else {ATTEMPTS} times in a row",
            mend="wait until nobody changes it and run the same command again",
        )

    def _make_anew(self, adoption: Adoption) -> None:
        self._wait(lambda: self._gone(adoption), "the old Deployment to leave its pods")
        self._label_replica_sets(adoption)
        self.cluster.create(APPS, "deployments", adoption.wanted)

    def _pause(self, reporter: Reporter) -> None:
        name = self.names.deployment
        self.cluster.change(APPS, "deployments", name, {"spec": {"paused": True}})
        self._wait(self._observed, "the Deployment to pause", reporter)
        found = self._found()
        for each in found.replica_sets:
            self._label_replica_set(each)
        labels = labels_to_add(found.template, self.names)
        patch = {"spec": {"template": {"metadata": {"labels": labels}}}}
        self.cluster.change(APPS, "deployments", name, patch)

    def _label_replica_sets(self, adoption: Adoption) -> None:
        for each in self.cluster.objects(APPS, "replicasets"):
            if name_of(each) in adoption.replica_sets:
                self._label_replica_set(each)

    def _label_replica_set(self, replica_set: JsonObject) -> None:
        labels = labels_to_add(replica_set["spec"]["template"], self.names)
        metadata = {"metadata": {"labels": labels}}
        self.cluster.change(APPS, "replicasets", name_of(replica_set), {**metadata, "spec": {"template": metadata}})

    def _label_pods(self) -> None:
        found = self._found()
        templates = {each["metadata"]["uid"]: each["spec"]["template"] for each in found.replica_sets}
        for pod in found.pods:
            if lacks_serving(pod):
                self.cluster.label_pod(name_of(pod), labels_to_add(templates[owner(pod)], self.names))

    def _write_releases(self, adoption: Adoption) -> None:
        releases = VerifiedReleases(self.cluster, self.names.deployment)
        releases.label(fixed_labels(self.names))
        if adoption.by_hand and releases.last() is None:
            release = Release(version=adoption.version, image=adoption.image, configuration=CONFIGURATION, revision="")
            template = self._found().template
            releases.add(
                VerifiedRelease(
                    release=release, verified_at=self.wall_clock(), template=template, records={}, adopted=True
                )
            )

    def _hand_over(self, adoption: Adoption) -> None:
        """Let the engine own the spec of what it replaces, and kubectl nothing that the plug-in would take off."""
        if not adoption.by_hand:
            return
        for group, kind, whole_spec in (
            (APPS, "deployments", True),
            (POLICY, "poddisruptionbudgets", True),
            (AUTOSCALING, "horizontalpodautoscalers", True),
            (CORE, "services", False),
            (NETWORKING, "ingresses", False),
        ):
            for _ in range(ATTEMPTS):
                live = self.cluster.get(group, kind, self.names.deployment)
                patch = [] if live is None else handed_over(live, whole_spec=whole_spec)
                if not patch or self.cluster.change_exactly(group, kind, self.names.deployment, patch):
                    break
            else:
                raise ClusterError(
                    f"{kind}/{self.names.deployment} was changed by somebody else {ATTEMPTS} times in a row",
                    mend="run the same command again",
                )

    def _gone(self, adoption: Adoption) -> Verdict:
        found = self.cluster.get(APPS, "deployments", self.names.deployment)
        if found is None or found["metadata"]["uid"] != adoption.uid:
            return Verdict(Kind.PASS, "it is gone")
        return Verdict(Kind.TOO_FEW, "the cluster still takes its ReplicaSets from it")

    def _observed(self) -> Verdict:
        deployment = self._found().deployment
        seen = deployment.get("status", {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        return Verdict(Kind.PASS, "seen") if seen else Verdict(Kind.NO_DATA, "the cluster has not looked at it yet")

    def _same(self, adoption: Adoption, *, paused: bool) -> Verdict:
        """Tell whether the Deployment runs the ReplicaSets that there were, and no other."""
        if self._observed().kind is not Kind.PASS:
            return self._observed()
        found = self._found()
        new = [name_of(each) for each in found.replica_sets if name_of(each) not in adoption.replica_sets]
        if new:
            return Verdict(Kind.FAIL, f"the cluster has started ReplicaSet {new[0]} beside the one that there was")
        wanted = found.deployment["spec"].get("replicas", 1)
        status = found.deployment.get("status", {})
        known, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
        if known != wanted or total != wanted or (paused and not found.replica_sets):
            return Verdict(Kind.TOO_FEW, f"the Deployment knows {known} of {wanted} pods as its own")
        return Verdict(Kind.PASS, f"the Deployment knows its {wanted} pods")

    def _wait(self, look: Callable[[], Verdict], what: str, reporter: Reporter | None = None) -> None:
        verdict = wait_for_verdict(
            look,
            waiting_for=f"adoption: {what}",
            timeout_seconds=self.timeout_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=reporter or Reporter(line=lambda _text: None),
            clock=self.clock,
        )
        if verdict.kind is not Kind.PASS:
            name, where = self.names.deployment, self.cluster.namespace
            raise GateFailed(
                f"Deployment {name} in {where} is not taken over yet: waited for {what}: {verdict}. Its pods go on"
                f" serving, and nothing else was changed; the same command goes on. By hand: kubectl -n {where}"
                f" describe deployment {name}"
            )

    def _found(self) -> Found:
        found = find(self.cluster, self.names)
        if found is None:
            raise ClusterError(f"Deployment {self.names.deployment} is gone", mend="run the same command again")
        return found

    def _who_serves(self, adoption: Adoption) -> str:
        now = {name_of(pod): pod["metadata"]["uid"] for pod in self._found().pods}
        same = sum(now.get(name) == uid for name, uid in adoption.pods.items())
        back = f"; a rollback goes back to {adoption.version}" if adoption.by_hand else ""
        return f"{same} of {len(adoption.pods)} pods go on serving as they are{back}"
