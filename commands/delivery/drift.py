"""Looks whether the cluster still is what was released last, and keeps one issue about where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.releases import VerifiedReleases
from commands.delivery.engine import PREVIEW_SECONDS, Engine
from commands.delivery.errors import DeliveryError
from commands.delivery.places import StackPlaces
from commands.delivery.surroundings import Surroundings
from evidence.git import GitError, git
from reports.preview.comment import COMMENT_LIMIT
from reports.preview.events import STREAMING
from reports.preview.facts import Change, StackPreview
from reports.preview.fitting import Chapter, fit
from reports.preview.markdown import Block, Code, Section, Table, code, link, plain
from reports.preview.reading import CHECKLIST, preview_of
from reports.preview.sections import LONGEST_ERROR

LABEL = "drift"
WORKTREE = "released"


@dataclass(frozen=True)
class Drift:
    """Looks at one stack from the checkout in `directory`; `engine_in` makes the engine that runs in another one."""

    stack: str
    places: StackPlaces
    releases: VerifiedReleases
    surroundings: Surroundings
    engine_in: Callable[[Path], Engine]
    directory: Path = Path()

    def look(self) -> list[str]:
        """Preview the commit that was released last. An issue is opened or brought up to date where it shows changes.

        Where it shows none, the open issue is closed. Raises DeliveryError where something differs, so that the job is
        red, and NotTold, ClusterError, Unreachable or GitError.
        """
        last = self.releases.last()
        if last is None:
            return [f"{self.stack}: no release was ever verified, so nothing can have drifted"]
        found = self._preview(last.release.revision)
        differs = _differing([*found.drift, *found.changes])
        if not differs and found.complete:
            closed = self.surroundings.github().close_issue(self._marker, "Nothing differs any more.", self._labels)
            said = f"; {closed} is closed" if closed else ""
            return [f"{self.stack}: the cluster is as {last.release.version} left it{said}"]
        what = f"{len(differs)} resources differ from {last.release.version}" if differs else "the preview failed"
        text = drift_text(self._marker, self.stack, last.release.version, found, self.surroundings.run)
        self.surroundings.add_to_summary(text)
        address = self.surroundings.github().issue(self._marker, f"Drift in {self.stack}: {what}", text, self._labels)
        raise DeliveryError(
            f"{self.stack}: {what}; see {address}", mend=f"make up STACK={self.stack}, once it is known why"
        )

    def _preview(self, revision: str) -> StackPreview:
        """Return the preview of the released commit, in a checkout of its own: what is on main is not released yet."""
        self.places.make()
        checkout = (self.places.directory / WORKTREE).resolve()
        self._remove(checkout)
        git(self.directory, "worktree", "add", "--quiet", "--detach", str(checkout), revision)
        try:
            (checkout / ".venv").symlink_to((self.directory / ".venv").resolve())
            engine, events = self.engine_in(checkout), self.places.drift.resolve()
            arguments = ("preview", "--stack", self.stack, "--expect-no-changes", "--json", "--color", "never")
            engine.into(events, *arguments, seconds=PREVIEW_SECONDS, variables={STREAMING: "true"})
        finally:
            self._remove(checkout)
        return preview_of(self.stack, self.places.drift)

    def _remove(self, checkout: Path) -> None:
        with suppress(GitError):
            git(self.directory, "worktree", "remove", "--force", str(checkout))

    @property
    def _marker(self) -> str:
        return f"<!-- release-manager: drift of {self.stack} -->"

    @property
    def _labels(self) -> tuple[str, ...]:
        return (LABEL, self.stack)


def drift_text(marker: str, stack: str, version: str, found: StackPreview, run: str) -> str:
    """Return the body of the issue, short enough to be posted."""
    head = f"{marker}\nThe cluster of {plain(stack)} is not as {code(version)} left it. {link('The run', run)}\n\n"
    sections = [
        Section(title, blocks, unfolded=True)
        for title, blocks in (
            ("Changed outside of this program", _table(_differing(found.drift))),
            ("What an update would change", _table(_differing(found.changes))),
            (
                "Errors of the preview",
                tuple(Code("text", each[:LONGEST_ERROR]) for each in (*found.errors, *found.held)),
            ),
        )
        if blocks
    ]
    return fit([Chapter(head, tuple(sections))], COMMENT_LIMIT, "the artifact of the run")


def _differing(changes: Iterable[Change]) -> list[Change]:
    """Return the changes without those of the checklist's record: how its items stand changes from hour to hour."""
    return [each for each in changes if each.component != CHECKLIST.rpartition(":")[2]]


def _table(changes: Sequence[Change]) -> tuple[Block, ...]:
    rows = [
        (each.action, plain(each.kind), code(each.name), "<br>".join(map(code, each.paths[:12]))) for each in changes
    ]
    return (Table(("", "kind", "name", "properties"), rows),) if rows else ()
