"""A policy pack that refuses a configuration which takes away more than it may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import json_format
from pulumi.runtime import proto
from pulumi_policy import policy

from policies.configuration import refusals
from policies.levels import environment_of
from policies.pack import policies
from policies.plain import whole_numbers

_MEND = "take it out of the file that --policy-pack-config names"


class GuardedServicer(policy._PolicyAnalyzerServicer):  # noqa: SLF001  (the SDK has no other place to ask at)
    """What answers the engine for the pack, in `environment`; it answers no configuration that it must not follow."""

    environment: str

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  (the name that the engine uses)
        """Take the policies of the stack's environment: only here does an engine name the stack to every pack."""
        answer = super().ConfigureStack(request, context)
        self.environment = environment_of(request.stack)
        self._PolicyAnalyzerServicer__policies = policies(self.environment)
        return answer

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  (the name that the engine uses)
        """Take the configuration, or end the update with one line on what it must not set."""
        wanted = {
            name: (
                proto.EnforcementLevel.Name(one.enforcementLevel).lower(),
                whole_numbers(json_format.MessageToDict(one.properties)),
            )
            for name, one in request.policyConfig.items()
        }
        found = refusals(self.environment, wanted)
        if found:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{'; '.join(found)}; to mend it, {_MEND}")
        return super().Configure(request, context)  # type: ignore[no-untyped-call]


@contextmanager
def guarded(environment: str) -> Iterator[None]:
    """Have packs that are made within the body answer as GuardedServicer does."""
    unguarded = policy._PolicyAnalyzerServicer  # noqa: SLF001
    answering: Any = type("Guarded", (GuardedServicer,), {"environment": environment})
    policy._PolicyAnalyzerServicer = answering  # type: ignore[misc]  # noqa: SLF001
    try:
        yield
    finally:
        policy._PolicyAnalyzerServicer = unguarded  # type: ignore[misc]  # noqa: SLF001
