"""Where the parts of a delivery leave files for one another: a directory kept out of git, an artifact of CI."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commands.delivery.errors import DeliveryError

DIRECTORY = Path("delivery")
# In the order in which a release goes through them; others come after.
ORDER = ("dev", "staging", "prod")


@dataclass(frozen=True)
class Places:
    """The files of a delivery below `directory`."""

    directory: Path = DIRECTORY

    @property
    def comment(self) -> Path:
        """The text of the comment, short enough to be posted."""
        return self.directory / "comment.md"

    @property
    def whole(self) -> Path:
        """The same text with nothing left out."""
        return self.directory / "preview.md"

    def make(self) -> None:
        """Make the directory, which git does not see. Raises DeliveryError where it cannot be made."""
        _make(self.directory, self.directory)

    def of(self, stack: str) -> StackPlaces:
        """Return the files of one stack."""
        return StackPlaces(self.directory / stack)

    def previewed(self) -> list[str]:
        """Return the stacks that have a preview, in the order of a release."""
        found = [file.parent.name for file in self.directory.glob("*/preview.jsonl")]
        return sorted(found, key=lambda stack: (ORDER.index(stack) if stack in ORDER else len(ORDER), stack))


@dataclass(frozen=True)
class StackPlaces:
    """The files of one stack below `directory`."""

    directory: Path

    @property
    def events(self) -> Path:
        """The engine's events of the preview."""
        return self.directory / "preview.jsonl"

    @property
    def migration(self) -> Path:
        """What `make migration-plan` said."""
        return self.directory / "migration.txt"

    @property
    def overlay(self) -> Path:
        """The settings that a preview lays over those of the stack."""
        return self.directory / "overlay.yaml"

    @property
    def plan(self) -> Path:
        """The engine's plan."""
        return self.directory / "plan.json"

    @property
    def seal(self) -> Path:
        """What the plan was made of."""
        return self.directory / "plan-seal.json"

    @property
    def drift(self) -> Path:
        """The engine's events of the look for drift."""
        return self.directory / "drift.jsonl"

    @property
    def record(self) -> Path:
        """What is kept of a release."""
        return self.directory / "record"

    def make(self, directory: Path | None = None) -> None:
        """Make it, or one below it. Raises DeliveryError where it cannot be made."""
        _make(directory or self.directory, self.directory.parent)


def _make(wanted: Path, unseen: Path) -> None:
    """Make a directory, and let git see nothing below `unseen`: only what is as committed is released."""
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        (unseen / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise DeliveryError(
            f"{wanted} cannot be made ({error.strerror})", mend="run it where the checkout may be written"
        ) from error


def write(file: Path, text: str) -> None:
    """Write the file. Raises DeliveryError."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DeliveryError(
            f"{file} cannot be written ({error.strerror})", mend="make its directory writable"
        ) from error
