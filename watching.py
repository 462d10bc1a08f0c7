"""How a stack's release is watched: its settings, turned into the plan of the watch, for the update and for the Job."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.waiting import Clock, Reporter
from cluster.api import Cluster
from cluster.errors import ClusterError, GateFailed
from cluster.lease.holding import Holding
from cluster.names import Names
from cluster.release import release_in
from cluster.standing import Standing
from cluster.watch.record import is_settled
from cluster.watch.state import End, WatchState
from components.engine import engine_is_alive
from components.gate import Record
from components.watch import JobPlan, WatchArgs, labels_of
from concerns.contacts import whom_to_tell
from concerns.limits import limits_of
from evidence.errors import EvidenceError
from evidence.registry import Registry
from settings import Settings
from watch.assembling import Assembly
from watch.plan import WatchPlan

KEY_LENGTH = 10
BUILD = "make watch-image"


@dataclass(frozen=True)
class WatchFound:
    """What is known of the watch before anything is begun: the Job's image by digest, and whether it stays as it is."""

    image: str
    settled: bool


@dataclass(frozen=True)
class Watching:
    """The watch of one stack. `records` are those of the gates, which a rollback puts back.

    `cluster` connects to the stack's cluster; `registry` gives the registry of a repository, which is asked for the
    digest of the Job's image. For a watch in the update itself `give_back` leaves the release to whoever comes, and
    `wanted` says whether anybody still waits for it.
    """

    settings: Settings
    names: Names
    records: tuple[str, ...]
    cluster: Callable[[], Cluster]
    registry: Callable[[str], Registry]
    give_back: Callable[[], None]
    wanted: Callable[[], bool] = engine_is_alive
    clock: Clock = field(default_factory=Clock)

    def plan(self, record: Mapping[str, str], *, by_job: bool = False) -> WatchPlan:
        """Return what the watch of the release that the record names is to do; `by_job` with what its pod can reach.

        Raises ClusterError where a certificate authority cannot be read.
        """
        settings, release = self.settings, release_in(record)
        watch, health, job = settings.watch, settings.health, settings.watch.job
        prometheus = settings.prometheus
        if prometheus is None:
            message = f"watch.mode '{watch.mode}' needs a Prometheus"
            raise ValueError(message)
        url, store = prometheus.url, settings.log_store
        store_url = "" if store is None else store.url
        if by_job and job is not None:
            url = job.prometheus_url or url
            health = health.model_copy(update={"url": job.health_url or health.url, "connect_to": job.connect_to})
            store_url = job.log_store_url or store_url
        return WatchPlan(
            key=watch_key(record),
            stack=settings.environment,
            namespace=settings.cluster.namespace,
            weighted=self.names.weighted,
            release=release,
            records=self.records,
            application=settings.application,
            rollout=settings.rollout,
            health=health,
            health_timeout_seconds=settings.verification.health_timeout_seconds,
            health_trust=_text("health.ca_file", health.ca_file),
            prometheus_url=str(url),
            prometheus_timeout_seconds=prometheus.timeout_seconds,
            limits=limits_of(settings.analysis, settings.monitoring),
            log_store=store,
            log_store_url=str(store_url),
            log_store_trust="" if store is None else _text("log_store.ca_file", store.ca_file),
            watch=watch,
            notify=settings.notify,
            contacts=settings.contacts,
        )

    def job_plan(self, record: Mapping[str, str]) -> JobPlan:
        """Return what the Job of the release that the record names is given. Raises ClusterError."""
        plan = self.plan(record, by_job=True)
        return JobPlan(plan.key, plan.text(), plan.secrets())

    def image(self, *, settled: bool) -> str:
        """Return the Job's image by digest. Raises EvidenceError where the registry does not have it.

        Where the watch stays as it is (`settled`) the image of the Job that is there will do: its own may be long gone.
        """
        job = self.settings.watch.job
        if job is None or self.settings.watch.mode != "job":
            return ""
        if "@sha256:" in job.image:
            return job.image
        repository, _, tag = job.image.rpartition(":")
        try:
            with self.registry(repository) as registry:
                digest = registry.digest(tag)
        except EvidenceError:
            if not settled:
                raise
            digest = None
        if digest is not None:
            return f"{repository}@{digest}"
        standing = self._standing_image() if settled else ""
        if not standing:
            raise EvidenceError(
                f"the registry has no image {job.image} (watch.job.image), which watches the release; build and push"
                f" it with: {BUILD} IMAGE={job.image}"
            )
        return standing

    def _standing_image(self) -> str:
        wanted = labels_of(self.names.deployment).items()
        for job in self.cluster().objects("apis/batch/v1", "jobs"):
            if wanted <= (job["metadata"].get("labels") or {}).items():
                return str(job["spec"]["template"]["spec"]["containers"][0]["image"])
        return ""

    def look_at(self, standing: Standing, asked: Mapping[str, str]) -> WatchFound:
        """Return what is known before anything of the release `asked` (see Gates.release_of) is begun.

        The watch stays as it is where that release serves and was watched, or another one was left for it. Raises
        EvidenceError, ClusterError or Unreachable.
        """
        if self.settings.watch.mode == "off":
            return WatchFound("", settled=False)
        settled = standing.gone_back or is_settled(self.cluster(), self.names, asked)
        return WatchFound(self.image(settled=settled), settled)

    def args(self, record: Record, found: WatchFound) -> WatchArgs:
        """Return what the watch of the release that the record names is declared with."""
        return WatchArgs(self.settings, record, self.watched, self.job_plan, found.image, found.settled)

    def watched(self, record: Mapping[str, str], reporter: Reporter) -> None:
        """Watch, in this update, the release that the record names. The last gate of an update.

        Nobody holds the release meanwhile, so that a person may go back; only a rollback takes it. Raises GateFailed
        where the release was not seen to be good to the end; ClusterError or Unreachable where it cannot be watched.
        """
        plan = self.plan(record)
        self.give_back()
        assembly = Assembly(
            plan=plan,
            cluster=self.cluster(),
            reporter=reporter,
            holding=lambda: Holding(plan.purpose, alive=engine_is_alive),
            clock=self.clock,
            wanted=self.wanted,
        )
        state = assembly.run()
        if state.end is not End.WATCHED:
            raise GateFailed(f"{told(state, plan)}{whom_to_tell(self.settings.contacts)}")


def watch_key(record: Mapping[str, str]) -> str:
    """Return ten hexadecimal digits that name one attempt of a release: another once it was taken back."""
    text = f"{release_in(record).identity}\n{record.get('from', '')}"
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def told(state: WatchState, plan: WatchPlan) -> str:
    """Return what a person reads at the end of an update whose release was not good for all of its watch."""
    where, version, stack = plan.namespace, state.version, f"STACK={plan.stack}"
    if state.end is End.TAKEN_BACK:
        return (
            f"release {version} was taken back in {where}: watch: {state.cause}. {state.reason}; mend the release and"
            " run the same command"
        )
    if state.end is End.STAYED:
        return (
            f"release {version} is bad and still serves in {where}: watch: {state.cause}. {state.reason}. Look at it:"
            f" make history {stack}; to go back: make rollback {stack}"
        )
    if state.end is End.REPLACED:
        return f"release {version} is not watched to the end in {where}: {state.reason}"
    return (
        f"release {version} is verified and serves in {where}, but was not seen for all of its watch: {state.reason}."
        " Nothing was taken back; see that what gave no answer does, and run the same command, which watches again"
    )


def _text(key: str, file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).expanduser().read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"{key} {file} cannot be read as certificates ({type(error).__name__})",
            mend=f"set {key} to a PEM file, or leave it out",
        ) from error
