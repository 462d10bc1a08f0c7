"""Every command of the papers is run by a test that is there, or says why by none."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.papers.reading import PROGRAMS, ROOT, Command, commands
from tests.papers.run_by import NOT_RUN, OTHERS_RUN_BY, RUN_BY, TELLING
from tests.papers.test_commands import targets


@cache
def functions(file: str) -> dict[str, str]:
    """The functions of a file with what makes them: their text, and that of their decorators."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = [ast.get_source_segment(text, each) or "" for each in (node, *node.decorator_list)]
            found[node.name] = "\n".join(parts)
    return found


def key_of(command: Command) -> str:
    """What the table calls a command of make."""
    return " ".join([command.target, *sorted(TELLING & set(command.variables))])


def named() -> dict[str, Command]:
    return {key_of(each): each for each in commands() if each.program == "make" and each.target}


@pytest.mark.parametrize("key", sorted(named()))
def test_a_command_of_make_is_run_by_a_test(key: str) -> None:
    # Named without its variables a target is any of its commands.
    known = {*RUN_BY, *(each.split()[0] for each in RUN_BY)}
    assert (key in known) != (key in NOT_RUN), f"which test runs: {named()[key]}? Say it in tests/papers/run_by.py"


@pytest.mark.parametrize("key", sorted(RUN_BY))
def test_the_test_is_there_and_runs_it(key: str) -> None:
    file, test, part = RUN_BY[key]
    assert test in functions(file)
    assert part in functions(file)[test]
    assert key in named(), "no paper names it: take it out of the table"


def test_what_is_not_run_is_a_target() -> None:
    assert set(NOT_RUN) <= set(targets())


@pytest.mark.parametrize("key", sorted(OTHERS_RUN_BY))
def test_the_test_of_another_program_is_there(key: str) -> None:
    file, test = OTHERS_RUN_BY[key]
    assert test in functions(file)


def test_every_program_of_others_is_run_by_a_test() -> None:
    others = {each.program for each in commands() if each.program in PROGRAMS} - {"make", "eval"}
    assert others - {"docker", "pytest"} <= {key.split()[0] for key in OTHERS_RUN_BY}
