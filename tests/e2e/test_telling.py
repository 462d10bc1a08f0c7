"""People are told of a real update, from its beginning to its end, and one of them that hangs changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.stack import Result, Stack
from tests.notify.stand_in import CHANNEL_ID, TOKENS, StandIn, settings

pytestmark = pytest.mark.thorough

# Under which key of `notify` each token of the stand-in stands.
SECRETS = ("slack.token", "pagerduty.routing_key", "pagerduty.token", "incident.token", "grafana.token")
LYING = {"application": {"environment": {"FAULT_HEALTH_VERSION": "v0-lie"}}}


@pytest.fixture
def told(verified: Stack) -> Iterator[Stack]:
    """The stack with the tokens as a person gives them: encrypted in its file."""
    file = verified.checkout / "Pulumi.dev.yaml"
    before = file.read_text(encoding="utf-8")
    for key, token in zip(SECRETS, TOKENS, strict=True):
        _set_secret(verified, f"release-manager:notify.{key}", token)
    yield verified
    file.write_text(before, encoding="utf-8")
    assert verified.up().status == 0


def _set_secret(stack: Stack, key: str, value: str) -> None:
    command = [str(stack.runner.cli.program), "config", "set", "--stack", stack.name, "--secret", "--path", key]
    environment = stack.runner.environment.over({**os.environ, **stack.runner.variables})
    # Not on the command line, where everybody on the machine could read it.
    subprocess.run(command, cwd=stack.checkout, env=environment, input=value, text=True, check=True, timeout=60)


def _places(address: str) -> dict[str, Any]:
    """Return what is no secret, which may stand in an overlay."""
    found = settings(address)
    secret = {tuple(key.split(".")) for key in SECRETS}
    return {
        concern: {name: value for name, value in values.items() if (concern, name) not in secret}
        for concern, values in found.items()
    }


def _keeps_its_secrets(stack: Stack, result: Result) -> None:
    records = stack.world.kubectl.run("get", "configmaps", "-o", "yaml", namespace=stack.namespace)
    shown = result.text + records + (stack.checkout / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert [token for token in TOKENS if token in shown] == []


def test_a_release_and_one_that_is_taken_back_are_told_everywhere(told: Stack) -> None:
    stand_in = StandIn()
    with stand_in.served() as address:
        told.change_application()
        good = told.up(settings={"notify": _places(address)})
        assert good.status == 0, good.text
        version = told.health()["version"]
        [message] = stand_in.texts()
        assert message.startswith(f"release {version} is verified in development (stack dev)")
        assert [each["tags"][2] for each in stand_in.annotations] == ["started", "verified"]
        assert "telling:" not in good.text

        bad = told.up(settings={"notify": _places(address), **LYING})

    assert bad.status != 0
    assert "was taken back in development" in bad.error
    assert stand_in.texts()[-1].startswith("release ")
    assert "was taken back in development (stack dev): step health" in stand_in.texts()[-1]
    assert stand_in.incidents[-1]["event"] == "note"
    assert stand_in.actions() == []
    assert {each.body.get("channel") for each in stand_in.asked if each.path.endswith("update")} == {CHANNEL_ID}
    assert stand_in.wrong == []
    _keeps_its_secrets(told, good)
    _keeps_its_secrets(told, bad)


def test_people_who_cannot_be_told_delay_no_rollback_and_are_reported(told: Stack) -> None:
    stand_in = StandIn(hangs="/")
    with stand_in.served() as address:
        result = told.up(settings={"notify": _places(address), **LYING})

    assert result.status != 0
    assert "was taken back in development" in result.error
    assert re.search(r"telling: not told that .* Slack: it gives no answer within", result.text)
    back = re.search(r"serves again after ([0-9.]+) s", result.error)
    assert back is not None
    assert float(back.group(1)) < 60
    _keeps_its_secrets(told, result)
