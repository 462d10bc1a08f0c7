"""After a release of production: its Job watches when the update has returned, or the update itself does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.load.load import Load
from tests.e2e.few_pods import RATE
from tests.e2e.previewing import would_change
from tests.e2e.running import UP, running
from tests.e2e.stack import Stack
from tests.e2e.watched import (
    attempts,
    check_taken_back,
    entries,
    is_watched,
    jobs,
    newest,
    turn_bad,
    wait_for,
    watched,
    watched_on_few_pods,
)

pytestmark = pytest.mark.thorough

GOOD = watched("job", "good")
TURNS_BAD = watched("job", "turns bad", turns_bad=True)
# What differs where an update that was to watch by itself has failed, beside the Job of a migration that it had done.
WAY_OF_WATCHING = ("outline", "watch", "migration-")
TURNS_BAD_INLINE = watched("inline", "turns bad, inline", turns_bad=True)


@pytest.fixture(scope="module")
def load(prod: Stack) -> Iterator[Load]:
    """Requests on production all the while."""
    with prod.load(RATE) as sent:
        yield sent


@pytest.fixture(scope="module")
def good(prod: Stack, load: Load) -> Iterator[Stack]:  # noqa: ARG001  (without requests no canary is promoted)
    """Production on few pods with a good release that a Job watches; it has as many as before in the end."""
    with watched_on_few_pods(prod, GOOD) as stack:
        yield stack


def test_a_release_that_turns_bad_once_its_update_has_returned_is_taken_back_by_its_job(good: Stack) -> None:
    version, image = good.health()["version"], good.running_image()
    wait_for(lambda: is_watched(good), "the good release is watched", good)
    [job], first = jobs(good), newest(good)

    result = good.up("--skip-preview", settings=TURNS_BAD)

    assert result.status == 0, result.text
    wait_for(lambda: is_watched(good, after=first), "the release is watched", good)
    [its_own] = jobs(good)
    assert its_own != job, "the older watch ends with the release that takes its place"
    replaced = attempts(good)[1]
    assert (replaced.outcome, "has taken its place" in str(entries(replaced, "watch")[-1].facts)) == ("verified", True)

    turn_bad(good)
    attempt = check_taken_back(good, version)

    assert good.running_image() == image
    history = good.command("history")
    assert f"{attempt.number} " in history.text
    assert "watch: errors: " in history.text
    assert would_change(good, GOOD) == set(), "the preview of the release that serves again is empty"


def test_an_update_that_watches_its_release_takes_it_back_and_says_so(good: Stack) -> None:
    version, before = good.health()["version"], newest(good)

    with running(good, *UP, settings=TURNS_BAD_INLINE) as run:
        run.until(lambda: is_watched(good, after=before), "the update watches")
        turn_bad(good)
        result = run.result()

    assert result.status != 0
    assert "was taken back in production: watch: errors: " in result.error
    assert "Traceback" not in result.text
    check_taken_back(good, version)
    left = would_change(good, GOOD)
    assert {name for name in left if not name.startswith(WAY_OF_WATCHING)} == set(), "nothing of what serves"
