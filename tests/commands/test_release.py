"""A release is made whole or not at all: a file that says what people know, its commit, a tag on it, and a branch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.release import Names, ReleaseError, Releasing
from commands.release_file import Commit, Told, told
from concerns.release import ReleaseSettings
from evidence.checklist.release_file import parsed, says_something
from evidence.release import read_release
from tests.evidence.checkouts import copied, git

PROD = ReleaseSettings(tag="v%Y.%m.%d", branch="release/v%Y.%m.%d", pushed=True)
STAGING = ReleaseSettings(tag="v%Y.%m.%d.%H%M%S")
AT = datetime(2026, 11, 23, 10, 15, 30, tzinfo=UTC)
SAID: Mapping[str, str] = {
    "estimated_minutes": "25",
    "rollback": "make rollback STACK=prod",
    "breaking": "none",
    "architecture": "none",
    "critical": "no",
    "announcement": "https://announcements.example/7",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout on main with one commit, which its remote has."""
    for variable in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{variable}_NAME", "A Developer")
        monkeypatch.setenv(f"GIT_{variable}_EMAIL", "developer@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    return copied(_pushed, tmp_path) / "checkout"


def _pushed(directory: Path) -> None:
    checkout = directory / "checkout"
    git(directory, "init", "-q", "--bare", "-b", "main", "remote.git")
    git(directory, "init", "-q", "-b", "main", "checkout")
    git(checkout, "remote", "add", "origin", str(directory / "remote.git"))
    say(checkout, "first")
    git(checkout, "push", "-q", "-u", "origin", "main")


def say(directory: Path, message: str) -> None:
    git(directory, "commit", "-q", "--allow-empty", "-m", message)


def releasing(directory: Path, settings: ReleaseSettings = PROD, at: datetime = AT, **more: Any) -> Releasing:
    return Releasing(directory, "prod", Names.of(settings, "prod", at), **more)


def make(directory: Path, *, settings: ReleaseSettings = PROD, at: datetime = AT, push: bool = False) -> list[str]:
    return releasing(directory, settings, at).run(told(SAID), push=push)


def front_matter(directory: Path, version: str = "v2026.11.23") -> dict[str, Any]:
    text = (directory / "releases" / f"{version}.md").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def state(directory: Path) -> str:
    return git(directory, "for-each-ref") + git(directory, "status", "--porcelain", "--branch", "--ignored")


def test_a_release_is_what_production_asks_for(checkout: Path) -> None:
    make(checkout, push=True)
    assert read_release(checkout, PROD).release == "v2026.11.23"


def test_the_tag_is_annotated_on_the_commit_that_has_the_file(checkout: Path) -> None:
    make(checkout)
    assert git(checkout, "cat-file", "-t", "v2026.11.23") == "tag"
    assert git(checkout, "show", "--name-only", "--format=", "v2026.11.23^{commit}") == "releases/v2026.11.23.md"
    heads = {git(checkout, "rev-parse", name) for name in ("HEAD", "main", "release/v2026.11.23", "v2026.11.23^{}")}
    assert len(heads) == 1


def test_nothing_is_pushed_unless_it_is_asked_for(checkout: Path) -> None:
    lines = make(checkout)
    assert "git push --atomic origin main release/v2026.11.23 v2026.11.23" in "\n".join(lines)
    assert git(checkout, "ls-remote", "--tags", "origin") == ""


def test_the_file_has_what_people_said(checkout: Path) -> None:
    make(checkout)
    assert front_matter(checkout) == {
        "version": "v2026.11.23",
        "estimated_minutes": 25,
        "rollback": "make rollback STACK=prod",
        "breaking_changes": [],
        "architecture": "none",
        "critical": False,
        "announcement": "https://announcements.example/7",
    }
    text = (checkout / "releases/v2026.11.23.md").read_text(encoding="utf-8")
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles == ["Plan", "Rollback", "Release notes", "Breaking changes", "Architecture"]


def test_the_notes_are_the_commits_since_the_release_before(checkout: Path) -> None:
    make(checkout, at=AT.replace(day=20))
    say(checkout, "feat(api): list releases by owner")
    say(checkout, "fix!: /health answers 503\n\nBREAKING CHANGE: probes that expect 200 must change")
    say(checkout, "Tidy up")
    lines = make(checkout)
    text = (checkout / "releases/v2026.11.23.md").read_text(encoding="utf-8")
    assert "with 3 commits since v2026.11.20" in lines
    assert "Since v2026.11.20:" in text
    assert text.index("### New") < text.index("list releases by owner") < text.index("### Mended")
    assert text.index("### Other changes") < text.index("- Tidy up (")
    assert "first" not in text
    fix = git(checkout, "log", "--format=%h", "--grep=BREAKING", "-1")[:7]
    assert front_matter(checkout)["breaking_changes"] == [f"probes that expect 200 must change ({fix})"]


def test_the_file_of_a_release_of_another_stack_is_no_change(checkout: Path) -> None:
    make(checkout, settings=STAGING)
    lines = make(checkout)
    assert "with 1 commit since the beginning" in lines
    assert "Release v2026" not in (checkout / "releases/v2026.11.23.md").read_text(encoding="utf-8")


def test_the_checklist_can_read_the_file(checkout: Path) -> None:
    make(checkout)
    file = checkout / "releases/v2026.11.23.md"
    top, sections = parsed(file.name, file.read_text(encoding="utf-8"))
    assert (top.version, top.estimated_minutes, top.architecture) == ("v2026.11.23", 25, "none")
    wanted = ("plan", "rollback", "release notes", "breaking changes", "architecture")
    assert [title for title in wanted if not says_something(sections[title])] == []


def test_tags_of_another_form_are_no_release_before(checkout: Path) -> None:
    make(checkout, settings=STAGING)
    say(checkout, "more")
    git(checkout, "tag", "-a", "v1.9", "-m", "of something else")
    assert "since the beginning" in make(checkout)[1]


@pytest.mark.parametrize("name", ["new.txt", "sandbox/new.txt"])
def test_a_dirty_tree_is_refused_and_left_as_it_is(checkout: Path, name: str) -> None:
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("x", encoding="utf-8")
    before = state(checkout)
    with pytest.raises(ReleaseError, match=f"not as committed .*{name}"):
        make(checkout)
    assert state(checkout) == before


def test_a_version_is_released_once(checkout: Path) -> None:
    make(checkout)
    say(checkout, "more")
    before = state(checkout)
    with pytest.raises(ReleaseError, match=r"tag v2026\.11\.23 exists already.*tomorrow"):
        make(checkout)
    assert state(checkout) == before


def test_a_release_of_nothing_new_is_refused(checkout: Path) -> None:
    make(checkout, at=AT.replace(day=20))
    before = state(checkout)
    with pytest.raises(ReleaseError, match=r"nothing new since v2026\.11\.20"):
        make(checkout)
    assert state(checkout) == before


@pytest.mark.parametrize(
    ("what", "says"), [("branch", "branch release/v2026.11.23 exists"), ("file", "exists already")]
)
def test_what_is_left_of_another_release_is_refused(checkout: Path, what: str, says: str) -> None:
    if what == "branch":
        git(checkout, "branch", "release/v2026.11.23")
    else:
        (checkout / "releases").mkdir()
        (checkout / "releases/v2026.11.23.md").write_text("x", encoding="utf-8")
        git(checkout, "add", "-A")
        say(checkout, "by hand")
    with pytest.raises(ReleaseError, match=says):
        make(checkout)


def test_a_release_whose_commit_is_refused_leaves_nothing(checkout: Path) -> None:
    hook = checkout / ".git/hooks/pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho 'no commits today' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    before = state(checkout)
    with pytest.raises(ReleaseError, match="nothing was changed: no commits today"):
        make(checkout)
    assert state(checkout) == before


def test_a_push_that_is_refused_says_how_it_gets_to_main(checkout: Path) -> None:
    hook = Path(git(checkout, "remote", "get-url", "origin")) / "hooks/pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    with pytest.raises(ReleaseError, match=r"is not pushed .*git push origin release/v2026\.11\.23 v2026\.11\.23"):
        make(checkout, push=True)


def test_what_nobody_said_is_asked_for(checkout: Path) -> None:
    asked: list[str] = []
    answers = iter(["many", "25", "", "undo it", "none", "https://adr.example/3; https://adr.example/4", "yes", ""])

    def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    releasing(checkout, ask=ask).run(Told(), push=False)
    assert "'many' is no whole number" in asked[1]
    assert front_matter(checkout)["estimated_minutes"] == 25
    assert front_matter(checkout)["architecture"] == ["https://adr.example/3", "https://adr.example/4"]
    assert front_matter(checkout)["critical"] is True


def test_where_nobody_can_be_asked_the_options_are_named_and_nothing_is_changed(checkout: Path) -> None:
    before = state(checkout)
    with pytest.raises(ReleaseError) as caught:
        releasing(checkout).run(told({"rollback": "undo"}), push=False)
    for option in ("MINUTES=", "BREAKING=", "ARCHITECTURE=", "CRITICAL=", "ANNOUNCEMENT="):
        assert option in str(caught.value)
    assert "ROLLBACK=" not in str(caught.value)
    assert state(checkout) == before


def test_questions_have_an_end(checkout: Path) -> None:
    with pytest.raises(ReleaseError, match="no usable answer after 3 tries"):
        releasing(checkout, ask=lambda _question: "").run(Told(), push=False)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("estimated_minutes", "0", "MINUTES is wrong: '0'"),
        ("critical", "maybe", "CRITICAL is wrong"),
        ("announcement", "in the corridor", "ANNOUNCEMENT is wrong"),
    ],
)
def test_an_option_that_is_wrong_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        told({name: value})


def test_a_stack_without_release_tags_has_no_releases() -> None:
    with pytest.raises(ReleaseError, match="'dev' has no releases"):
        Names.of(ReleaseSettings(), "dev", AT)


def test_a_breaking_change_is_known_by_its_sign_alone() -> None:
    assert Commit("a", "b", "feat(api)!: drop v1").breaking == ("drop v1",)
    assert Commit("a", "b", "feat: add v2").breaking == ()
