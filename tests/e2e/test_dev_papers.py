"""What the papers tell somebody to type, typed as it stands there, on the dev stack."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.cluster.layout import LOOPBACK
from sandbox.operated import receiver
from sandbox.paths import REPOSITORY
from sandbox.pulumi_runner import stack_files_as_they_were
from sandbox.world import World
from tests.e2e.stack import Stack
from tests.papers.reading import ROOT, SOME, Command, blocks, commands

pytestmark = pytest.mark.thorough

SECONDS = 300
# The papers speak of production; these tests have the dev stack.
ON_DEV = {
    "release-manager-prod-canary": "release-manager-dev",
    "release-manager-prod": "release-manager-dev",
    "release-manager-staging": "release-manager-dev",
    "https://staging-api.internal": "http://dev-api.internal",
    "https://api.internal": "http://dev-api.internal",
    "/production/": "/development/",
}
NAMESPACES = {"production": "development", "staging": "development"}
RECEIVER = f"{LOOPBACK}:{receiver.NODE_PORT}/"
# Of what changes something the API server is asked whether it would do it.
CHANGES = {"create", "delete", "scale", "cordon", "undo"}
# What the dev stack of the sandbox has not; then kubectl has understood, and says so.
HAS_NOT = {
    "--previous": "previous terminated container",
    "cronjob/": "not found",
    "podmonitor": "podmonitor",
    "undo": "no rollout history found",
}


@dataclass(frozen=True)
class Done:
    """How a command ended, and all that it printed."""

    status: int
    text: str


def typed(command: str, *, directory: Path = REPOSITORY, **variables: str) -> Done:
    """Type `command` into a shell."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    print(f"$ {command}\n{done.stdout}")
    return Done(done.returncode, done.stdout)


def on_dev(word: str) -> str:
    """Return a word of a command as it reads for the dev stack."""
    for name, other in ON_DEV.items():
        word = word.replace(name, other)
    return NAMESPACES.get(word, word)


@pytest.fixture(scope="module")
def updated() -> Done:
    """The first command of all: what lies here, on the dev stack."""
    return typed("make up")


def test_make_up_ends_with_what_runs_and_how_to_ask_it(updated: Done) -> None:
    assert updated.status == 0, updated.text
    assert re.search(r"^version +dev-", updated.text, re.MULTILINE)
    assert re.search(r"^pods +2 of 2 ready in namespace development$", updated.text, re.MULTILINE)
    [block] = [each for each in blocks(ROOT / "README.md", "console") if each.startswith("curl")]
    assert block.strip() in updated.text, "the README says what the update says"
    answer = typed(block)
    assert answer.status == 0
    assert '"status":"healthy"' in answer.text.replace(" ", "")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("make preview STACK=dev", "unchanged"),
        ("make status", "runs"),
        ("make load STACK=dev RATE=10 SECONDS=2", "20 answers, 0 failed"),
        ("make lint-workflows", "No findings"),
        ("make watch-image", "release-manager-watch"),
        ("make dashboard-preview STACK=dev PROMETHEUS=http://127.0.0.1:30090", "is in dashboard.svg"),
    ],
)
def test_a_command_answers(updated: Done, command: str, says: str) -> None:
    assert updated.status == 0
    done = typed(command)
    assert done.status == 0, done.text
    assert says in done.text


def test_pulumi_can_be_called_by_hand(updated: Done, stack: Stack) -> None:
    """The block of the README, in a checkout that may be changed."""
    assert updated.status == 0
    [block] = [each for each in blocks(ROOT / "README.md", "console") if "pulumi preview" in each]
    here = block.replace("make -s", f"make -s -C {shlex.quote(str(REPOSITORY))}")
    with stack_files_as_they_were(stack.checkout):
        done = typed(f"set -e; {here}", directory=stack.checkout)
    assert done.status == 0, done.text
    assert "release-manager-dev" in done.text


@pytest.fixture(scope="module")
def kubectl(world: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Command], Done]:
    """Types a command of kubectl, with what the dev stack has in place of what a reader fills in."""
    names = world.kubectl.get_json("pods", "-l", "app=release-manager", namespace="development")["items"]
    jobs = world.kubectl.get_json("jobs", namespace="development")["items"]
    [node] = world.kubectl.get_json("nodes", namespace="default")["items"]
    directory = tmp_path_factory.mktemp("kubectl")
    for name in ("slack-url", "pagerduty-routing-key", "incident-token"):
        (directory / name).write_text("a-value", encoding="utf-8")
    has: dict[str, str] = {"pod": names[0]["metadata"]["name"], "node": node["metadata"]["name"], "more": "3"}

    def fill(word: str) -> str:
        word = re.sub(rf"job/{SOME}[\w-]+", f"job/{jobs[0]['metadata']['name']}", on_dev(word))
        return re.sub(rf"{SOME}([a-z]+)", lambda found: has.get(found[1], found[1]), word)

    def run(command: Command) -> Done:
        words = [fill(word) for word in command.words]
        changes = ["--dry-run=server"] if CHANGES & set(words) else []
        return typed(
            shlex.join([*words, *changes]),
            directory=directory,
            KUBECONFIG=str(world.paths.kubeconfig),
            PATH=f"{world.paths.data / 'bin'}:{os.environ['PATH']}",
        )

    return run


def test_what_the_papers_ask_of_kubectl_it_answers(updated: Done, kubectl: Callable[[Command], Done]) -> None:
    assert updated.status == 0
    asked = [each for each in commands() if each.program == "kubectl" and len(each.words) > 3]
    assert len(asked) > 20
    for command in dict.fromkeys(Command("", each.words) for each in asked):
        done = kubectl(command)
        excused = next((text for part, text in HAS_NOT.items() if part in str(command)), None)
        assert done.status == 0 or (excused is not None and excused in done.text), f"{command}\n{done.text}"


def test_what_the_papers_ask_of_curl_it_answers(updated: Done) -> None:
    assert updated.status == 0
    for command in {each.words for each in commands() if each.program == "curl"}:
        if any(word.startswith(RECEIVER) for word in command):
            # Comes with production; tests/e2e/test_prod_alerts.py asks it.
            continue
        words = [on_dev(word) for word in command]
        done = typed(shlex.join([*words, "--resolve", "dev-api.internal:80:127.0.0.1"]))
        assert "healthy" in done.text


def test_pulumi_has_every_option_that_the_papers_give_it(stack: Stack) -> None:
    assert "unknown flag" in stack.pulumi("up", "--help", "--plans").text
    for words in {each.words[1:] for each in commands() if each.program == "pulumi" and len(each.words) > 1}:
        plain = [word for word in words if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-")]
        options = [word for word in words if word.startswith("-")]
        assert f"pulumi {plain[0]}" in stack.pulumi(*plain, "--help").text
        # One that is not listed (--plan) is known all the same.
        assert "unknown flag" not in stack.pulumi(*plain, "--help", *options).text, shlex.join(words)
