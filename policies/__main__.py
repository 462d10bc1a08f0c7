"""The policy pack that `pulumi --policy-pack policies` runs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi
from pulumi_policy import PolicyPack

from policies.guarded import guarded
from policies.levels import environment_of
from policies.pack import policies

environment = environment_of(pulumi.get_stack())
with guarded(environment):
    PolicyPack(name="release-manager", policies=policies(environment))
