"""Errors of this package that a person can mend."""

from __future__ import annotations

# Between what is wrong and what mends it, in the text of every error of this project.
MEND = ". To mend it: "


class DeliveryError(Exception):
    """What is wrong, and the command or change that mends it, as one text without a traceback."""

    def __init__(self, what: str, *, mend: str = "") -> None:
        super().__init__(f"{what}{MEND}{mend}" if mend else what)
