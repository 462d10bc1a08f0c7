"""`python -m release_manager`: the process of the container."""

import os
import signal
import sys


def _leave(_signal: int, _frame: object) -> None:
    os._exit(0)


# Before the imports, which take most of the start: the first process of a container ignores SIGTERM until it
# has a handler, and would be killed hard after the whole grace period.
signal.signal(signal.SIGTERM, _leave)

from release_manager.main import run  # noqa: E402

sys.exit(run(os.environ))
