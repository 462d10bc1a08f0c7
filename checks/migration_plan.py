"""Which revisions are pending and the SQL that they run, as the release's own image says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from checks.alembic import AlembicError, Cause, cause_of, message_of, revisions_of, several_heads

_RUNNING = re.compile(r"^-- Running upgrade .* -> (\S+)\s*$")
_AGAIN = "run the same command again"


@dataclass(frozen=True)
class MigrationPlan:
    """From the database's revision to the image's head. `from_revision` is empty where nothing was migrated yet.

    `sql` is what alembic writes for the pending `revisions`, byte by byte; empty where none is pending.
    """

    from_revision: str
    to_revision: str
    revisions: tuple[str, ...] = ()
    sql: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the SQL, which is what is approved."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def summary(self) -> str:
        """How many revisions, and from where to where."""
        count = len(self.revisions)
        start = self.from_revision or "an empty database"
        return f"{count} revision{'' if count == 1 else 's'} ({', '.join(self.revisions)}) after {start}"

    def revision_at(self, line: int) -> str:
        """Return the revision that line `line` (from 1) of the SQL belongs to; empty before the first."""
        found = ""
        for text in self.sql.split("\n")[:line]:
            step = _RUNNING.match(text)
            found = step[1] if step else found
        return found


@dataclass(frozen=True)
class _Answer:
    status: int
    output: str


def read_plan(log: str, mark: str) -> MigrationPlan:
    """Return the plan that a planning Job has written to its log, its answers framed by lines that begin with `mark`.

    Raises AlembicError where a command of alembic failed, where there is no single way from the database to the
    head, or where the log is not whole.
    """
    answers, rest = _answers(log, mark)
    heads = revisions_of(_output(answers, "heads", rest))
    if len(heads) > 1:
        raise AlembicError(several_heads(heads))
    head = heads[0] if heads else ""
    current = revisions_of(_output(answers, "current", rest))
    if len(current) > 1:
        what = f"the database is at more than one revision ({', '.join(current)})"
        raise AlembicError(Cause(what, "bring it to one: alembic upgrade heads with the image that it was migrated by"))
    revision = current[0] if current else ""
    if revision == head:
        return MigrationPlan(revision, head)
    sql = _output(answers, "sql", rest)
    return MigrationPlan(revision, head, _pending(sql, revision, head), sql)


def _answers(log: str, mark: str) -> tuple[Mapping[str, _Answer], str]:
    """Return the answers by name, and what was written after the last: the error stream of a command that failed."""
    framed = re.compile(
        rf"^{re.escape(mark)} begin (?P<name>\w+)\n(?P<output>.*?)\n{re.escape(mark)} end (?P=name) (?P<status>\d+)$",
        re.MULTILINE | re.DOTALL,
    )
    found, end = {}, 0
    for each in framed.finditer(log):
        found[each["name"]] = _Answer(int(each["status"]), each["output"])
        end = each.end()
    return found, log[end:]


def _output(answers: Mapping[str, _Answer], name: str, rest: str) -> str:
    answer = answers.get(name)
    if answer is None:
        raise AlembicError(Cause("the log of the migration plan is not whole", _AGAIN))
    if answer.status == 0:
        return answer.output
    # What it said last on standard output comes before its log: there alembic names the reason in one line.
    lines = [*rest.splitlines(), *answer.output.splitlines()]
    raise AlembicError(
        cause_of(lines)
        or Cause(f"alembic ended with status {answer.status}: {message_of(lines)}", "mend the migrations and release")
    )


def _pending(sql: str, revision: str, head: str) -> tuple[str, ...]:
    """Return the revisions that the SQL brings, in order. Raises AlembicError unless they lead to the head."""
    revisions = tuple(step[1] for step in map(_RUNNING.match, sql.split("\n")) if step)
    if not revisions or revisions[-1] != head or len(set(revisions)) < len(revisions):
        what = f"the SQL of the migrations does not lead from '{revision}' to the head '{head}'"
        raise AlembicError(Cause(what, "see: alembic history --indicate-current"))
    return revisions
