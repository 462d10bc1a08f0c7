"""A release of production that turns bad five minutes after it was verified, and one that stays good to the end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sandbox.load.load import Load
from tests.e2e.few_pods import RATE
from tests.e2e.previewing import would_change
from tests.e2e.stack import Stack
from tests.e2e.watched import (
    attempts,
    check_taken_back,
    is_watched,
    newest,
    of_the_watch,
    turn_bad,
    wait_for,
    watched,
    watched_on_few_pods,
)

pytestmark = pytest.mark.thorough

TURNS_BAD_SECONDS = 300
GOOD = watched("job", "good before it turns bad")
TURNS_BAD = watched("job", "turns bad after five minutes", turns_bad=True, minutes=60)
STAYS_GOOD = watched("inline", "stays good", minutes=4)


@pytest.fixture(scope="module")
def load(prod: Stack) -> Iterator[Load]:
    """Requests on production all the while."""
    with prod.load(RATE, seconds=1800) as sent:
        yield sent


@pytest.fixture(scope="module")
def good(prod: Stack, load: Load) -> Iterator[Stack]:  # noqa: ARG001  (without requests no canary is promoted)
    """Production on few pods with a good release; it has as many as before in the end."""
    with watched_on_few_pods(prod, GOOD) as stack:
        yield stack


def test_a_release_that_turns_bad_five_minutes_later_is_taken_back_by_its_job_though_its_pod_was_lost(
    good: Stack,
) -> None:
    version, before = good.health()["version"], newest(good)
    result = good.up("--skip-preview", settings=TURNS_BAD)
    assert result.status == 0, result.text
    wait_for(lambda: is_watched(good, after=before), "the release is watched", good)
    began = time.monotonic()

    time.sleep(TURNS_BAD_SECONDS / 2)
    good.world.kubectl.run("delete", "pods", "-l", "component=watch", "--now", namespace=good.namespace)
    time.sleep(TURNS_BAD_SECONDS - (time.monotonic() - began))
    turn_bad(good)

    check_taken_back(good, version)
    assert would_change(good, GOOD) == set(), "the preview of the release that serves again is empty"


def test_an_update_that_watches_returns_once_its_release_was_seen_to_be_good(good: Stack) -> None:
    result = good.up("--skip-preview", settings=STAYS_GOOD)

    assert result.status == 0, result.text
    assert "watch: PASS: seen of " in result.text
    attempt = attempts(good)[0]
    assert (attempt.outcome, of_the_watch(attempt)[-1].facts["verdict"]) == ("verified", "PASS")
    assert would_change(good, STAYS_GOOD) == set()
