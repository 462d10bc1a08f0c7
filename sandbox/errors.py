"""The one error of the sandbox that is meant for a person's eyes."""

from __future__ import annotations


class SandboxError(Exception):
    """Something that a person can mend.

    `what` says in one line what is wrong and the value got, never a secret; `mend` is the command or change that
    mends it. The command line prints both and no traceback.
    """

    def __init__(self, what: str, *, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.what}. To mend it: {self.mend}"
