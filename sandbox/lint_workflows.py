"""Lints the workflows: `make lint-workflows`. actionlint is built where it is missing, and zizmor asks nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY, Paths
from sandbox.toolchain.build import Toolchain

SECONDS = 120.0
PLACE = ".github"


def commands(actionlint: Path, python: Path) -> list[list[str]]:
    """Return what is run: each ends with a status other than 0 where it finds anything at all."""
    workflows = sorted(str(file.relative_to(REPOSITORY)) for file in (REPOSITORY / PLACE / "workflows").glob("*.yml"))
    zizmor = [str(python.parent / "zizmor"), "--offline", "--quiet", "--persona=auditor", PLACE]
    return [[str(actionlint), "-color", *workflows], zizmor]


def main() -> int:
    """Run both, and return 1 if one of them has found something."""
    try:
        program = Toolchain(Paths.default()).ensure(["actionlint"], print)[0].program
        statuses = [
            subprocess.run(command, cwd=REPOSITORY, timeout=SECONDS, check=False).returncode
            for command in commands(program, Path(sys.executable))
        ]
    except SandboxError as error:
        print(f"error: {error.what}\nto mend it: {error.mend}", file=sys.stderr)
        return 1
    except (OSError, subprocess.TimeoutExpired) as error:
        print(
            f"error: a linter cannot be run ({type(error).__name__})\nto mend it: make lint-workflows", file=sys.stderr
        )
        return 1
    return 1 if any(statuses) else 0


if __name__ == "__main__":
    sys.exit(main())
