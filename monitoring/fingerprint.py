"""Whether two releases declare the same monitoring."""

from __future__ import annotations

import hashlib

from monitoring.dashboard import dashboard_json
from monitoring.prometheus_rule import rule_file
from monitoring.subject import Watched

# The record, and its key, of what a gate has seen loaded last.
RECORD, DECLARED = "monitored", "declared"


def fingerprint(watched: Watched) -> str:
    """Return a hash of the rules and the dashboard: the same for as long as nobody has to load them anew."""
    return hashlib.sha256((rule_file(watched) + dashboard_json(watched)).encode()).hexdigest()
