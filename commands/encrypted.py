"""The encrypted settings of a stack, which only the engine can read: asked for by its own command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from concerns.secrets import ENCRYPTED_ELSEWHERE, secret_values
from settings import Settings, read_stack

SECONDS = 60
PROGRAM = "pulumi"
Configuration = Callable[[str], Mapping[str, Any]]


class EngineError(Exception):
    """The engine does not tell the secrets of a stack; the text says why. Never holds one."""


def read_stack_whole(stack: str, tell: Callable[[str], None], configuration: Configuration | None = None) -> Settings:
    """Return the settings of `stack` with its secrets, where it has any and the engine can be asked.

    Where it cannot, `tell` gets one line on what is missing, and a secret is the text `(a secret)`. Raises
    SettingsError.
    """
    settings = read_stack(stack)
    if ENCRYPTED_ELSEWHERE not in secret_values(settings):
        return settings
    try:
        return read_stack(stack, (configuration or decrypted)(stack))
    except EngineError as error:
        tell(f"note: the secrets of stack {stack} stay encrypted here: {error}; what needs one of them is not known")
        return settings


def decrypted(stack: str) -> dict[str, Any]:
    """Return the configuration of `stack` as the engine has it: by key, with secrets. Raises EngineError.

    What the engine prints goes nowhere but here: neither into a command line nor into a log.
    """
    command = [PROGRAM, "config", "--stack", stack, "--show-secrets", "--json", "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError:
        raise EngineError(f"{PROGRAM} is not on PATH") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"'{PROGRAM} config' did not end within {SECONDS} s") from None
    if done.returncode != 0:
        told = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        reason = next((line for line in told if line.startswith("error:")), told[0]).removeprefix("error:").strip()
        raise EngineError(
            f"'{PROGRAM} config' failed ({reason[:300]}); see that you are signed in, with the passphrase"
        )
    try:
        found = json.loads(done.stdout)
        return {key: each["objectValue"] if "objectValue" in each else _value(each) for key, each in found.items()}
    except (ValueError, AttributeError, KeyError, TypeError):
        raise EngineError(f"'{PROGRAM} config' prints no configuration") from None


def _value(entry: Mapping[str, Any]) -> Any:  # noqa: ANN401
    text = entry["value"]
    try:
        return json.loads(text)
    except ValueError:
        return text
