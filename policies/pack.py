"""The rules as policies of Pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.configuration import schema_of
from policies.levels import COMPLETE_POLICY, IMAGES_POLICY, RULES, level_named, level_of
from policies.plain import plain, whole_numbers
from policies.rules.checklist import CHECKLIST
from policies.rules.images import Declared, unknown_images_are_built_here
from policies.rules.outline import OUTLINE
from policies.rules.rule import Given, Rule

# Without them no rule of the checklist or of the order would have anything to look at.
NEEDED = (CHECKLIST, OUTLINE)


def policies(environment: str) -> list[Policy]:
    """Return all policies, each as strict as the table has it for the environment."""
    return [*(_policy(rule, environment) for rule in RULES), _images_policy(environment), _complete_policy(environment)]


def _policy(rule: Rule, environment: str) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if rule.applies(args.resource_type):
            given = Given(environment, _configured(args.get_config()))
            for violation in rule.check(plain(args.props), given):
                report(f"{violation}. To mend it: {rule.remedy}", None)

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.description,
        validate=validate,
        enforcement_level=EnforcementLevel(level_of(rule, environment).value),
        config_schema=PolicyConfigSchema(schema_of(rule)) if rule.thresholds else None,
        severity=Severity(rule.severity.value),
        tags=[rule.topic.value],
        remediation_steps=rule.remedy,
    )


def _configured(config: Any) -> Mapping[str, Any]:  # noqa: ANN401
    found: dict[str, Any] = whole_numbers(dict(config or {}))
    return found


def _images_policy(environment: str) -> StackValidationPolicy:
    """Unknown images exist in a preview alone, behind which a policy of the stack still comes in time."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = [_declared(each) for each in args.resources]
        for urn, texts in unknown_images_are_built_here(stack).items():
            for text in texts:
                report(f"{text}. To mend it: use the image component's reference.", urn)

    return StackValidationPolicy(
        name=IMAGES_POLICY,
        description="An image that a preview does not know yet is one that this very update builds.",
        validate=validate,
        enforcement_level=EnforcementLevel(level_named(IMAGES_POLICY, environment).value),
        severity=Severity.HIGH,
    )


def _declared(resource: PolicyResource) -> Declared:
    origins = {name: [each.resource_type for each in found] for name, found in resource.property_dependencies.items()}
    return Declared(resource.urn, resource.resource_type, plain(resource.props), origins)


def _complete_policy(environment: str) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        kinds = [each.resource_type for each in args.resources]
        for wanted in NEEDED:
            if kinds.count(wanted) != 1:
                found = f"the stack has {kinds.count(wanted)} of {wanted}, and not one"
                report(f"{found}. To mend it: see docs/policies.md", None)

    return StackValidationPolicy(
        name=COMPLETE_POLICY,
        description="A release declares its checklist and its outline, which the other rules look at.",
        validate=validate,
        enforcement_level=EnforcementLevel(level_named(COMPLETE_POLICY, environment).value),
        severity=Severity.CRITICAL,
    )
