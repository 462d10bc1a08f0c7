"""Items 6, 7 and 9: what the release file says is there, is not empty, and agrees with the commits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.since import SinceError
from evidence.checklist.written_items import architecture, notes, plan
from tests.evidence.checklist.candidates import (
    SECTIONS,
    VERSION,
    candidate,
    change,
    checklist_settings,
    is_open,
    push,
    release,
    release_file,
)
from tests.evidence.checkouts import git
from tests.evidence.forge.github_stand_in import WEB, GitHubStandIn

PATH = f"releases/{VERSION}.md"
Item = Callable[..., Prover]


def judged(item: Item, checkout: Path, text: str | None = None, *, before: str = "") -> Proof:
    release(checkout, text)
    return item(candidate(checkout, before), checklist_settings(), None)()


def notes_of(checkout: Path, *listed: str, messages: tuple[str, ...]) -> Proof:
    """Return the proof of a release that brings a commit for each message, and lists the breaking changes."""
    before = git(checkout, "rev-parse", "HEAD")
    for message in messages:
        git(checkout, "commit", "-q", "--allow-empty", "-m", message)
    return judged(notes, checkout, release_file(breaking_changes=list(listed)), before=before)


@pytest.mark.parametrize("item", [plan, notes, architecture])
def test_a_complete_file_is_proven_with_a_link_to_it(checkout: Path, item: Item) -> None:
    assert judged(item, checkout).state is State.PROVEN
    sha = git(checkout, "rev-parse", "HEAD")
    proof = item(candidate(checkout), checklist_settings(), GitHubStandIn().forge())()
    assert proof.link == f"{WEB}/blob/{sha}/{PATH}"


@pytest.mark.parametrize("item", [plan, notes, architecture])
def test_without_the_file_each_of_the_three_is_missing(checkout: Path, item: Item) -> None:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    found = item(candidate(checkout), checklist_settings(), None)()
    is_open(found, State.MISSING, "is not part of commit", "write it (docs/checklist.md shows one)")
    assert found.source == PATH


@pytest.mark.parametrize("item", [plan, notes, architecture])
def test_a_file_that_is_wrong_proves_none_of_the_three(checkout: Path, item: Item) -> None:
    is_open(judged(item, checkout, release_file(critical="no")), State.MISSING, "critical: got 'no'", "correct it")


@pytest.mark.parametrize(
    ("item", "title"),
    [
        (plan, "Plan"),
        (plan, "Rollback"),
        (notes, "Release notes"),
        (notes, "Breaking changes"),
        (architecture, "Architecture"),
    ],
)
@pytest.mark.parametrize("text", ["", "TBD", None])
def test_a_section_that_is_missing_or_empty_opens_its_item_alone(
    checkout: Path, item: Item, title: str, text: str | None
) -> None:
    sections = {**SECTIONS, title: text or ""}
    if text is None:
        del sections[title]
    found = judged(item, checkout, release_file(sections=sections))
    is_open(found, State.MISSING, f"section '{title}' is missing or says nothing yet", f"correct {PATH}, commit that")
    others = [
        other(candidate(checkout), checklist_settings(), None)() for other in {plan, notes, architecture} - {item}
    ]
    assert [each.state for each in others] == [State.PROVEN, State.PROVEN]


def test_the_plan_says_how_long_it_takes_and_how_to_go_back(checkout: Path) -> None:
    assert judged(plan, checkout).value == "25 minutes; to go back: make rollback STACK=prod"


def test_a_rollback_procedure_that_is_no_part_of_the_commit_is_missing(checkout: Path) -> None:
    text = release_file(rollback="docs/rollback-procedure.md")
    is_open(judged(plan, checkout, text), State.MISSING, "docs/rollback-procedure.md is not part of", "correct")
    change(checkout, "docs/rollback-procedure.md", "# Going back\n")
    assert judged(plan, checkout, text).state is State.PROVEN


BREAKING = "feat(api)!: drop the field owner"


@pytest.mark.parametrize(
    "message",
    [
        BREAKING,
        "feat!: drop the field owner",
        "feat: other words\n\nBREAKING CHANGE: drop the field owner",
        "feat: other words\n\nBREAKING-CHANGE: drop the field owner",
        "release (#12)\n\n* feat(api)!: drop the field owner\n* fix: a word",
    ],
)
def test_a_commit_that_breaks_something_must_be_listed(checkout: Path, message: str) -> None:
    found = notes_of(checkout, messages=(message,))
    is_open(found, State.MISSING, "breaks 'drop the field owner', and breaking_changes lacks it", f"correct {PATH}")


def test_a_listed_one_is_found_by_its_words_or_its_commit(checkout: Path) -> None:
    by_words = notes_of(checkout, "Drop the field  owner. Use `owners`.", messages=(BREAKING,))
    assert (by_words.state, by_words.value) == (State.PROVEN, "1 breaking change")
    broke = git(checkout, "log", "--grep=owner", "--format=%h", "--abbrev=7")
    before = git(checkout, "rev-parse", f"{broke}^")
    text = release_file(breaking_changes=[f"{broke}: `owner` is gone"])
    assert judged(notes, checkout, text, before=before).state is State.PROVEN


def test_what_is_listed_must_be_said_by_a_commit(checkout: Path) -> None:
    found = notes_of(checkout, "the field color is gone", messages=("feat: drop the field color",))
    is_open(found, State.MISSING, "'the field color is gone', which no commit of this release says", f"correct {PATH}")


def test_everything_that_disagrees_is_told_at_once(checkout: Path) -> None:
    found = notes_of(checkout, "something else", messages=(BREAKING, "fix!: round prices"))
    assert found.value.count("breaking_changes lacks it") == 2
    assert "something else" in found.value


@pytest.mark.parametrize("message", ["fix: it is fast!", "Breaking news!", "see BREAKING CHANGE: none", "wow! : x"])
def test_other_commits_break_nothing(checkout: Path, message: str) -> None:
    found = notes_of(checkout, messages=(message,))
    assert (found.state, found.value) == (State.PROVEN, "no breaking changes")


def test_what_broke_before_the_release_that_runs_is_not_asked_for(checkout: Path) -> None:
    git(checkout, "commit", "-q", "--allow-empty", "-m", BREAKING)
    assert notes_of(checkout, messages=("fix: a word",)).state is State.PROVEN


def test_before_the_first_release_there_is_nothing_to_break(checkout: Path) -> None:
    git(checkout, "commit", "-q", "--allow-empty", "-m", BREAKING)
    assert judged(notes, checkout).state is State.PROVEN


def test_what_is_found_does_not_change_when_the_release_itself_runs(checkout: Path) -> None:
    first = notes_of(checkout, "drop the field owner", messages=(BREAKING,))
    assert "as the commits since" in first.seen
    after = notes(candidate(checkout, git(checkout, "rev-parse", "HEAD")), checklist_settings(), None)()
    assert (after.state, after.value) == (first.state, first.value) == (State.PROVEN, "1 breaking change")


def test_commits_that_this_clone_does_not_have_make_it_unknown(checkout: Path) -> None:
    push(checkout)
    with pytest.raises(SinceError, match="so it is not known what changes; git fetch origin"):
        judged(notes, checkout, before="1" * 40)


def test_a_decision_is_an_address_or_a_file_of_the_commit(checkout: Path) -> None:
    text = release_file(architecture=["docs/decisions/0007-queue.md", "https://wiki.internal/adr/8"])
    is_open(judged(architecture, checkout, text), State.MISSING, "0007-queue.md is not part of the commit", "correct")
    change(checkout, "docs/decisions/0007-queue.md", "# Queue\n")
    found = judged(architecture, checkout, text)
    assert found.value == "decided in docs/decisions/0007-queue.md, https://wiki.internal/adr/8"
    assert found.link == "https://wiki.internal/adr/8"


def test_a_decision_that_nobody_can_look_up_does_not_count(checkout: Path) -> None:
    found = judged(architecture, checkout, release_file(architecture=["we talked about it"]))
    is_open(found, State.MISSING, "'we talked about it' is neither an address nor a file", "correct")


def test_no_change_of_the_architecture_is_said_in_words(checkout: Path) -> None:
    assert judged(architecture, checkout).value == "nothing changes in the architecture"
