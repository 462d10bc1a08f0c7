"""Item 4: no test is known to fail, and no line that this release adds is marked as unfinished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evidence.checklist.markers import markers
from evidence.checklist.proof import Proof, State
from evidence.checklist.since import SinceError
from tests.evidence.checklist.candidates import candidate, change, checklist_settings, is_open, push
from tests.evidence.checkouts import git

XFAIL = '<testcase classname="t" name="known"><skipped type="pytest.xfail" message="later"/></testcase>'


def found_in(checkout: Path, before: str = "", cases: str = '<testcase name="a"/>', **wanted: Any) -> Proof:
    file = checkout.parent / f"{checkout.name}-report.xml"
    suite = git(checkout, "rev-parse", "HEAD")
    file.write_text(f'<testsuites><testsuite name="{suite}">{cases}</testsuite></testsuites>')
    settings = checklist_settings(test_reports=[str(file)], **({"markers": wanted} if wanted else {}))
    return markers(candidate(checkout, before), settings)()


def head(checkout: Path) -> str:
    return git(checkout, "rev-parse", "HEAD")


def test_without_markers_and_known_failures_it_is_proven(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", "print(2)\n")
    found = found_in(checkout, before)
    assert found.state is State.PROVEN
    assert found.seen == f"lines added since {before[:7]}"


@pytest.mark.parametrize("marker", ["TODO", "FIXME", "XXX", "TO-DO"])
def test_an_added_marker_is_named_with_its_file_and_line(checkout: Path, marker: str) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", f"print(1)\nprint(2)\n# {marker}: both\n")
    is_open(found_in(checkout, before), State.MISSING, f"app/main.py:3 ({marker})", "finish what is marked")


def test_a_marker_that_stood_there_before_is_not_of_this_release(checkout: Path) -> None:
    before = change(checkout, "app/old.py", "# TODO: once\na = 1\n")
    change(checkout, "app/old.py", "# TODO: once\na = 2\n")
    assert found_in(checkout, before).state is State.PROVEN
    assert found_in(checkout).state is State.MISSING, "before the first release all lines are added"


def test_a_marker_that_is_taken_out_is_none(checkout: Path) -> None:
    before = change(checkout, "app/old.py", "# TODO: once\na = 1\n")
    change(checkout, "app/old.py", "a = 1\n")
    assert found_in(checkout, before).state is State.PROVEN


def test_what_is_no_part_of_the_image_blocks_only_where_it_is_named(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "notes.txt", "TODO\n")
    assert found_in(checkout, before).state is State.PROVEN
    assert "notes.txt:1" in found_in(checkout, before, paths=["notes.txt"]).value


def test_the_patterns_are_those_of_the_settings(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", "# TODO\n# stopship\n")
    assert "app/main.py:2 (stopship)" in found_in(checkout, before, patterns=["stop ?ship"]).value


def test_a_word_that_only_holds_a_marker_is_none(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", "TODOS = list_todo(XXXL)\n")
    assert found_in(checkout, before).state is State.PROVEN


def test_lines_are_counted_right_whatever_stands_in_them(checkout: Path) -> None:
    """Text that looks like a part of a diff, files without a last line break, and other encodings."""
    before = change(checkout, "app/a.txt", "one\n++ b/app/fake.py\n-- a/x\nlast")
    text = b"zero\none\n++ b/app/fake.py\n@@ -1 +90,3 @@\n-- a/y\nlast line\r\n" + b"# \xe9 TODO"
    change(checkout, "app/a.txt", text)
    change(checkout, "app/ü b.py", "x\n\n# FIXME\n")
    found = found_in(checkout, before)
    assert "app/a.txt:7 (TODO)" in found.value
    assert "app/ü b.py:3 (FIXME)" in found.value
    assert "fake.py" not in found.value


def test_the_settings_of_whoever_runs_git_change_nothing(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", "# TODO\n")
    for name, value in {"diff.noprefix": "true", "diff.mnemonicPrefix": "true", "color.ui": "always"}.items():
        git(checkout, "config", name, value)
    git(checkout, "config", "diff.relative", "true")
    git(checkout, "config", "diff.external", "/bin/false")
    assert "app/main.py:1" in found_in(checkout, before).value


def test_many_hits_are_counted(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", "# TODO\n" * 9)
    assert found_in(checkout, before).value.endswith("app/main.py:3 (TODO) and 6 more")


def test_a_test_that_is_expected_to_fail_is_named(checkout: Path) -> None:
    is_open(found_in(checkout, cases=XFAIL), State.MISSING, "expected to fail: t::known", "mend what is expected")


def test_a_test_that_is_skipped_is_not_known_to_fail(checkout: Path) -> None:
    cases = '<testcase name="a"><skipped type="pytest.skip" message="no display"/></testcase>'
    assert found_in(checkout, cases=cases).state is State.PROVEN


def test_a_failed_test_is_missing(checkout: Path) -> None:
    cases = '<testcase name="a"><failure message="[XPASS(strict)] mended"/></testcase>'
    is_open(found_in(checkout, cases=cases), State.MISSING, "a failed", "mend what failed")


def test_without_a_report_it_is_not_known_which_tests_fail(checkout: Path) -> None:
    found = markers(candidate(checkout), checklist_settings())()
    is_open(found, State.MISSING, "no report of the tests is configured", "set checklist.test_reports")


def test_a_release_whose_commit_is_not_in_this_clone_cannot_be_compared(checkout: Path) -> None:
    push(checkout)
    with pytest.raises(SinceError, match=r"does not have commit 1111111.*; git fetch origin 1{40}"):
        found_in(checkout, "1" * 40)


def test_what_is_found_does_not_change_when_the_release_itself_runs(checkout: Path) -> None:
    before = head(checkout)
    change(checkout, "app/main.py", "print(2)\n")
    first, after = found_in(checkout, before), found_in(checkout, head(checkout))
    assert (first.state, first.source, first.value) == (after.state, after.source, after.value)
