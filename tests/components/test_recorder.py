"""What the other tests of this directory rest on: nothing false passes unseen."""

from __future__ import annotations

import pulumi
import pytest

from tests.components.recorder import declare


def test_a_false_assertion_on_an_output_fails_the_test() -> None:
    def check(value: str) -> None:
        assert value == "another"

    def returned() -> object:
        return pulumi.Output.from_input("one").apply(check)

    def forgotten() -> None:
        pulumi.Output.from_input("one").apply(check)

    for program in (returned, forgotten):
        with pytest.raises(AssertionError):
            declare(program)


def test_an_output_used_as_text_fails_the_test() -> None:
    with pytest.raises(Exception, match="__str__"):
        declare(lambda: f"{pulumi.Output.from_input('one')}")
