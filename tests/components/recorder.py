"""A monitor in memory that keeps every resource that a program declares, in the order of declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.settings import SETTINGS

REPO_DIGEST = "registry.internal/release-manager@sha256:" + "5e" * 32
Json = dict[str, Any]


@dataclass(frozen=True)
class Declared:
    """One resource as the engine would be asked for it."""

    urn: str
    kind: str
    name: str
    parent: str
    inputs: Json
    secrets: frozenset[str]
    dependencies: frozenset[str]
    hooks: dict[str, list[str]]
    provider: str
    ignored: list[str] = field(default_factory=list)

    @property
    def object_name(self) -> str:
        found: str = self.inputs["metadata"]["name"]
        return found


@dataclass(frozen=True)
class _Provider(mocks.Mocks):
    preview: bool = False

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:
        raise AssertionError(f"no provider is asked, but {args.token} was called")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        built = args.typ == "docker:index/image:Image" and not self.preview
        outputs = {"repoDigest": REPO_DIGEST} if built else {}
        return f"{args.name}-id", {**args.inputs, **outputs}


class RefusedError(Exception):
    """The engine did not make the resource, as after a gate that failed."""


class UnknownFunctionError(grpc.RpcError):
    """What an engine answers that does not know what it is asked for."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNIMPLEMENTED

    def details(self) -> str:
        return "unknown function"


@dataclass
class Recorder(mocks.MockMonitor):
    """`recorded` is what the engine has on record from before, by URN; one that is `silent` does not tell."""

    resources: dict[str, mocks.MockMonitor.ResourceRegistration] = field(default_factory=dict)
    declared: list[Declared] = field(default_factory=list)
    hooks: dict[str, pulumi.ResourceHook] = field(default_factory=dict)
    refused: str = ""
    recorded: dict[str, Json] = field(default_factory=dict)
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    outputs: dict[str, Json] = field(default_factory=dict)
    let: list[Mapping[str, str]] = field(default_factory=list)
    mocks: mocks.Mocks = field(default_factory=_Provider)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  (the name that the engine uses)
        if request.name == self.refused:
            raise RefusedError(request.name)
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = rpc.deserialize_properties(request.object)
            plain = {key: rpc.unwrap_rpc_secret(value) for key, value in inputs.items()}
            self.declared.append(
                Declared(
                    urn=answer.urn,
                    kind=request.type,
                    name=request.name,
                    parent=request.parent,
                    inputs=plain,
                    secrets=frozenset(key for key, value in inputs.items() if rpc.is_rpc_secret(value)),
                    dependencies=frozenset(request.dependencies),
                    hooks={field.name: list(value) for field, value in request.hooks.ListFields()},
                    provider=request.provider,
                    ignored=list(request.ignoreChanges),
                )
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  (the name that the engine uses)
        self.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def Invoke(self, request: Any) -> Any:  # noqa: N802  (the name that the engine uses)
        """Answer what the engine itself answers; a provider is never asked."""
        answers: Json = {
            "pulumi:pulumi:readStackOutputs": {"version": "v1"} if self.recorded else {},
            "pulumi:pulumi:readStackResourceOutputs": self.recorded,
        }
        self.asked.append(request.tok)
        if self.silent:
            raise UnknownFunctionError
        if request.tok not in answers:
            return super().Invoke(request)  # type: ignore[no-untyped-call]
        told: Json = {"return": struct_pb2.Struct()}
        told["return"].update({"outputs": answers[request.tok]})
        return provider_pb2.InvokeResponse(**told)

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        """Keep the hook: mocks never run one, so a test calls it itself."""
        assert hook.name not in self.hooks, f"two hooks are called {hook.name}"
        self.hooks[hook.name] = hook

    def only(self, kind: str) -> Declared:
        found = [each for each in self.declared if each.kind == kind]
        assert len(found) == 1, f"{len(found)} of {kind}"
        return found[0]

    def all(self, kind: str) -> list[Declared]:
        return [each for each in self.declared if each.kind == kind]

    def named(self, urn: str) -> Declared:
        return next(each for each in self.declared if each.urn == urn)


def declare(program: Callable[[], object], *, preview: bool = False, recorder: Recorder | None = None) -> Recorder:
    """Run `program` until all that it declares is registered, outputs included. Fails where it fails."""
    recorder = recorder or Recorder(mocks=_Provider(preview))
    # What a program that was refused has left behind is not this one's.
    SETTINGS.outputs.clear()
    mocks.set_mocks(recorder.mocks, project="release-manager", stack="staging", preview=preview, monitor=recorder)
    SETTINGS.callbacks = recorder

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return recorder
