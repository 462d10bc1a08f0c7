"""The entry point of the Job: `python -m watch --plan FILE --secrets FILE --key KEY`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.errors import ClusterError, GateFailed
from cluster.lease.holding import Holding
from cluster.watch.service_account import connect_from_pod
from watch.assembling import Assembly
from watch.plan import WatchPlan, read_plan

ENDED_BY_SIGNAL = 128


def main(arguments: Sequence[str] | None = None) -> int:
    """Watch, and return the exit status: 0 however the watch ended, 1 where it could not go on and is begun again.

    A release that was taken back is a watch that did its work.
    """
    given = _arguments(arguments)
    # The first process of a container is not ended by a signal that it does not answer.
    signal.signal(signal.SIGTERM, _leave)
    try:
        plan = _read(given)
        if plan.key != given.key:
            _tell(f"watch: ended: the plan is that of {plan.release.version} by now, which has its own watch")
            return 0
        assembly = Assembly(
            plan=plan,
            cluster=connect_from_pod(plan.namespace),
            reporter=Reporter(line=_tell),
            holding=lambda: Holding(plan.purpose),
        )
        state = assembly.run()
        assembly.escalate(state)
    except (ClusterError, Unreachable, GateFailed) as error:
        _tell(f"watch: cannot go on, and is begun again: {error}")
        return 1
    _tell(f"watch: {state.end}")
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m watch", description="Watches a release, and takes a bad one back.")
    parser.add_argument("--plan", required=True, type=Path, help="file with the plan, without its secrets")
    parser.add_argument("--secrets", required=True, type=Path, help="file with the secrets of the plan")
    parser.add_argument("--key", required=True, help="name of the attempt that is to be watched")
    return parser.parse_args(arguments)


def _read(given: argparse.Namespace) -> WatchPlan:
    texts = []
    for file in (given.plan, given.secrets):
        try:
            texts.append(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"{file} cannot be read ({type(error).__name__})", mend="run the update again"
            ) from error
    return read_plan(*texts)


def _leave(number: int, _frame: FrameType | None) -> None:
    # What is held is given back on the way out; what was begun is gone on with by the pod that comes next.
    sys.exit(ENDED_BY_SIGNAL + number)


def _tell(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
