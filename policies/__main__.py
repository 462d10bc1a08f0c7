"""The policy pack that `pulumi --policy-pack policies` runs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from policies.plain import plain
from policies.rules.rule import Rule
from policies.rules.workload import RULES


def _policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.applies(args.resource_type):
            for violation in rule.check(plain(args.props)):
                report(f"{violation}. To mend it: {rule.remedy}", None)

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.description,
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


PolicyPack(name="release-manager", policies=[_policy(rule) for rule in RULES])
