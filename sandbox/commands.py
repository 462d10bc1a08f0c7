"""Short commands that the sandbox runs to their end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from sandbox.errors import SandboxError

OUTPUT_LINES_IN_AN_ERROR = 3


def run(
    command: Sequence[str],
    *,
    mend: str,
    stdin: str | None = None,
    seconds: float = 30.0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run `command` for at most `seconds` and return what it printed.

    Raises SandboxError, with its last words and `mend`, if it is missing, fails or does not end in time. Nothing
    secret may be in `command`: the error names it.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            list(command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except FileNotFoundError as error:
        raise SandboxError(f"'{command[0]}' is not on this machine", mend=mend) from error
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"'{shown}' did not end within {seconds:.0f} s", mend=mend) from error
    if done.returncode != 0:
        last = "; ".join((done.stderr or done.stdout).strip().splitlines()[-OUTPUT_LINES_IN_AN_ERROR:])
        raise SandboxError(f"'{shown}' ended with status {done.returncode}: {last}", mend=mend)
    return done.stdout
