"""Every command that a paper names is one that there is, with variables and options that are read."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.papers.reading import ROOT, Command, blocks, commands, filled_in, papers

STACKS = ("dev", "staging", "prod")
NAMESPACES = {"development", "staging", "production"}
COMMANDS = commands()
# What runs a target that hands a variable on through the environment.
_MODULE = re.compile(r"-m (sandbox|commands)\b")


def of(program: str) -> list[Command]:
    found = [command for command in COMMANDS if command.program == program]
    assert found, f"the papers name no command of {program}"
    return sorted(set(found), key=str)


@cache
def targets() -> dict[str, str]:
    """Each target with what `make` says of it."""
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return dict(re.findall(r"^make (\S+) +(.*)$", listed, re.MULTILINE))


@cache
def expanded(target: str, *variables: str) -> str:
    """What `make` would run."""
    command = ["make", "-n", target, *variables]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@cache
def sources(package: str) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / package).rglob("*.py"))


def reads(target: str, variable: str) -> bool:
    """Whether what the target runs is another with this variable, or reads it from the environment."""
    plain = expanded(target)
    if expanded(target, f"{variable}=a-value") != plain or f"${variable}" in plain:
        return True
    module = _MODULE.search(plain)
    return module is not None and f'environment.get("{variable}"' in sources(module[1])


def test_a_variable_that_nothing_reads_is_found() -> None:
    assert reads("up", "STACK")
    assert reads("up", "REPOSITORY")
    assert reads("apply-plan", "PLAN")
    assert not reads("up", "STACKS")
    assert not reads("status", "STACK")


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_each_target_is_there_and_reads_its_variables(command: Command) -> None:
    if not command.target:
        return
    assert command.target in targets(), f"{command.paper} names a target that is not there: {command}"
    unread = [name for name in command.variables if name != "STACK" and not reads(command.target, name)]
    assert unread == [], f"{command.paper}: nothing reads them: {command}"
    stack = command.variables.get("STACK", "dev")
    assert stack in {*STACKS, "..."}, f"{command.paper}: there is no such stack: {command}"


def test_each_target_says_what_it_is_for() -> None:
    listed = re.findall(r"^([a-z][a-z-]*):", "".join(map(_text, ("Makefile", "delivery.mk"))), re.MULTILINE)
    assert sorted(targets()) == sorted(listed)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("paper", papers(), ids=lambda paper: str(paper.relative_to(ROOT)))
def test_each_block_is_one_that_the_shell_can_read(paper: Path) -> None:
    for block in blocks(paper, "console"):
        done = subprocess.run(["bash", "-n"], input=filled_in(block), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block


@pytest.mark.parametrize("command", of("kubectl"), ids=str)
def test_each_command_of_kubectl_names_what_the_stacks_declare(command: Command) -> None:
    words = list(command.words)
    after = {"-n", "--namespace"} & set(words)
    for option in after:
        assert words[words.index(option) + 1] in NAMESPACES
    named = {word.rpartition("/")[2] for word in words if re.fullmatch(r"(deployment/)?release-manager-\S+", word)}
    declared = {f"release-manager-{stack}{track}" for stack in STACKS for track in ("", "-canary")}
    assert named <= declared | {"release-manager-alerts"}


@pytest.mark.parametrize("command", of("git"), ids=str)
def test_each_command_of_git_is_one(command: Command) -> None:
    usage = subprocess.run(["git", command.words[1], "-h"], capture_output=True, text=True, check=False)
    assert "usage: git" in usage.stdout + usage.stderr
    for option in (word for word in command.words[2:] if word.startswith("--")):
        assert option.removeprefix("--") in usage.stdout + usage.stderr


@pytest.mark.parametrize("command", of("curl"), ids=str)
def test_each_address_is_that_of_a_stack(command: Command) -> None:
    asked = [word for word in command.words if "://" in word]
    health = {
        yaml.safe_load(_text(f"Pulumi.{stack}.yaml"))["config"]["release-manager:health"]["url"] for stack in STACKS
    }
    assert set(asked) <= health
    for word in (word for word in command.words if ":80:" in word):
        assert word.partition(":")[0] in asked[0]


@pytest.mark.parametrize(("paper", "tags"), [("staging", 1), ("first-hour", 2)])
def test_the_commands_of_git_that_make_releases_make_them(tmp_path: Path, paper: str, tags: int) -> None:
    """Typed as they stand there, into a clone."""
    work, origin = tmp_path / "work", tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(work)], check=True, capture_output=True)
    (work / "releases").mkdir()
    (work / "releases" / "v2026.11.23.md").write_text("version: v2026.11.23\n", encoding="utf-8")
    lines = "\n".join(blocks(ROOT / "docs" / f"{paper}.md", "console")).splitlines()
    typed = [line for line in lines if line.startswith(("git ", "sed ")) and not line.startswith("git clone")]
    who = {"NAME": "a test", "EMAIL": "test@localhost"}
    identity = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()}

    subprocess.run(["bash", "-e", "-c", "\n".join(typed)], cwd=work, env={**os.environ, **identity}, check=True)

    command = ["git", "for-each-ref", "--format=%(objecttype) %(refname:short)", "refs/tags"]
    pushed = subprocess.run(command, cwd=origin, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(pushed) == tags
    assert all(re.fullmatch(r"tag v\d{4}\.\d\d\.\d\d(\.\d{6})?", line) for line in pushed), "annotated, of the form"
