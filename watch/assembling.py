"""The watch of one release, put together from its plan; the same for a Job and for an update that watches itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import httpx

from checks.reader import Unreachable
from checks.waiting import Clock, Reporter
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.lease.holding import Holding
from cluster.rollback.configured import configured_rollback
from cluster.rollback.rollback import Rollback
from cluster.trust import trust_in
from cluster.watch.attempt import WatchedAttempt
from cluster.watch.ending import Ending
from cluster.watch.record import WatchRecord
from cluster.watch.serving import Serving
from cluster.watch.state import End, WatchState
from cluster.watch.taking_back import BY, TakingBack
from cluster.watch.watch import Watch, WatchTimes
from notify.channel import Addressee
from notify.channels import addressees
from notify.escalating import Escalating
from notify.message import Place
from notify.telling import Telling
from watch.instruments import ClientOf, Opening, client_of
from watch.plan import WatchPlan

ESCALATED_EVERY_SECONDS = 30.0
# After the last thing is due, for it to be done and seen.
ESCALATION_SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class Assembly:
    """Puts the watch of `plan` together and lets it run. `holding` gives what takes the release for a rollback.

    `wanted` says whether anybody still waits for the watch.
    """

    plan: WatchPlan
    cluster: Cluster
    reporter: Reporter
    holding: Callable[[], Holding]
    clock: Clock = field(default_factory=Clock)
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    client: ClientOf = client_of
    transport: httpx.BaseTransport | None = None
    wanted: Callable[[], bool] = lambda: True

    def run(self) -> WatchState:
        """Watch to the end, and return how it ended.

        Raises GateFailed where it is not wanted any more, and ClusterError or Unreachable where it cannot begin.
        """
        try:
            return self.watch().run()
        finally:
            self.telling.flush(self.reporter)

    def escalate(self, state: WatchState) -> None:
        """Stay with a release that was bad until somebody has taken the problem on, or all was done that is due."""
        if state.end not in {End.TAKEN_BACK, End.STAYED}:
            return
        settings = self.plan.notify.escalation
        escalating = Escalating(
            place=self._place,
            record=self.attempt,
            addressees=self._addressees(),
            reporter=self.reporter,
            critical_hurt=settings.critical_hurt_requests,
            acknowledge_within=timedelta(minutes=settings.acknowledge_minutes),
            wall_clock=self.wall_clock,
        )
        until = self.wall_clock() + timedelta(minutes=settings.acknowledge_minutes) + ESCALATION_SLACK
        while self.wall_clock() < until:
            try:
                self.attempt.find_number()
                if escalating.look() is None:
                    return
            except (ClusterError, Unreachable) as error:
                self.reporter.line(f"escalation: {error}")
            self.clock.sleep(ESCALATED_EVERY_SECONDS)

    def watch(self) -> Watch:
        """Return the watch."""
        plan = self.plan
        opening = Opening(plan, self.cluster, self._deployed_at, self.clock, self.wall_clock, self.client)
        taking_back = TakingBack(
            release=plan.release,
            rollback=self.rollback,
            automatic=plan.rollout.automatic,
            reporter=self.reporter,
            clock=self.clock,
            wall_clock=self.wall_clock,
        )
        return Watch(
            key=plan.key,
            times=WatchTimes(plan.watch.minutes, plan.watch.look_seconds, plan.watch.blind_minutes),
            serving=Serving(self.cluster, plan.names, plan.release, self.clock),
            instruments=opening.open,
            taking_back=taking_back,
            record=WatchRecord(self.cluster, plan.names),
            ending=Ending(plan.key, self.attempt, lambda: self.telling.flush(self.reporter)),
            reporter=self.reporter,
            clock=self.clock,
            wall_clock=self.wall_clock,
            wanted=self.wanted,
        )

    @contextmanager
    def rollback(self) -> Iterator[Rollback]:
        """Give what takes the release back, with the release held until the body ends."""
        plan, holding = self.plan, self.holding()
        try:
            held = holding.take(self.cluster, plan.names.deployment, self.reporter)
            with self.client(trust_in(plan.health_trust), {}) as client:
                yield configured_rollback(
                    held,
                    plan.names,
                    plan.records,
                    health=plan.health,
                    health_timeout_seconds=plan.health_timeout_seconds,
                    rollout=plan.rollout,
                    client=client,
                    reporter=self.reporter,
                    clock=self.clock,
                    wall_clock=self.wall_clock,
                )
        finally:
            holding.release()

    @cached_property
    def attempt(self) -> WatchedAttempt:
        """The record of the attempt that is watched."""
        return WatchedAttempt(
            self.cluster,
            self.plan.names.deployment,
            self.plan.release,
            self.reporter,
            by=BY,
            wall_clock=self.wall_clock,
            listeners=(self.telling.hear,),
        )

    @cached_property
    def telling(self) -> Telling:
        """Tells people what the watch adds to the record."""
        critical = self.plan.notify.escalation.critical_hurt_requests
        return Telling(self._place, self._addressees, critical_hurt=critical, wall_clock=self.wall_clock)

    @property
    def _place(self) -> Place:
        return Place(self.plan.stack, self.plan.namespace, self.plan.names.deployment)

    def _addressees(self) -> tuple[Addressee, ...]:
        plan = self.plan
        return addressees(
            plan.notify, plan.contacts, lambda: trust_in(plan.health_trust), self.clock, transport=self.transport
        )

    def _deployed_at(self) -> datetime:
        try:
            return self.attempt.started_at() or self.wall_clock()
        except (ClusterError, Unreachable) as error:
            self.reporter.line(
                f"watch: when the release was begun is not known, logs and alerts count from now: {error}"
            )
            return self.wall_clock()
