"""One look at a problem that goes on after the update has ended: who has taken it on, and what is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from checks.waiting import Reporter
from cluster.history.history import Attempt
from notify.channel import Addressee, Memory, Record, deliver
from notify.escalation import (
    ACKNOWLEDGED,
    Acknowledgement,
    Action,
    acknowledgements_in,
    actions_in,
    due,
    next_due,
)
from notify.message import Place
from notify.sending import NotTold
from notify.story import Notice, Story


@dataclass
class Escalating:
    """Carries out the escalation of one attempt for whoever watches it: each look is short, and decides by the record.

    What was done stands in the record, so that the next look, in whichever process, does not do it again.
    """

    place: Place
    record: Record
    addressees: Sequence[Addressee]
    reporter: Reporter
    critical_hurt: int
    acknowledge_within: timedelta
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _memories: dict[str, Memory] = field(default_factory=dict, init=False)

    def look(self) -> datetime | None:
        """Do what is due, and return when the next thing will be; None where there is nothing to wait for.

        Raises ClusterError or Unreachable where the record cannot be read.
        """
        attempt = next((each for each in self.record.attempts() if each.number == self.record.number), None)
        if attempt is None:
            return None
        story, notice = _told(self.place, attempt, self.critical_hurt)
        if story.problem is None or notice is None:
            return None
        problem = story.problem
        taken = set(actions_in(attempt.entries, problem.at))
        acknowledgements = acknowledgements_in(attempt.entries, problem.at) or self._ask()
        actions = due(problem, acknowledgements, taken, self.wall_clock(), self.acknowledge_within)
        if actions:
            self._carry_out(replace(notice, actions=actions))
        return next_due(problem, acknowledgements, taken | set(actions), self.acknowledge_within)

    def _ask(self) -> list[Acknowledgement]:
        """Return who has taken the problem on, record it, and let the others know, so that nothing rings on."""
        for asked in self.addressees:
            try:
                found = asked.channel.acknowledged(self._memory(asked), self.wall_clock())
            except NotTold as error:
                self.reporter.line(f"escalation: whether somebody has acknowledged is not known: {error}")
                continue
            if found is not None:
                self.reporter.line(f"escalation: acknowledged by {found.by} through {found.through}")
                self._report(self._memory(asked).write(ACKNOWLEDGED, by=found.by, through=found.through))
                self._pass_on(found, asked)
                return [found]
        return []

    def _pass_on(self, found: Acknowledgement, asked: Addressee) -> None:
        for other in self.addressees:
            if other is not asked:
                try:
                    other.channel.acknowledge(self._memory(other), found.by)
                except NotTold as error:
                    self.reporter.line(f"escalation: the acknowledgement is not passed on: {error}")

    def _carry_out(self, notice: Notice) -> None:
        if Action.PAGE_ON_CALL in notice.actions:
            minutes = self.acknowledge_within.total_seconds() / 60
            why = f"nobody has acknowledged for {minutes:g} minutes; {notice.message.why}"
            notice = replace(notice, message=replace(notice.message, why=why))
        self.reporter.line(f"escalation: {', '.join(action.value for action in notice.actions)}")
        # Who never carries anything out was told of the problem when it arose.
        for each in (one for one in self.addressees if one.carries):
            for problem in deliver(each, notice, self._memory(each)):
                self._report(problem)

    def _memory(self, addressee: Addressee) -> Memory:
        return self._memories.setdefault(addressee.channel.name, Memory(self.record))

    def _report(self, problem: str) -> None:
        if problem:
            self.reporter.line(f"escalation: {problem}")


def _told(place: Place, attempt: Attempt, critical_hurt: int) -> tuple[Story, Notice | None]:
    """Return the story of an attempt, and the notice of its problem."""
    story = Story(place, str(attempt.fact("version")), attempt.identity, critical_hurt, number=attempt.number)
    notices = [story.hear(entry.kind, entry.facts, entry.at) for entry in attempt.entries]
    return story, next((each for each in reversed(notices) if each is not None and each.problem is not None), None)
