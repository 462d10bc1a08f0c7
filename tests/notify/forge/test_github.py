"""There is one comment and one issue, never two; nobody else's is touched; a forge that is down is told of, bounded."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from notify.forge.github import GitHub
from notify.forge.gitlab import GitLab
from notify.sending import NotTold
from tests.fake_time import FakeTime
from tests.notify.forge.stand_in import REPOSITORY, TOKEN, ForgeStandIn

MARKER = "<!-- ours -->"
LABELS = ("drift", "prod")


def github(forge: ForgeStandIn, time: FakeTime | None = None, token: str = TOKEN) -> GitHub:
    client = httpx.Client(transport=httpx.MockTransport(forge.handle))
    clock = (time or FakeTime()).clock
    return GitHub.of(client, clock, api="https://api.github.example", repository=REPOSITORY, token=token)


def gitlab(forge: ForgeStandIn) -> GitLab:
    client = httpx.Client(transport=httpx.MockTransport(forge.handle))
    return GitLab.of(client, FakeTime().clock, api="https://gitlab.example/api/v4", project="12", token=TOKEN)


def bodies(forge: ForgeStandIn) -> list[str]:
    return [each["body"] for each in forge.comments]


def first_post() -> Callable[[str, str], httpx.Response | None]:
    """Return what lets the first request fail that makes something new."""
    lost = iter([httpx.Response(502)])
    return lambda method, _path: next(lost, None) if method == "POST" else None


def test_the_comment_is_made_once_and_changed_from_then_on() -> None:
    forge = ForgeStandIn()
    first = github(forge).comment(7, MARKER, f"{MARKER} one")
    assert github(forge).comment(7, MARKER, f"{MARKER} two") == first
    assert bodies(forge) == [f"{MARKER} two"]
    assert first.endswith("issuecomment-1")


def test_the_comment_is_found_among_many() -> None:
    forge = ForgeStandIn()
    for each in range(70):
        forge.write(f"talk {each}", "ana")
    github(forge).comment(7, MARKER, f"{MARKER} one")
    for each in range(70):
        forge.write(f"more talk {each}", "ana")
    github(forge).comment(7, MARKER, f"{MARKER} two")
    assert [each for each in bodies(forge) if MARKER in each] == [f"{MARKER} two"]


def test_a_comment_of_somebody_else_with_the_marker_is_left_alone() -> None:
    forge = ForgeStandIn()
    forge.write(f"{MARKER} mine", "mallory")
    forge.write(f"quoting {MARKER}")
    github(forge).comment(7, MARKER, f"{MARKER} one")
    assert bodies(forge) == [f"{MARKER} mine", f"quoting {MARKER}", f"{MARKER} one"]


def test_a_comment_whose_answer_was_lost_is_not_made_again() -> None:
    forge = ForgeStandIn(fails=first_post(), late=True)
    github(forge).comment(7, MARKER, f"{MARKER} one")
    assert bodies(forge) == [f"{MARKER} one"]


def test_a_comment_that_did_not_go_through_is_made_in_a_second_try() -> None:
    forge = ForgeStandIn(fails=first_post())
    github(forge).comment(7, MARKER, f"{MARKER} one")
    assert bodies(forge) == [f"{MARKER} one"]


def test_a_forge_that_is_down_is_told_of_in_bounded_time() -> None:
    time = FakeTime()
    forge = ForgeStandIn(fails=lambda _method, _path: httpx.Response(503))
    with pytest.raises(NotTold, match="GitHub: it answers 503"):
        github(forge, time).comment(7, MARKER, MARKER)
    assert time.passed < 60
    assert len(forge.asked) < 10


def test_a_refusal_names_the_permission_and_not_the_token() -> None:
    with pytest.raises(NotTold, match="pull-requests: write") as caught:
        github(ForgeStandIn(), token="a-wrong-token").comment(7, MARKER, MARKER)
    assert "a-wrong-token" not in str(caught.value)


def test_the_issue_is_opened_once_changed_and_closed() -> None:
    forge = ForgeStandIn()
    for text in ("one", "two"):
        github(forge).issue(MARKER, f"drift {text}", f"{MARKER} {text}", LABELS)
    assert [(each["title"], each["body"], each["state"]) for each in forge.issues] == [
        ("drift two", f"{MARKER} two", "open")
    ]
    assert github(forge).close_issue(MARKER, "gone", LABELS)
    assert (forge.issues[0]["state"], forge.issues[0]["said"]) == ("closed", ["gone"])
    assert github(forge).close_issue(MARKER, "gone", LABELS) == ""
    github(forge).issue(MARKER, "again", f"{MARKER} again", LABELS)
    assert [each["state"] for each in forge.issues] == ["closed", "open"]


def test_approvals_are_those_of_the_environment() -> None:
    def review(login: str, state: str, *environments: str) -> dict[str, object]:
        return {"user": {"login": login}, "state": state, "environments": [{"name": each} for each in environments]}

    reviews = [review("ana", "approved", "production"), review("bo", "rejected", "production")]
    reviews += [review("cy", "approved", "staging"), review("ana", "approved", "production")]
    assert github(ForgeStandIn(reviews=reviews)).approvers("42", "production") == ["ana"]


def test_a_note_on_a_merge_request_is_made_once_and_changed_from_then_on() -> None:
    forge = ForgeStandIn()
    forge.write("talk")
    for text in ("one", "two"):
        gitlab(forge).comment(7, MARKER, f"{MARKER} {text}")
    assert bodies(forge) == ["talk", f"{MARKER} two"]
    assert forge.wrong == []
