"""What the engine notes in a stack file does not keep a commit from being released; anything else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.stack_files import written_by_the_engine
from tests.evidence.checkouts import commit

NAME = "Pulumi.staging.yaml"
COMMITTED = "config:\n  release-manager:environment: staging\n"


@pytest.fixture
def stack_file(checkout: Path) -> Path:
    file = checkout / NAME
    file.write_text(COMMITTED)
    commit(checkout)
    return file


def judged(file: Path, text: str, name: str = NAME) -> bool:
    file.write_text(text)
    return written_by_the_engine(file.parent / "app", name)


@pytest.mark.parametrize(
    "text",
    [
        COMMITTED + "encryptionsalt: v1:abc=\n",
        COMMITTED.rstrip("\n") + "\nencryptionsalt: v1:abc=",
        "secretsprovider: passphrase\nencryptedkey: abc\n" + COMMITTED,
    ],
)
def test_a_note_on_how_it_encrypts_is_the_engines_own(stack_file: Path, text: str) -> None:
    assert judged(stack_file, text)


def test_so_is_another_such_note_in_place_of_one(stack_file: Path) -> None:
    stack_file.write_text(COMMITTED + "encryptionsalt: v1:abc=\n")
    commit(stack_file.parent)
    assert judged(stack_file, COMMITTED + "encryptionsalt: v1:def=\n")


@pytest.mark.parametrize(
    "text",
    [
        COMMITTED,
        COMMITTED.replace("staging", "prod"),
        COMMITTED.replace("staging", "prod") + "encryptionsalt: v1:abc=\n",
        COMMITTED + "  encryptionsalt: v1:abc=\n",
        "",
    ],
)
def test_anything_else_is_not(stack_file: Path, text: str) -> None:
    assert not judged(stack_file, text)


def test_in_no_other_file_and_in_none_that_is_not_committed(stack_file: Path) -> None:
    readme = stack_file.parent / "README"
    readme.write_text(readme.read_text() + "encryptionsalt: v1:abc=\n")
    assert not written_by_the_engine(stack_file.parent, "README")
    (stack_file.parent / "Pulumi.new.yaml").write_text("encryptionsalt: v1:abc=\n")
    assert not written_by_the_engine(stack_file.parent, "Pulumi.new.yaml")
