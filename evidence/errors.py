"""Errors of this package that a person can mend."""

from __future__ import annotations


class EvidenceError(Exception):
    """What is wrong, what is allowed, and the command that mends it, as one text without a traceback."""
