"""Writes its process id and then lives on in a hook."""

import asyncio
import os
from pathlib import Path

import pulumi

STILL = 120


async def live(_: pulumi.ResourceHookArgs) -> None:
    await asyncio.to_thread(Path("alive").write_text, str(os.getpid()))
    await asyncio.sleep(STILL)


class Thing(pulumi.ComponentResource):
    def __init__(self) -> None:
        hooks = pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook("live", live)])
        super().__init__("conformance:index:Thing", "thing", {}, pulumi.ResourceOptions(hooks=hooks))


Thing()
