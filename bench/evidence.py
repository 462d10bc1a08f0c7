"""How long the evidence of a stack's checklist takes: `make bench-evidence STACK=prod`, on the stack as it stands."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evidence.git import read_revision
from gates import Gates
from settings import read_stack

LOOKS = 7
# What it may add to a preview where everybody answers.
MOST_SECONDS = 3.0


def main() -> int:
    """Look several times, print one table, and return 1 where a look took too long."""
    parser = argparse.ArgumentParser(prog="python -m bench.evidence", description=__doc__)
    parser.add_argument("--stack", required=True)
    stack = parser.parse_args().stack
    gates = Gates(read_stack(stack))
    image = gates.images.existing(read_revision(Path(gates.settings.image.context)))
    seconds, states = list[float](), Counter[str]()
    for _ in range(LOOKS):
        started = time.monotonic()
        found = gates.checklisting().of_checkout(image)
        seconds.append(time.monotonic() - started)
        states = Counter(line.proof.state.value for line in found.lines)
    table = Table("measured", "figure")
    table.add_row(f"evidence of {stack}, {LOOKS} looks", ", ".join(f"{each} {count}" for each, count in states.items()))
    table.add_row("first look, with what is opened once", f"{seconds[0]:.2f} s")
    table.add_row("median", f"{statistics.median(seconds):.2f} s")
    table.add_row(f"longest (at most {MOST_SECONDS:g} s)", f"{max(seconds):.2f} s")
    Console().print(table)
    return 1 if max(seconds) > MOST_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
