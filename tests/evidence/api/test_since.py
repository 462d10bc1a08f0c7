"""The release's own document is compared with that of the version that serves; unreadable ones leave it unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from evidence.api.document import ApiDocumentError
from evidence.api.served import served_document
from evidence.api.since import Served, broken_since
from evidence.checklist.checklist import Line
from evidence.checklist.code import provers_of_code
from evidence.checklist.gather import gather
from evidence.checklist.proof import Proof, State
from tests.evidence.api.documents import TEXT, Json, an_object, answering, document
from tests.evidence.checklist.candidates import (
    TAGGED,
    VERSION,
    candidate,
    change,
    checklist_settings,
    release,
    release_file,
)
from tests.evidence.checkouts import git

PATH = "app/openapi.json"
OLD = document({"/x": {"get": answering(an_object(owner=TEXT, name=TEXT))}})
NEW = document({"/x": {"get": answering(an_object(name=TEXT))}})


def nobody() -> bytes:
    raise AssertionError("the running version is not asked where the commit of it has a document")


def item(checkout: Path, before: str, *, listed: tuple[str, ...] = (), served: Served = nobody, **api: Any) -> Line:
    """Return item 7 of the release that is checked out, after the one of commit `before`."""
    release(checkout, release_file(breaking_changes=list(listed)))
    settings = checklist_settings(required=["notes"], api={"document": PATH, **api}, timeout_seconds=30)
    provers = provers_of_code(
        candidate(checkout, before),
        settings,
        TAGGED,
        forge=None,
        approved=lambda: Proof(State.MISSING, "a test", "not asked"),
        served=served,
    )
    found = gather({"notes": provers["notes"]}, settings, environment="prod", version=VERSION, today=date(2031, 5, 14))
    return next(line for line in found.lines if line.item.name == "notes")


def two_commits(checkout: Path, before: Json | None, after: Json | None) -> str:
    """Commit both documents, and return the first of the two commits."""
    found = git(checkout, "rev-parse", "HEAD") if before is None else change(checkout, PATH, json.dumps(before))
    if after is not None:
        change(checkout, PATH, json.dumps(after))
    return found


def test_a_field_that_is_gone_opens_the_item_where_the_file_says_that_nothing_breaks(checkout: Path) -> None:
    line = item(checkout, two_commits(checkout, OLD, NEW))
    assert (line.proof.state, line.open) == (State.MISSING, True)
    assert line.proof.value == "the API is broken, and breaking_changes lacks it: GET /x: answer owner is gone"
    assert "correct releases/" in line.proof.closes


def test_listed_by_its_name_it_is_proven_though_no_commit_says_so(checkout: Path) -> None:
    line = item(checkout, two_commits(checkout, OLD, NEW), listed=("the owner is gone: read owners",))
    assert (line.proof.state, line.proof.value) == (State.PROVEN, "1 breaking change")
    assert "as the commits and the API since" in line.proof.seen


def test_a_list_that_names_something_else_does_not_agree(checkout: Path) -> None:
    line = item(checkout, two_commits(checkout, OLD, NEW), listed=("the colour is gone",))
    assert "breaking_changes lacks it: GET /x: answer owner is gone" in line.proof.value
    assert "'the colour is gone', which no commit" in line.proof.value


def test_an_api_that_only_grows_is_proven(checkout: Path) -> None:
    line = item(checkout, two_commits(checkout, NEW, OLD))
    assert (line.proof.state, line.proof.value) == (State.PROVEN, "no breaking changes")


def test_many_breaks_are_named_up_to_a_number(checkout: Path) -> None:
    before = document({f"/x{number}": {"get": {}} for number in range(8)})
    line = item(checkout, two_commits(checkout, before, document({})))
    assert line.proof.value.count("is gone") == 5
    assert line.proof.value.endswith("; and 3 more")


def test_a_version_whose_commit_has_none_is_asked_for_what_it_serves(checkout: Path) -> None:
    before = two_commits(checkout, None, NEW)
    line = item(checkout, before, served=lambda: json.dumps(OLD).encode())
    assert "answer owner is gone" in line.proof.value


def test_before_the_first_release_and_without_the_setting_nothing_is_compared(checkout: Path) -> None:
    release(checkout)
    settings = checklist_settings(api={"document": PATH})
    assert broken_since(candidate(checkout), settings.api, nobody) is None
    assert broken_since(candidate(checkout, "1" * 40), None, nobody) is None
    sha = git(checkout, "rev-parse", "HEAD")
    assert broken_since(candidate(checkout, sha), settings.api, nobody) is None, "it is the one that serves"


def down() -> bytes:
    raise ApiDocumentError("https://api.internal/openapi.json gives no answer (ConnectError); see that it answers")


@pytest.mark.parametrize(
    ("before", "after", "served", "why"),
    [
        (OLD, None, nobody, ""),
        (None, NEW, down, "gives no answer"),
        (None, NEW, lambda: b"<html>", "what the running version serves is no JSON"),
        ({"openapi": "2.0"}, NEW, nobody, "is no OpenAPI document"),
        (OLD, {"openapi": "3.1.0"}, nobody, "paths is no object"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_blocks(
    checkout: Path, before: Json | None, after: Json | None, served: Callable[[], bytes], why: str
) -> None:
    first = two_commits(checkout, before, after)
    if not why:
        git(checkout, "rm", "-q", PATH)
        git(checkout, "commit", "-q", "-m", "without it")
        why = f"{PATH} is not part of commit"
    line = item(checkout, first, served=served)
    assert (line.proof.state, line.open) == (State.UNKNOWN, True)
    assert why in line.proof.value
    assert line.proof.closes


def test_what_is_wrong_for_certain_is_told_before_what_is_unknown(checkout: Path) -> None:
    before = two_commits(checkout, None, NEW)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "feat!: drop the owner")
    line = item(checkout, before, served=down)
    assert line.proof.state is State.MISSING
    assert "breaks 'drop the owner', and breaking_changes lacks it" in line.proof.value


def fetched(answer: httpx.Response | Exception, asked: list[httpx.Request] | None = None) -> bytes:
    def handler(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.Client(transport=httpx.MockTransport(handler))
    return served_document(lambda _: nullcontext(client), "https://api.internal/health", "127.0.0.1", "/openapi.json")


def test_the_running_version_is_asked_at_the_host_of_its_health_address() -> None:
    asked: list[httpx.Request] = []
    assert fetched(httpx.Response(200, content=b"{}"), asked) == b"{}"
    assert str(asked[0].url) == "https://127.0.0.1/openapi.json"
    assert asked[0].headers["Host"] == "api.internal"
    assert asked[0].extensions["sni_hostname"] == "api.internal"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.ConnectError("refused"), r"gives no answer \(ConnectError\)"),
        (httpx.Response(404), "answers 404"),
        (httpx.Response(302), "answers 302"),
        (httpx.Response(200, content=b" " * (4 * 1024 * 1024 + 1)), "answers too much"),
    ],
)
def test_an_answer_that_is_none_is_an_error(answer: httpx.Response | Exception, why: str) -> None:
    with pytest.raises(ApiDocumentError, match=why):
        fetched(answer)
