"""Goes back to a verified release by hand: the same rollback as that of a gate that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from checks.reader import Unreachable
from checks.verdict import Kind
from cluster.errors import ClusterError, GateFailed
from cluster.history.entry import RecordFullError
from cluster.history.history import FINISHED, OPEN, History
from cluster.releases import VerifiedRelease, VerifiedReleases, serving_release
from cluster.rollback.outcome import Outcome
from cluster.rollback.pod_template import as_canary, is_as
from cluster.rollback.record import GoingBackRecord
from cluster.rollback.rollback import Rollback
from cluster.rollback.service_pods import ServicePods


@dataclass(frozen=True)
class Plan:
    """From what, to what, and why to just this one. `serving` is None where stable runs what was never verified."""

    serving: VerifiedRelease | None
    to: VerifiedRelease
    why: str

    def lines(self, stack: str, by: str) -> list[str]:
        """Return the plan as a person reads it."""
        release = self.to.release
        serving = "a release that was never verified" if self.serving is None else named(self.serving)
        return [
            f"rollback of {stack} by {by}",
            f"  serves now     {serving}",
            f"  goes back to   {named(self.to)}: {self.why}",
            f"  image          {release.image}",
            f"  configuration  {release.configuration}, in the pod template, so it goes back too",
            "  database       stays as it is",
        ]


def rollback(back: Rollback, *, stack: str, to: str | None, by: str, wall_clock: Callable[[], datetime]) -> list[str]:
    """Go back to version `to`, or to what a person means who names none, and return what is read at the end.

    Raises ClusterError or Unreachable where nothing was changed, and GateFailed where it did not end well.
    """
    releases = VerifiedReleases(back.cluster, back.names.deployment)
    intention = GoingBackRecord(back.cluster, back.names)
    plan = choose(back, releases, intention, to)
    for line in plan.lines(stack, by):
        back.reporter.line(line)
    intention.begin(plan.to, by, wall_clock())
    left = plan.serving if plan.serving is not None and plan.serving.release != plan.to.release else None
    outcome = back.run(left.release if left else None, plan.to, cause=f"by hand, by {by}")
    if outcome.moved:
        releases.return_to(plan.to)
    _note(back, plan, outcome, by, wall_clock)
    if outcome.kind is Kind.FAIL and not outcome.moved:
        intention.end()
        raise GateFailed(outcome.reason)
    if outcome.kind is not Kind.PASS:
        raise GateFailed(f"{outcome.reason}. To go on with it: make rollback STACK={stack}")
    intention.end()
    version = plan.to.release.version
    shown = f"`pulumi preview` of {version} shows no change; of any other version it shows the whole release"
    return [outcome.reason, f"next: {shown}, which is measured anew"]


def choose(back: Rollback, releases: VerifiedReleases, intention: GoingBackRecord, to: str | None) -> Plan:
    """Return what to go back to. Raises ClusterError with the list of releases where that cannot be told."""
    known = releases.read()
    if not known:
        raise ClusterError("no release was ever verified here, so there is nothing to go back to")
    serving = serving_release(back.cluster, back.names.deployment)
    if to is not None:
        named_one = next((each for each in known if to in {each.release.version, each.release.identity}), None)
        if named_one is None:
            raise ClusterError(f"'{to[:80]}' is none of the verified releases, which are:\n{table(known)}")
        return Plan(serving, named_one, "as you named it")
    begun = intention.unfinished(known)
    if begun is not None:
        return Plan(serving, begun, "a rollback to it was begun and did not end")
    if serving is None:
        last = releases.last()
        if last is None:
            raise ClusterError(f"each verified release has been left; name one with TO=<version>:\n{table(known)}")
        return Plan(None, last, "the last verified release")
    if not _rests(back, serving):
        return Plan(serving, serving, "stable runs it, and another release is half-way")
    before = releases.before(serving.release)
    if before is None:
        raise ClusterError(
            f"{serving.release.version} serves, and no verified release before it is on record; there are:"
            f"\n{table(known)}",
            mend="name the one that is meant: TO=<version>",
        )
    return Plan(serving, before, "the last verified release before the one that serves")


def _rests(back: Rollback, serving: VerifiedRelease) -> bool:
    """Whether all pods run what stable is told to run, and its canary waits at 0 with the same template."""
    cluster, names = back.cluster, back.names
    if ServicePods(cluster, names, back.least_serving_share).look(serving.template).bad:
        return False
    canary, stable = cluster.deployment(names.canary), cluster.deployment_template(names.deployment)
    template = cluster.deployment_template(names.canary)
    if canary is None or stable is None or template is None:
        return True
    return canary.spec.replicas == 0 and is_as(template, as_canary(stable))


def _note(back: Rollback, plan: Plan, outcome: Outcome, by: str, wall_clock: Callable[[], datetime]) -> None:
    """Add to the record of the last attempt that somebody went back. Only tells where that cannot be written."""
    history = History(back.cluster, back.names.deployment)
    cause = f"taken back by hand, by {by}, to {plan.to.release.version}"
    try:
        attempts = history.read()
        if not attempts:
            return
        last = attempts[0]
        facts = {"by": by, "to": plan.to.release.version, "outcome": str(outcome), "seconds": outcome.whole_seconds}
        history.add(last.number, "rollback", wall_clock(), {"cause": cause, **facts})
        if last.outcome == OPEN:
            history.add(last.number, FINISHED, wall_clock(), {"outcome": "failed", "cause": cause})
    except (ClusterError, Unreachable) as error:
        back.reporter.line(f"history: the rollback is not recorded: {error}")
    except RecordFullError:
        back.reporter.line("history: the rollback is not recorded: its record has no room left")


def named(release: VerifiedRelease) -> str:
    """Return the version, and since when it counts as verified."""
    word = "taken over" if release.adopted else "verified"
    return f"{release.release.version} ({word} {release.verified_at:%Y-%m-%d %H:%M:%S %Z})"


def table(releases: Sequence[VerifiedRelease]) -> str:
    """Return the verified releases, newest first, one a line."""
    width = max(len(each.release.version) for each in releases)
    return "\n".join(
        f"  {each.release.version:<{width}}  {each.release.identity}  {each.verified_at:%Y-%m-%d %H:%M:%S %Z}"
        f"{'  left' if each.left else ''}"
        for each in releases
    )
