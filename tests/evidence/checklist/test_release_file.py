"""The release file is read from the release's own commit, and says what is wrong with it in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from concerns.release import ReleaseSettings
from evidence.checklist.candidate import read_candidate
from evidence.checklist.release_file import ReleaseFile, ReleaseFileError, parsed, read_release_file, says_something
from tests.evidence.checklist.candidates import VERSION, candidate, release, release_file
from tests.evidence.checkouts import commit, git

PATH = f"releases/{VERSION}.md"


def read(checkout: Path) -> ReleaseFile:
    return read_release_file(candidate(checkout), "releases")


def wrong(checkout: Path) -> ReleaseFileError:
    with pytest.raises(ReleaseFileError) as caught:
        read(checkout)
    assert str(caught.value) == f"{caught.value.path} {caught.value.what}; {caught.value.mend}"
    assert "\n" not in str(caught.value)
    return caught.value


def top_of(**changes: Any) -> str:
    with pytest.raises(ReleaseFileError) as caught:
        parsed(PATH, release_file(**changes))
    return caught.value.what


def test_the_file_of_the_version_is_read_with_its_top_and_its_sections(checkout: Path) -> None:
    release(checkout)
    found = read(checkout)
    assert (found.path, found.top.estimated_minutes, found.top.architecture) == (PATH, 25, "none")
    assert found.lacking("Plan", "Rollback", "Release notes", "Breaking changes", "Architecture") == []


def test_what_the_commit_has_counts_not_what_lies_in_the_work_tree(checkout: Path) -> None:
    release(checkout)
    (checkout / PATH).write_text("nonsense")
    assert read(checkout).top.version == VERSION


def test_a_file_that_is_not_committed_is_not_there(checkout: Path) -> None:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    (checkout / "releases").mkdir()
    (checkout / PATH).write_text(release_file())
    error = wrong(checkout)
    assert "is not part of commit" in error.what
    assert error.mend == f"write it (docs/checklist.md shows one), commit it, and tag that commit {VERSION}"


def test_before_there_is_a_tag_it_is_not_known_which_file(checkout: Path) -> None:
    assert wrong(checkout).path == "releases/<version>.md"


def test_where_no_tag_is_asked_for_the_image_tag_names_the_file(checkout: Path) -> None:
    found = read_candidate(checkout / "app", ReleaseSettings(), "dev")
    with pytest.raises(ReleaseFileError, match=f"releases/dev-{found.revision.short}.md is not part of commit"):
        read_release_file(found, "releases")


def test_a_tag_that_lies_on_the_wrong_branch_still_names_the_version(checkout: Path) -> None:
    release(checkout)
    wanted = ReleaseSettings(tag="v%Y.%m.%d", branch="release/v%Y.%m.%d", pushed=True)
    assert read_candidate(checkout / "app", wanted, "prod").version == VERSION


def test_the_file_of_another_version_under_this_name_is_wrong(checkout: Path) -> None:
    release(checkout, release_file(version="v2031.05.13"))
    error = wrong(checkout)
    assert (error.what, error.mend.partition(",")[0]) == (
        "says that it is of version 'v2031.05.13'",
        f"set its version to {VERSION}",
    )


def test_text_that_is_not_utf8_is_told(checkout: Path) -> None:
    (checkout / "releases").mkdir()
    (checkout / PATH).write_bytes(b"---\nversion: \xe9\n---\n")
    commit(checkout)
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    assert wrong(checkout).what == "is not UTF-8"


@pytest.mark.parametrize("text", ["", "# Release\n", "---\nversion: x\n", "text\n---\na: 1\n---\n"])
def test_without_a_top_it_says_so(text: str) -> None:
    with pytest.raises(ReleaseFileError, match="does not begin with YAML between two lines"):
        parsed(PATH, text)


@pytest.mark.parametrize("top", ["- a", "a: [", "a: b: c", "1: !!python/object x", "", "? [a]\n: 1"])
def test_a_top_that_is_no_object_is_told_without_a_traceback(top: str) -> None:
    with pytest.raises(ReleaseFileError):
        parsed(PATH, f"---\n{top}\n---\n")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"estimated_minutes": ...}, "estimated_minutes: is missing; How long the deployment takes"),
        ({"estimated_minutes": 0}, "estimated_minutes: got 0; should be greater than or equal to 1"),
        ({"estimated_minutes": "25 minutes"}, "estimated_minutes: got '25 minutes'; should be a valid integer"),
        ({"rollback": "<how to go back>"}, "rollback: got '<how to go back>'; must be filled in"),
        ({"rollback": " "}, "rollback: got ' '; must be filled in"),
        ({"breaking_changes": ...}, "breaking_changes: is missing; One text for each breaking change"),
        ({"breaking_changes": [""]}, "breaking_changes.0: got ''; must be filled in"),
        ({"architecture": []}, "architecture: got none; must be the word none, or name a decision"),
        ({"critical": "no"}, "critical: got 'no'; should be a valid boolean"),
        ({"critical": ...}, "critical: is missing; Whether the incident response team stands by"),
        ({"announcement": "told everybody"}, "announcement: got 'told everybody'"),
        ({"rolback": "x"}, "rolback: there is no such setting; did you mean 'rollback'?"),
    ],
)
def test_each_wrong_value_is_named_with_what_is_allowed(changes: dict[str, Any], said: str) -> None:
    assert said in top_of(**changes)


def test_all_wrong_values_are_named_at_once() -> None:
    what = top_of(estimated_minutes=0, critical=3)
    assert "estimated_minutes" in what
    assert "critical" in what


@pytest.mark.parametrize("announcement", ["", "https://chat.internal/archives/C1/p1"])
def test_an_announcement_is_an_address_or_none(announcement: str) -> None:
    assert parsed(PATH, release_file(announcement=announcement))[0].announcement == announcement


@pytest.mark.parametrize(
    "text",
    ["", " \n\t\n", "TBD", "tba.", "- TODO", "* [ ] to do", "...", "…", "N/A", "<how to go back>", "To be written.",
     "<!-- what happens,\nstep by step -->", "**TBD**", "### Steps\n\n1. tbd\n2. <what>", "> -",
     "lorem ipsum dolor sit"],
)  # fmt: skip
def test_a_section_that_only_says_that_it_is_to_be_written_says_nothing(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize(
    "text", ["None.", "No change.", "TBD\nDeploy at night.", "- deploy", "<https://wiki.internal/plan>x", "1. deploy"]
)
def test_a_section_with_one_line_of_content_says_something(text: str) -> None:
    assert says_something(text)


def test_a_section_ends_at_the_next_heading_of_its_level_and_has_what_is_below_it() -> None:
    sections = {"Plan": "### Steps\n\ndeploy", "Rollback": "", "Release notes": "```\n## Rollback\nno heading\n```"}
    found = parsed(PATH, release_file(sections=sections))[1]
    file = ReleaseFile(PATH, parsed(PATH, release_file())[0], found)
    assert file.lacking("Plan", "Rollback", "Release notes", "Architecture") == ["Rollback", "Architecture"]


def test_headings_are_found_whatever_their_level_and_case() -> None:
    found = parsed(PATH, release_file(sections={}) + "#### RELEASE NOTES ##\n\n- one\n")[1]
    assert says_something(found["release notes"])
