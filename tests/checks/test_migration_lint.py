"""What locks and what destroys is marked by the real linter, line and revision; no look is never a clean look."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checks.compatibility import BREAKING
from checks.migration_lint import ASKED_FOR, TASTE, Finding, LintError, Output, lint, run_squawk
from checks.migration_plan import MigrationPlan


def plan(*statements: str) -> MigrationPlan:
    sql = "BEGIN;\n\nSET lock_timeout = '5s';\n\n-- Running upgrade 0003 -> 0004\n\n" + "\n".join(
        [*statements, "COMMIT;"]
    )
    return MigrationPlan("0003", "0005", ("0004", "0005"), sql)


def rules(*statements: str) -> set[str]:
    return {finding.rule for finding in lint(plan(*statements))}


def test_a_finding_names_rule_line_and_revision() -> None:
    found = lint(plan("SELECT 1;", "-- Running upgrade 0004 -> 0005", "ALTER TABLE a DROP COLUMN b;"))
    assert found == (Finding("ban-drop-column", 9, "0005", "Dropping a column may break existing clients."),)
    assert str(found[0]) == "ban-drop-column (0005, line 9): Dropping a column may break existing clients."


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE a DROP COLUMN b;", "ban-drop-column"),
        ("DROP TABLE a;", "ban-drop-table"),
        ("ALTER TABLE a RENAME COLUMN b TO c;", "renaming-column"),
        ("ALTER TABLE a RENAME TO b;", "renaming-table"),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint;", "changing-column-type"),
        ("ALTER TABLE a ADD COLUMN b text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL;", "adding-not-nullable-field"),
        ("ALTER TABLE a ALTER COLUMN b DROP DEFAULT;", "ban-drop-default"),
        ("ALTER TABLE a SET SCHEMA other;", "ban-set-schema"),
        ("REVOKE ALL ON a FROM b;", "ban-revoke"),
        ("DROP VIEW a;", "ban-drop-view"),
        ("ALTER TYPE a RENAME VALUE 'b' TO 'c';", "renaming-object"),
        ("this is no sql;", "syntax-error"),
    ],
)
def test_what_breaks_the_running_version_is_marked_with_a_rule_that_counts_as_breaking(
    statement: str, rule: str
) -> None:
    assert rule in rules(statement)
    assert rule in BREAKING


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("CREATE INDEX i ON a (b);", "require-concurrent-index-creation"),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);", "constraint-missing-not-valid"),
        ("ALTER TABLE a ADD CONSTRAINT c UNIQUE (b);", "disallowed-unique-constraint"),
    ],
)
def test_what_only_locks_is_marked_and_does_not_count_as_breaking(statement: str, rule: str) -> None:
    assert rules(statement) >= {rule}
    assert not rules(statement) & BREAKING


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE a ADD COLUMN b text;",
        "ALTER TABLE a ADD COLUMN b varchar(16) DEFAULT 'x' NOT NULL;",
        "CREATE TABLE c (id SERIAL NOT NULL, b INTEGER, PRIMARY KEY (id));",
        "CREATE TABLE c (id SERIAL NOT NULL); CREATE INDEX i ON c (id);",
    ],
)
def test_what_expands_is_not_marked(statement: str) -> None:
    assert rules(statement) == set()


@pytest.mark.parametrize(
    "comment", ["-- squawk-ignore ban-drop-column", "-- squawk-ignore-file", "/* squawk-ignore */"]
)
def test_the_sql_cannot_switch_the_linter_off(comment: str) -> None:
    assert "ban-drop-column" in rules(comment, "ALTER TABLE a DROP COLUMN b;")


def test_a_settings_file_in_the_directory_cannot_switch_the_linter_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["ban-drop-column"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "ban-drop-column" in rules("ALTER TABLE a DROP COLUMN b;")


def test_every_rule_that_is_named_here_is_known_to_the_linter() -> None:
    known = BREAKING - {"syntax-error"} | set(TASTE) | set(ASKED_FOR)
    squawk = Path(sys.executable).with_name("squawk")
    done = subprocess.run(
        [squawk, "--exclude", ",".join(sorted(known))], input="", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "output",
    [
        Output(1, "", "Configuration error: no such file"),
        Output(1, "[]", ""),
        Output(2, "[]", ""),
        Output(0, "{}", ""),
        Output(1, json.dumps([{"rule_name": "x"}]), ""),
        Output(-9, "", ""),
    ],
)
def test_a_linter_that_gives_no_usable_answer_is_not_a_clean_look(output: Output) -> None:
    with pytest.raises(LintError, match="squawk ended with status"):
        lint(plan("SELECT 1;"), lambda _sql: output)


def test_a_linter_that_is_missing_is_told_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name, **_path: None)
    with pytest.raises(LintError, match=r"is not installed\. To mend it: "):
        run_squawk("SELECT 1;")


@pytest.mark.parametrize("error", [subprocess.TimeoutExpired("squawk", 30), PermissionError("no")])
def test_a_linter_that_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(LintError, match="squawk does not run"):
        run_squawk("SELECT 1;")
