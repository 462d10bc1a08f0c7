"""What an approval is of: one release of one stack, its commit and, as soon as it is built, its image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_SHOWN = 19


@dataclass(frozen=True)
class Subject:
    """`digest` is that of the image (`sha256:...`), empty while nothing is built or an update builds it anew."""

    stack: str
    version: str
    commit: str
    digest: str = ""

    @property
    def text(self) -> str:
        """What it is, as a person reads it."""
        built = f"image {short(self.digest)}" if self.digest else "the image that the update builds from it"
        return f"commit {self.commit[:7]}, {built}"

    def why_not(self, commit: str, digest: str, built: Callable[[], str]) -> str:
        """Return why an approval of `commit` and `digest` is none of this, or nothing where it is.

        Given before there was an image (`digest` is empty) it goes on to count for the one that the release built from
        the commit while it was approved: `built` looks up that one, empty where nobody knows of any.
        """
        if commit != self.commit:
            return f"of commit {commit[:7] or '(none named)'}, and this is {self.commit[:7]}"
        if digest == self.digest:
            return ""
        if digest:
            now = f"this is {short(self.digest)}" if self.digest else "the registry has it no more"
            return f"of image {short(digest)}, and {now}"
        if built() == self.digest:
            return ""
        return f"from before the image was built, and nothing says that {short(self.digest)} was built under it"


def short(digest: str) -> str:
    """Return a digest as it is shown: its first twelve digits."""
    return digest[:_SHOWN]
