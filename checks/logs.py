"""What the last log lines of a release say."""

from __future__ import annotations

import json
from collections.abc import Sequence

from checks.objects import Pod
from checks.reader import ClusterReader, Unreachable
from checks.verdict import Kind, Verdict

ERRORS_SHOWN = 5


def error_of(line: str) -> str | None:
    """Return the message of a log line of level ERROR, or None for any other line.

    Lines are JSON with `level` and `message`; a traceback that a crash printed as plain text counts as an error too.
    """
    try:
        entry = json.loads(line)
    except ValueError:
        return line if line.startswith("Traceback ") else None
    if isinstance(entry, dict) and str(entry.get("level", "")).upper() in {"ERROR", "CRITICAL", "FATAL"}:
        return str(entry.get("message", line))
    return None


def read_logs(reader: ClusterReader, pods: Sequence[Pod], *, lines: int) -> Verdict:
    """Read the last `lines` log lines of all pods together, each its equal part, and name the errors in them.

    Errors in the log do not fail a release by themselves: they are shown. NO_DATA where no pod has logged anything,
    because an application that says nothing cannot be watched.
    """
    share = -(-lines // max(1, len(pods)))
    try:
        read = [line for pod in pods for line in reader.logs(pod.metadata.name, lines=share)]
    except Unreachable as error:
        return Verdict(Kind.UNREACHABLE, str(error))
    if not read:
        return Verdict(Kind.NO_DATA, f"{len(pods)} pods have logged nothing")
    errors = [message for message in map(error_of, read) if message is not None]
    reason = f"{len(read)} log lines of {len(pods)} pods read, {len(errors)} of level ERROR"
    numbers = {"lines": len(read), "errors": len(errors)}
    return Verdict(Kind.PASS, reason, numbers, details=tuple(errors[-ERRORS_SHOWN:]))
