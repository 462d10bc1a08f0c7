"""Errors of this package that a person can mend."""

from __future__ import annotations


class DeliveryError(Exception):
    """What is wrong, and the command or change that mends it, as one text without a traceback."""

    def __init__(self, what: str, *, mend: str = "") -> None:
        super().__init__(f"{what}. To mend it: {mend}" if mend else what)
