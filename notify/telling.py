"""Tells people while a release goes on, without the release ever waiting for them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from checks.waiting import Reporter
from cluster.history.history import Heard, ReleaseRecord
from notify.channel import Addressee, Memory, Record, deliver
from notify.message import Place
from notify.story import Notice, Story

# What waits for one addressee; a release has some dozen entries.
MOST_WAITING = 100
# At the end of a gate after which the release goes on, and at the end of the release, when nobody can wait any longer.
STEP_SECONDS, END_SECONDS = 2.0, 15.0


class Line:
    """One addressee, told in a thread of its own: whoever hangs holds up nobody else."""

    def __init__(self, addressee: Addressee) -> None:
        self._addressee = addressee
        self._problems: deque[str] = deque(maxlen=2 * MOST_WAITING)
        self._waiting: deque[tuple[Notice, Record]] = deque()
        self._left = 0
        self._changed = threading.Condition()
        self._memories: dict[str, Memory] = {}
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """Who is told."""
        return self._addressee.channel.name

    def add(self, notice: Notice, record: Record) -> None:
        """Let a notice be told as soon as those before it are, if there is room. Never waits."""
        with self._changed:
            if self._left >= MOST_WAITING:
                self._problems.append(f"{self.name}: not told that {notice.message.headline}: {MOST_WAITING} wait")
                return
            self._waiting.append((notice, record))
            self._left += 1
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"tell-{self.name}", daemon=True)
                self._thread.start()

    def left_after(self, seconds: float) -> int:
        """Return how many are still to be told after at most `seconds`; 0 as soon as none is."""
        with self._changed:
            self._changed.wait_for(lambda: self._left == 0, timeout=max(0.0, seconds))
            return self._left

    def problems(self) -> str:
        """Return what went wrong since this was last asked, as one line: the first, and how many more there were."""
        found = [self._problems.popleft() for _ in range(len(self._problems))]
        more = f" (and {len(found) - 1} more like it)" if found[1:] else ""
        return f"{found[0]}{more}" if found else ""

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                notice, record = self._waiting.popleft()
            try:
                memory = self._memories.setdefault(notice.key, Memory(record))
                # A later gate of the same attempt writes through a record of its own.
                memory.record = record
                self._problems.extend(deliver(self._addressee, notice, memory))
            except Exception as error:  # noqa: BLE001 - a thread that dies would look like one that is slow
                self._problems.append(f"{self.name}: a fault in its own program ({type(error).__name__})")
            finally:
                with self._changed:
                    self._left -= 1
                    self._changed.notify_all()


class Telling:
    """Listens to the record of a release and tells everybody. One object serves a whole run.

    `addressees` is asked once, when there is something to tell. What goes wrong is reported at the end of a gate.
    """

    def __init__(
        self,
        place: Place,
        addressees: Callable[[], Sequence[Addressee]],
        *,
        critical_hurt: int,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        step_seconds: float = STEP_SECONDS,
        end_seconds: float = END_SECONDS,
    ) -> None:
        self._place = place
        self._addressees = addressees
        self._critical_hurt = critical_hurt
        self._wall_clock = wall_clock
        self._step_seconds = step_seconds
        self._end_seconds = end_seconds
        self._lines: tuple[Line, ...] | None = None
        self._story: Story | None = None
        self._nobody = ""

    def hear(self, heard: Heard) -> None:
        """Tell of an entry of a record. Returns at once."""
        story = self._story_of(heard.record)
        self._tell(story.hear(heard.kind, heard.facts, self._wall_clock()), heard.record)

    def stopped(self, record: ReleaseRecord, why: str) -> None:
        """Tell that a gate has failed, unless the record has told how the release ended. Returns at once."""
        story = self._story_of(record)
        # The log lines below the first one are for whoever sits in front of it.
        self._tell(story.stopped(why.partition("\n")[0], self._wall_clock()), record)

    def flush(self, reporter: Reporter) -> None:
        """Wait for those who are still to be told, within bounds, and report what went wrong."""
        seconds = self._end_seconds if self._story is not None and self._story.ended else self._step_seconds
        deadline = time.monotonic() + seconds
        for line in self._lines or ():
            left = line.left_after(deadline - time.monotonic())
            problems = line.problems()
            if problems:
                reporter.line(f"telling: {problems}")
            if left:
                reporter.line(f"telling: {line.name}: {left} still to be told after {seconds:g} s")
        if self._nobody:
            reporter.line(f"telling: {self._nobody}")
            self._nobody = ""

    def _story_of(self, record: ReleaseRecord) -> Story:
        release = record.release
        if self._story is None or self._story.identity != release.identity:
            self._story = Story(self._place, release.version, release.identity, self._critical_hurt)
        self._story.number = record.number
        return self._story

    def _begin(self) -> tuple[Line, ...]:
        try:
            return tuple(map(Line, self._addressees()))
        except Exception as error:  # noqa: BLE001 - the gate goes on, whatever keeps people from being told
            self._nobody = f"nobody can be told: {error}"
            return ()

    def _tell(self, notice: Notice | None, record: ReleaseRecord) -> None:
        if notice is None:
            return
        if self._lines is None:
            self._lines = self._begin()
        for line in self._lines:
            line.add(notice, record)
