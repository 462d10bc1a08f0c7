"""How strictly each rule is held in each environment: one table decides it, for the pack and for the program."""

from __future__ import annotations

from enum import StrEnum

from policies.rules import checklist, monitoring, place, rollout, workload
from policies.rules.rule import DEV, PROD, STAGING, Rule

RULES: tuple[Rule, ...] = (
    *checklist.RULES,
    *workload.RULES,
    *place.RULES,
    *rollout.RULES,
    *monitoring.RULES,
)


class Level(StrEnum):
    """What a violation does: nothing at all, a line to read, or an end to the update before anything changes."""

    OFF = "disabled"
    ADVISORY = "advisory"
    MANDATORY = "mandatory"


# Policies that look at a whole stack, and have no rule of one resource.
IMAGES_POLICY, COMPLETE_POLICY = "unknown-image-is-built-here", "checklist-and-outline-declared"
_ENVIRONMENTS = (DEV, STAGING, PROD)
_OFF, _TOLD, _HELD = Level.OFF, Level.ADVISORY, Level.MANDATORY

# By the name of a rule, or else by its topic. In prod everything is held. Which items of the checklist staging requires
# its settings say, beside the approval, which it always does: what is not required holds nothing up.
_TABLE: dict[str, tuple[Level, Level, Level]] = {
    #                           dev    staging prod
    "checklist": (_OFF, _HELD, _HELD),
    "workload": (_TOLD, _HELD, _HELD),
    "containers-known": (_HELD, _HELD, _HELD),
    "no-host-access": (_HELD, _HELD, _HELD),
    "no-plain-secret": (_HELD, _HELD, _HELD),
    "in-namespace": (_HELD, _HELD, _HELD),
    "nothing-opaque": (_HELD, _HELD, _HELD),
    "disruption-is-bounded": (_OFF, _HELD, _HELD),
    "rollout": (_OFF, _TOLD, _HELD),
    "migration-is-first": (_OFF, _HELD, _HELD),
    "verification-is-last": (_OFF, _HELD, _HELD),
    "configuration-goes-back": (_TOLD, _HELD, _HELD),
    "monitoring": (_OFF, _TOLD, _HELD),
    IMAGES_POLICY: (_TOLD, _HELD, _HELD),
    COMPLETE_POLICY: (_OFF, _HELD, _HELD),
}


def environment_of(stack: str) -> str:
    """Return the environment that a stack is called after; a stack of any other name is held to prod."""
    return stack if stack in _ENVIRONMENTS else PROD


def strictest(*environments: str) -> str:
    """Return the environment of these whose rules are the strictest."""
    return max((environment_of(one) for one in environments), key=_ENVIRONMENTS.index)


def level_of(rule: Rule, environment: str) -> Level:
    """Return how strictly the rule is held in the environment."""
    return level_named(rule.name if rule.name in _TABLE else rule.topic.value, environment)


def level_named(name: str, environment: str) -> Level:
    """Return how strictly what has a row of this name is held; what has none is held everywhere."""
    row = _TABLE.get(name, (_HELD, _HELD, _HELD))
    return row[_ENVIRONMENTS.index(environment_of(environment))]
