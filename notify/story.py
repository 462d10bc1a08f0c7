"""The story of one release, from the entries of its record to what people are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cluster.history.entry import Entry
from cluster.history.history import FINISHED, RESUMED, STARTED, WAIVED
from notify.escalation import Action, Problem, at_once
from notify.message import Message, Place, What

GATE, ROLLBACK = "gate", "rollback"
PASS, FAIL = "PASS", "FAIL"


@dataclass(frozen=True)
class Notice:
    """A message, the problem that it is about, and what is done about that. `key` names the problem everywhere."""

    message: Message
    key: str
    problem: Problem | None = None
    actions: tuple[Action, ...] = ()


@dataclass
class Story:
    """Hears the entries of one attempt in their order. `critical_hurt` requests make a problem critical by themselves.

    A problem is critical where the failed release may still serve: it was not taken back, or nobody has seen the
    version before it serve again. Users are hurt where the new pods answered them with errors, or where the
    verification failed, at which every pod runs the release. A person who goes back by hand has taken the problem on.
    """

    place: Place
    version: str
    identity: str
    critical_hurt: int
    number: int = 0
    problem: Problem | None = field(default=None, init=False)
    ended: bool = field(default=False, init=False)
    _key: str = field(default="", init=False)
    _gate: Mapping[str, Any] = field(default_factory=dict, init=False)
    _rollback: str = field(default="", init=False)
    _by_hand: bool = field(default=False, init=False)
    _hurt: int = field(default=0, init=False)

    @property
    def key(self) -> str:
        """The same for every message about this attempt, and another for each attempt."""
        # Once told it stays, also where the attempt gets its number later.
        self._key = (
            self._key or f"{self.place.namespace}/{self.place.deployment}/release-{self.number or self.identity}"
        )
        return self._key

    def hear(self, kind: str, facts: Mapping[str, Any], at: datetime) -> Notice | None:
        """Return what is told of an entry; None where it is nothing that people wait for."""
        if kind in {STARTED, RESUMED}:
            return self._begun(kind, facts, at)
        if kind == WAIVED:
            return self._waived(facts, at)
        if kind == GATE:
            return self._gate_ended(facts, at)
        if kind == ROLLBACK:
            self._rollback = str(facts.get("outcome", ""))
            self._by_hand = bool(facts.get("by"))
            if self._by_hand and self._rollback.startswith(PASS):
                self.problem = None
            return None
        if kind == FINISHED:
            return self._finished(str(facts.get("outcome", "")), str(facts.get("cause", "")), at)
        return None

    def stopped(self, why: str, at: datetime) -> Notice | None:
        """Return what is told of a gate that failed without an entry; None where its end was told already."""
        if self.ended:
            return None
        return self._problem(What.STOPPED, "has stopped", why, at, critical=False)

    def _begun(self, kind: str, facts: Mapping[str, Any], at: datetime) -> Notice:
        if kind == STARTED:
            return self._notice(What.STARTED, "has started", _beginning(facts), at)
        return self._notice(What.STARTED, "goes on", f"by {facts.get('by', '')}", at)

    def _waived(self, facts: Mapping[str, Any], at: datetime) -> Notice:
        items = [str(each) for each in facts.get("items", ())]
        glass = str(facts.get("break_glass", ""))
        count = f"{len(items)} item{'' if len(items) == 1 else 's'} of its checklist"
        phrase = f"breaks the glass: it goes on without {count}" if glass else f"goes on without {count}"
        return self._notice(What.WAIVED, phrase, "; ".join([*filter(None, [glass]), *items]), at)

    def _gate_ended(self, facts: Mapping[str, Any], at: datetime) -> Notice:
        self._gate = facts
        self._hurt = max(self._hurt, int(facts.get("hurt") or 0))
        step, verdict, reason = (str(facts.get(name, "")) for name in ("step", "verdict", "reason"))
        if "hurt" in facts and verdict == PASS:
            return self._notice(What.PROMOTED, f"has passed step {step}", reason, at)
        return self._notice(What.CHECKED, f"was checked ({step}: {verdict})", reason, at)

    def _finished(self, outcome: str, cause: str, at: datetime) -> Notice:
        self.ended = True
        if outcome == "verified":
            self.problem = None
            return self._notice(What.VERIFIED, "is verified", cause or "every check has passed", at)
        certain = self._gate.get("verdict") == FAIL
        if outcome == "held":
            return self._problem(What.HELD, "is held", cause, at, critical=certain)
        kind, _, rest = self._rollback.partition(": ")
        why = f"{cause}; {rest}" if rest else cause
        if kind == PASS and self._by_hand:
            return self._notice(What.TAKEN_BACK, "was taken back", why, at)
        if kind == PASS:
            critical = self._hurt >= self.critical_hurt
            return self._problem(What.TAKEN_BACK, "was taken back", why, at, critical=critical)
        return self._problem(What.FAILED, "has failed", why, at, critical=True)

    def _problem(self, what: What, phrase: str, why: str, at: datetime, *, critical: bool) -> Notice:
        self.ended = True
        everybody_met_it = self._gate.get("verdict") == FAIL and "hurt" not in self._gate
        hurt = f" ({self._hurt} requests were hurt)" if self._hurt else ""
        self.problem = Problem(at, critical=critical, users_hurt=self._hurt > 0 or everybody_met_it)
        return self._notice(what, phrase, f"{why}{hurt}", at, self.problem)

    def _notice(self, what: What, phrase: str, why: str, at: datetime, problem: Problem | None = None) -> Notice:
        message = Message(what, phrase, self.version, self.place, why, self._next(what), at)
        return Notice(message, self.key, problem, () if problem is None else at_once(problem))

    def _next(self, what: What) -> str:
        stack = f"STACK={self.place.stack}"
        if what in {What.HELD, What.STOPPED}:
            return f"make up {stack} measures again, make rollback {stack} takes it back"
        if what in {What.FAILED, What.VERIFIED}:
            return f"make rollback {stack} goes back" if what is What.VERIFIED else f"make rollback {stack}"
        return f"make history {stack}{f' RELEASE={self.number}' if self.number else ''}"


def problem_in(entries: Sequence[Entry], critical_hurt: int) -> Problem | None:
    """Return the problem that a release's record tells of, or None where it goes on, or is verified."""
    story = Story(Place("", "", ""), "", "", critical_hurt)
    for entry in entries:
        story.hear(entry.kind, entry.facts, entry.at)
    return story.problem


def _beginning(facts: Mapping[str, Any]) -> str:
    by, before, steps = str(facts.get("by", "")), str(facts.get("from", "")), facts.get("steps")
    parts = [
        f"by {by}" if by else "",
        f"from {before}" if before else "the first release here",
        f"strategy {facts.get('strategy')}" if facts.get("strategy") else "",
        f"steps {', '.join(f'{step} %' for step in steps)}" if isinstance(steps, list) and steps else "",
    ]
    return ", ".join(part for part in parts if part)
