"""A `pulumi` that does as a test says, a checkout with a release, and a run of GitHub Actions around it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from commands.delivery.engine import Engine
from commands.delivery.places import Places, StackPlaces
from commands.delivery.surroundings import Surroundings
from tests.fake_time import FakeTime
from tests.notify.forge.stand_in import REPOSITORY, TOKEN, ForgeStandIn

AT = datetime(2026, 11, 23, 22, 5, tzinfo=UTC)
# Notes how it was called, then runs what the test has written for its first two words.
PULUMI = """#!{python} -IS
import json, os, sys, pathlib
here = pathlib.Path(__file__).parent
noted = {{"arguments": sys.argv[1:], "overlay": os.environ.get("RELEASE_MANAGER_OVERLAY", ""), "in": os.getcwd()}}
noted["streaming"] = os.environ.get("PULUMI_ENABLE_STREAMING_JSON_PREVIEW", "")
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(noted) + "\\n")
for name in (" ".join(sys.argv[1:3]), sys.argv[1]):
    script = here / f"{{name}}.py"
    if script.exists():
        exec(script.read_text())
        break
"""


@dataclass
class FakePulumi:
    """Answers `name` (its first word, or its first two) by running a piece of Python."""

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir()
        program = self.program
        program.write_text(PULUMI.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
        self.answers("stack export", json.dumps({"deployment": {"resources": [{"urn": "a", "inputs": {"x": 1}}]}}))

    @property
    def program(self) -> Path:
        return self.directory / "pulumi"

    def does(self, name: str, python: str) -> None:
        (self.directory / f"{name}.py").write_text(python, encoding="utf-8")

    def answers(self, name: str, *lines: str, status: int = 0) -> None:
        self.does(name, "\n".join([*(f"print({line!r})" for line in lines), f"sys.exit({status})"]))

    def events(self, *events: dict[str, Any] | str, status: int = 0) -> None:
        self.answers(
            "preview", *(each if isinstance(each, str) else json.dumps(each) for each in events), status=status
        )

    def calls(self, first: str) -> list[dict[str, Any]]:
        file = self.directory / "calls"
        noted = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [each for each in noted if each["arguments"][0] == first]


@dataclass
class World:
    """What a command of the delivery is put together from."""

    root: Path
    forge: ForgeStandIn = field(default_factory=ForgeStandIn)
    told: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pulumi = FakePulumi(self.root / "pulumi")
        self.variables = {
            "GITHUB_API_URL": "https://api.github.example",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "42",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_ACTOR": "bo",
            "GITHUB_SHA": "0123456789abcdef",
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
            "PULL_REQUEST": "7",
            "DEPLOY_ENVIRONMENT": "production",
            **self.variables,
        }

    @property
    def places(self) -> Places:
        return Places(self.root / "delivery")

    def of(self, stack: str = "prod") -> StackPlaces:
        return self.places.of(stack)

    def engine(self, stack: str = "prod", directory: Path | None = None, **more: Any) -> Engine:
        program = str(self.pulumi.program)
        return Engine(stack, directory or self.root, program=program, tell=self.told.append, **more)

    @property
    def around(self) -> Surroundings:
        transport = httpx.MockTransport(self.forge.handle)
        return Surroundings(self.variables, lambda _address: httpx.Client(transport=transport), FakeTime().clock)

    def handed_on(self) -> dict[str, str]:
        file = self.root / "output"
        return dict(self._pairs(file)) if file.exists() else {}

    def summary(self) -> str:
        return (self.root / "summary").read_text(encoding="utf-8")

    @staticmethod
    def _pairs(file: Path) -> Iterator[tuple[str, str]]:
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            yield name, value
