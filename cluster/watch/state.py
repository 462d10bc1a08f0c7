"""How far the watch of a release has come, so that one that is started again goes on where the other ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from checks.verdict import Kind, Verdict

# Answers, whatever they say; the other kinds are "nothing is known".
SEEING = (Kind.PASS, Kind.FAIL, Kind.TOO_FEW)
MOST_NEWS = 10


class End(StrEnum):
    """How a watch ended. Only WATCHED says that the release was seen to be good for all of its time."""

    WATCHED = "watched"
    UNSEEN = "unseen"
    REPLACED = "replaced"
    TAKEN_BACK = "taken back"
    STAYED = "stayed"


class Sight(BaseModel):
    """How much was seen of one signal. `blind_since` is None while it is seen; `told` that people know it is not."""

    model_config = ConfigDict(extra="forbid")

    seen_seconds: float = 0.0
    blind_since: AwareDatetime | None = None
    told: bool = False
    kind: str = ""
    reason: str = ""

    def note(self, verdict: Verdict, seconds: float, now: datetime) -> bool:
        """Take in a look that stands for the `seconds` before it; return whether it ends a blindness that was told."""
        self.kind, self.reason = str(verdict.kind), verdict.reason
        if verdict.kind not in SEEING:
            self.blind_since = self.blind_since or now
            return False
        told, self.told, self.blind_since = self.told, False, None
        self.seen_seconds += seconds
        return told


class WatchState(BaseModel):
    """The watch of one attempt of a release, which `key` names.

    `looked_at` is the last moment that is accounted for; `aside_seconds` passed while another run was at work. `cause`
    and `to` are set before anything is taken back: why, and the identity of the release to go back to. `end` is set at
    the end, with `reason`; `told` once the release's record and people know.
    """

    model_config = ConfigDict(extra="forbid")

    key: str
    identity: str
    version: str
    began_at: AwareDatetime
    looked_at: AwareDatetime
    signals: dict[str, Sight] = Field(default_factory=dict)
    aside_seconds: float = 0.0
    news: list[str] = Field(default_factory=list)
    cause: str = ""
    hurt: int | None = None
    to: str = ""
    end: End | None = None
    reason: str = ""
    outcome: str = ""
    told: bool = False

    def seconds(self, now: datetime) -> float:
        """Return how long the release has been watched, with every moment in which nobody looked."""
        return max(0.0, (now - self.began_at).total_seconds())

    def see(self, verdicts: Mapping[str, Verdict], seconds: float, now: datetime) -> list[str]:
        """Take in one look at every signal, which stands for the `seconds` before it.

        Return the signals that are seen again after people were told that they are not.
        """
        return [
            name
            for name, verdict in verdicts.items()
            if self.signals.setdefault(name, Sight()).note(verdict, seconds, now)
        ]

    def newly_blind(self, minutes: float, now: datetime) -> list[str]:
        """Return the signals that were not seen for so long, and that people are to be told of: once."""
        found = [
            name
            for name, sight in self.signals.items()
            if sight.blind_since is not None
            and not sight.told
            and (now - sight.blind_since).total_seconds() >= 60 * minutes
        ]
        for name in found:
            self.signals[name].told = True
        return found

    def is_news(self, text: str) -> bool:
        """Whether people are to be told of `text`: once, and of ten such things at most."""
        if text in self.news or len(self.news) >= MOST_NEWS:
            return False
        self.news.append(text)
        return True

    def least_seen_seconds(self) -> float:
        """Return how long the signal was seen that was seen least."""
        return min((sight.seen_seconds for sight in self.signals.values()), default=0.0)

    def sight_in_words(self, now: datetime) -> str:
        """Return for each signal how many of the minutes it was seen, for a person, on one line."""
        minutes = self.seconds(now) / 60
        seen = ", ".join(f"{name} {sight.seen_seconds / 60:.0f}" for name, sight in self.signals.items())
        aside = f" (another run was at work for {self.aside_seconds / 60:.0f})" if self.aside_seconds >= 60 else ""
        return f"seen of {minutes:.0f} minutes: {seen or 'nothing'}{aside}"
