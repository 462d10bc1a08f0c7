"""Errors of this package that a person can mend."""

from __future__ import annotations


class ClusterError(Exception):
    """What is wrong, and the command or change that mends it, as one text without a traceback."""

    def __init__(self, what: str, *, mend: str = "") -> None:
        super().__init__(f"{what}. To mend it: {mend}" if mend else what)


class GateFailed(Exception):  # noqa: N818  (a gate that fails is an expected end, not a fault of the program)
    """A gate did not let the release go on. Its text is what a person reads: what, why, what was done, what next."""
