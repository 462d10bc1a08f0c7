"""Forbids the word that the program `raises` is configured with in its name."""

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)


def forbid(arguments: ResourceValidationArgs, report: ReportViolation) -> None:
    if arguments.resource_type == "pulumi:pulumi:Stack":
        report("no stack is good enough", None)


PolicyPack(
    name="conformance",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[ResourceValidationPolicy(name="nothing", description="Nothing passes.", validate=forbid)],
)
