"""How long things take on this machine: `make bench`, and `make bench COLD=1` with empty caches first."""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.paths import REPOSITORY

PHASE = re.compile(r"^ok\s+(\S.*?)\s{2,}(\d+\.\d) s", re.MULTILINE)
RUN_SECONDS = 3600
CHANGED = Path("sandbox/app/release_manager/__init__.py")
Row = tuple[str, str, str]


def run(arguments: list[str], directory: Path, variables: dict[str, str] | None = None) -> tuple[str, float]:
    """Run our own command line in `directory`; return what it printed and the seconds it took."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=directory,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"'{' '.join(arguments)}' failed:\n{done.stdout}")
    return done.stdout, time.monotonic() - started


def by_phase(title: str, directory: Path, variables: dict[str, str] | None = None) -> list[Row]:
    """Return the phases of one `up`, and all of it."""
    printed, seconds = run(["up"], directory, variables)
    rows = [(title, name.strip(), f"{taken} s") for name, taken in PHASE.findall(printed)]
    return [*rows, (title, "together", f"{seconds:.1f} s")]


def cold(directory: Path) -> list[Row]:
    """Measure `up` with empty caches and an empty Go cache, then remove them again."""
    run(["down"], directory)
    with tempfile.TemporaryDirectory(prefix="release-manager-cold-") as place:
        variables = {
            "XDG_CACHE_HOME": f"{place}/cache",
            "XDG_DATA_HOME": f"{place}/data",
            "GOCACHE": f"{place}/go-build",
            "GOMODCACHE": f"{place}/go-mod",
            "GOFLAGS": "-modcacherw",
        }
        try:
            return by_phase("cold up", directory, variables)
        finally:
            run(["down"], directory, variables)


def preview(directory: Path) -> list[Row]:
    """Measure `pulumi preview` with nothing to do: seconds, and memory of its largest process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    _, seconds = run(["preview"], directory)
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    return [("preview", "make preview", f"{seconds:.1f} s"), ("preview", "largest process", f"{peak / 1024:.0f} MiB")]


def change(directory: Path) -> list[Row]:
    """Measure a change of one line of the application until it is verified."""
    file = directory / CHANGED
    file.write_text(f"{file.read_text(encoding='utf-8')}\nCHANGED_AT = {time.time_ns()}\n", encoding="utf-8")
    return by_phase("code change", directory)


def checkout(place: Path) -> Path:
    """Return a clone of this repository that may be changed."""
    target = place / "project"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(target)], check=True)
    (target / ".venv").symlink_to(REPOSITORY / ".venv")
    return target


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--cold", action="store_true", help="also from empty caches: a quarter of an hour")
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="release-manager-bench-"))
    try:
        directory = checkout(place)
        rows = cold(directory) if arguments.cold else []
        run(["up"], directory)
        run(["down"], directory)
        rows += by_phase("warm up after down", directory)
        rows += by_phase("up again", directory)
        rows += preview(directory)
        rows += change(directory)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    table = Table("measured", "phase", "figure")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
