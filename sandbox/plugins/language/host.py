"""The language runtime service: it runs programs and policy packs with the SDK that is installed for them."""
# ruff: noqa: N802 - the protocol names the methods

from __future__ import annotations

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.plugins.language.children import Children, Command, output_of
from sandbox.plugins.language.dependencies import dependencies_of
from sandbox.plugins.language.interpreter import Interpreter, InterpreterError, interpreter_for

if TYPE_CHECKING:
    from collections.abc import Iterator

# Exit status of a program whose error has been shown to the user already.
ERROR_SHOWN = 32
EXECUTE = Path(__file__).with_name("execute.py")


class PythonHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs for one engine."""

    def __init__(self, engine: str, children: Children) -> None:
        self._engine = engine
        self._children = children

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Accept the engine."""
        del request, context
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Tell the version: that of the SDK, which the engine is pinned to as well."""
        del request, context
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        """Tell which Python runs the program."""
        interpreter = _interpreter(request.info, context)
        return language_pb2.AboutResponse(executable=interpreter.executable, version=platform.python_version())

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Name no packages in advance: each resource names its plug-in's version itself."""
        del request, context
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """Name no plug-ins in advance: each resource names its plug-in's version itself."""
        del request, context
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """List the packages that the program's Python has."""
        interpreter = _interpreter(request.info, context)
        try:
            found = dependencies_of(interpreter.executable)
        except (OSError, subprocess.SubprocessError) as error:
            context.abort(grpc.StatusCode.INTERNAL, f"{interpreter.executable} cannot list its packages: {error}")
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=item.name, version=item.version)
                for item in found
                if request.transitiveDependencies or not item.transitive
            ]
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Refuse: the environment is made from the project's lock file, not by the engine."""
        _refuse(
            context,
            f"this language host installs nothing into {request.directory}; "
            "make the Python environment first (`make environment`)",
        )

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Ask nothing when a project is made."""
        del request, context
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run a program to its end; `bail` says that its error has been shown."""
        interpreter = _interpreter(request.info, context)
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "pwd": request.pwd or request.info.program_directory,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        command = Command(
            [
                interpreter.executable,
                "-u",
                str(EXECUTE),
                *arguments,
                "--",
                request.info.entry_point or ".",
                *request.args,
            ],
            options["pwd"],
            {
                **interpreter.environment,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
        )
        child = self._children.start(command, captured=False)
        context.add_callback(lambda: self._children.end(child))
        status = self._children.wait(child)
        if status == ERROR_SHOWN:
            return language_pb2.RunResponse(bail=True)
        if status < 0:
            return language_pb2.RunResponse(error=f"the program was ended by signal {-status}")
        if status > 0:
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {status}", bail=False)
        return language_pb2.RunResponse()

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or another plug-in written in Python and stream what it writes."""
        interpreter = _interpreter(request.info, context)
        if request.kind == "analyzer":
            arguments = ["-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
        else:
            arguments = ["-u", request.info.program_directory, *request.args]
        environment = dict(entry.split("=", 1) for entry in request.env if "=" in entry)
        command = Command(
            [interpreter.executable, *arguments],
            request.pwd or request.info.program_directory,
            {**environment, **interpreter.environment},
        )
        child = self._children.start(command, captured=True)
        context.add_callback(lambda: self._children.end(child))
        for chunk in output_of(child):
            if chunk.is_error:
                yield language_pb2.RunPluginResponse(stderr=chunk.data)
            else:
                yield language_pb2.RunPluginResponse(stdout=chunk.data)
        yield language_pb2.RunPluginResponse(exitcode=self._children.wait(child))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Interrupt every program that still runs."""
        del request, context
        self._children.end_all()
        return empty_pb2.Empty()


def _interpreter(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> Interpreter:
    try:
        return interpreter_for(info)
    except InterpreterError as error:
        _refuse(context, str(error))


def _refuse(context: grpc.ServicerContext, reason: str) -> NoReturn:
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, reason)
    raise AssertionError(reason)
