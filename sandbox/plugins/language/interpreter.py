"""Which Python runs a program: its virtual environment's, or the host's own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf import json_format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.runtime.proto import language_pb2


class InterpreterError(Exception):
    """The virtual environment that a project names cannot be used."""


@dataclass(frozen=True)
class Interpreter:
    """A Python executable and what the environment needs so that its tools are found first."""

    executable: str
    environment: Mapping[str, str]


def interpreter_for(info: language_pb2.ProgramInfo) -> Interpreter:
    """Return the Python of a program or policy pack.

    `runtime.options.virtualenv` of Pulumi.yaml or PulumiPolicy.yaml is taken relative to that file; without it the
    Python of this host runs the program. Raises InterpreterError where the named directory is no environment.
    """
    options = json_format.MessageToDict(info.options)
    name = options.get("virtualenv")
    if not name:
        return Interpreter(sys.executable, {"PYTHONUNBUFFERED": "1"})
    root = Path(info.root_directory) / str(name)
    executable = root / "bin" / "python"
    if not executable.exists():
        raise InterpreterError(
            f"the option `virtualenv: {name}` of {info.root_directory} names no Python environment "
            f"({executable} does not exist); create it with `python3 -m venv {root}`"
        )
    path = os.pathsep.join([str(executable.parent), os.environ.get("PATH", "")])
    return Interpreter(
        str(executable), {"PYTHONUNBUFFERED": "1", "VIRTUAL_ENV": str(root), "PATH": path.rstrip(os.pathsep)}
    )
