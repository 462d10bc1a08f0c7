"""How long things take on this machine: `make bench`, and `make bench COLD=1` with empty caches first."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.paths import REPOSITORY

PHASE = re.compile(r"^ok\s+(\S.*?)\s{2,}(\d+\.\d) s", re.MULTILINE)
RUN_SECONDS = 3600
CHANGED = Path("sandbox/app/release_manager/__init__.py")
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    """What a command printed, the seconds it took, and the MiB of the largest process among it and those it started."""

    printed: str
    seconds: float
    peak_mib: float


def run(arguments: list[str], directory: Path, variables: dict[str, str] | None = None) -> Run:
    """Run our own command line in `directory`; it is ended after RUN_SECONDS."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as printed:
        command = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=directory,
            env={**os.environ, **(variables or {})},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        limit = threading.Timer(RUN_SECONDS, command.kill)
        limit.start()
        # Only this call tells the memory of one command; that of all children is the largest of all runs before.
        _, status, usage = os.wait4(command.pid, 0)
        limit.cancel()
        command.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        text = printed.read()
    if command.returncode != 0:
        sys.exit(f"'{' '.join(arguments)}' failed:\n{text}")
    return Run(text, time.monotonic() - started, usage.ru_maxrss / 1024)


def by_phase(title: str, directory: Path, variables: dict[str, str] | None = None) -> list[Row]:
    """Return the phases of one `up`, and all of it."""
    done = run(["up"], directory, variables)
    rows = [(title, name.strip(), f"{taken} s") for name, taken in PHASE.findall(done.printed)]
    return [*rows, (title, "together", f"{done.seconds:.1f} s")]


def cold(directory: Path) -> list[Row]:
    """Measure `make up` with empty caches, an empty Go cache and no Python environment, then remove them again."""
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
            return [*python_environment(Path(place), variables), *by_phase("cold up", directory, variables)]
        finally:
            run(["down"], directory, variables)


def python_environment(place: Path, variables: dict[str, str]) -> list[Row]:
    """Measure the first phase of `make up`, which comes before any Python of ours can run."""
    clone = checkout(place / "clone", environment=False)
    started = time.monotonic()
    subprocess.run(
        ["sh", "sandbox/python-environment"],
        cwd=clone,
        env={**os.environ, **variables},
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=RUN_SECONDS,
    )
    return [("cold up", "python environment", f"{time.monotonic() - started:.1f} s")]


def preview(directory: Path) -> list[Row]:
    """Measure `pulumi preview` with nothing to do: seconds, and memory of its largest process."""
    done = run(["preview"], directory)
    return [
        ("preview", "make preview", f"{done.seconds:.1f} s"),
        ("preview", "largest process", f"{done.peak_mib:.0f} MiB"),
    ]


def change(directory: Path) -> list[Row]:
    """Measure a change of one line of the application until it is verified."""
    file = directory / CHANGED
    file.write_text(f"{file.read_text(encoding='utf-8')}\nCHANGED_AT = {time.time_ns()}\n", encoding="utf-8")
    return by_phase("code change", directory)


def checkout(place: Path, *, environment: bool = True) -> Path:
    """Return a clone of this repository that may be changed, with the Python `environment` of this one or none."""
    target = place / "project"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(target)], check=True)
    if environment:
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
