"""An image whose alembic answers what a test says: the Job's own command is run, with a small program for alembic."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.api_server import ApiServer
from tests.recorded import Json, container, job, job_condition, job_pod, terminated

LOG_LINE = '{"level": "INFO", "message": "Context impl PostgresqlImpl."}'
SQL = """BEGIN;

-- Running upgrade 0003 -> 0004

SET lock_timeout = '5s';

ALTER TABLE releases ADD COLUMN owner TEXT;

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

COMMIT;

"""


@dataclass(frozen=True)
class Says:
    """What a command of alembic prints on standard output, and its exit status."""

    output: str
    status: int = 0


@dataclass
class AlembicImage:
    """Stands for the cluster's side of the planning Job, as ApiServer.runs."""

    directory: Path
    heads: Says = Says("0004 (head)\n")
    current: Says = Says("0003\n")
    sql: Says = Says(SQL)
    created: list[Json] = field(default_factory=list)

    @property
    def program(self) -> Path:
        return self.directory / "alembic"

    @property
    def called(self) -> list[str]:
        file = self.directory / "called"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def server(self) -> ApiServer:
        return ApiServer(runs=self.run)

    def run(self, wanted: Json) -> tuple[Json, list[Json], dict[str, list[str]]]:
        self.created.append(wanted)
        done = self.run_command(wanted["spec"]["template"]["spec"]["containers"][0]["command"])
        name, status = wanted["metadata"]["name"], done.returncode
        condition = job_condition("Complete") if status == 0 else job_condition("Failed", "BackoffLimitExceeded")
        pod = f"{name}-q8wzn"
        lines = done.stdout.decode().removesuffix("\n").split("\n")
        return (
            job(condition, failed=int(status != 0), uid=f"uid-of-{name}"),
            [job_pod(container(terminated(status)), name=pod, uid=f"uid-of-{name}")],
            {pod: lines},
        )

    def run_command(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        """Run the command of a Job with this alembic, its log and its answers in one stream as a cluster keeps them."""
        cases = {"heads": self.heads, "current": self.current, "upgrade": self.sql}
        branches = [
            f"{name}) printf %s {shlex.quote(says.output)}; exit {says.status};;" for name, says in cases.items()
        ]
        script = f"echo \"$@\" >>{self.directory}/called\necho '{LOG_LINE}' >&2\ncase $1 in\n" + "\n".join(branches)
        self.program.write_text(f"#!/bin/sh\n{script}\nesac\n", encoding="utf-8")
        self.program.chmod(0o755)
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=20,
            env={**os.environ, "TMPDIR": str(self.directory)},
        )
