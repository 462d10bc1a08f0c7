"""What alembic says is turned into one line and a mend; what is not known is never guessed at."""

from __future__ import annotations

import pytest

from checks.alembic import cause_of, message_of, revisions_of

LOG = '{"level": "INFO", "message": "Will assume transactional DDL."}'


@pytest.mark.parametrize(
    ("output", "revisions"),
    [
        ("", ()),
        ("\n", ()),
        ("0005 (head)\n", ("0005",)),
        ("0004 (branchpoint)\n", ("0004",)),
        ("0005b (head)\n0005 (head)\n", ("0005b", "0005")),
        ("ae10 (payments) (head) (mergepoint)\n", ("ae10",)),
    ],
)
def test_revisions_are_the_first_words(output: str, revisions: tuple[str, ...]) -> None:
    assert revisions_of(output) == revisions


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (
            "FAILED: Multiple head revisions are present for given argument 'head'; please specify ...",
            "the image's migrations have more than one head",
        ),
        (
            "FAILED: Can't locate revision identified by '9999'",
            "the database is ahead of the image: it is at revision 9999",
        ),
        (
            'FAILED: migration failed: connection failed: connection to server at "db" failed: Connection refused',
            "the database gives no answer: migration failed: connection failed",
        ),
        (
            "FAILED: migration failed: failed to resolve host 'no-such.host.invalid': [Errno -2] Name or service ...",
            "the database gives no answer: ",
        ),
        (
            'FAILED: migration failed: connection failed: connection failed: FATAL: database "a" does not exist',
            "the database refuses the sign-in: ",
        ),
        (
            'FAILED: migration failed: connection failed: FATAL: password authentication failed for user "app"',
            "the database refuses the sign-in: ",
        ),
        (
            "FAILED: migration failed: canceling statement due to lock timeout (in: ALTER TABLE releases ...)",
            "a table stayed locked for longer than the migration may wait: ",
        ),
    ],
)
def test_each_known_cause_has_its_own_line_and_mend(said: str, what: str) -> None:
    for lines in ([LOG, said], [said, LOG]):
        cause = cause_of(lines)
        assert cause is not None
        assert cause.what.startswith(what)
        assert cause.mend


@pytest.mark.parametrize("said", ["FAILED: migration failed: RuntimeError: boom", "KeyError: '0003'", LOG])
def test_another_failure_is_not_taken_for_a_known_one(said: str) -> None:
    assert cause_of([said]) is None


def test_an_error_before_the_last_word_is_not_the_cause() -> None:
    assert cause_of(["Connection refused, trying again", "FAILED: migration failed: RuntimeError: boom"]) is None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["FAILED: boom", LOG], "boom"),
        ([LOG], "Will assume transactional DDL."),
        (["Traceback (most recent call last):", "KeyError: '0003'", ""], "KeyError: '0003'"),
        ([], "it said nothing"),
        (["[1]"], "[1]"),
    ],
)
def test_its_last_word_is_shown_without_the_form_of_the_log(lines: list[str], message: str) -> None:
    assert message_of(lines) == message
