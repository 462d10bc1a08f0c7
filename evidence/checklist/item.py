"""The nineteen items of the pre-deployment checklist, in the guide's words and order."""

from __future__ import annotations

from dataclasses import dataclass

_CODE, _PLANNING = "code and testing", "documentation and planning"
_APPROVALS, _INFRASTRUCTURE = "approvals and communication", "infrastructure and monitoring"


@dataclass(frozen=True)
class Item:
    """One item: its number in the guide, the name by which settings, policies and messages call it, and its words."""

    number: int
    name: str
    title: str
    group: str


ITEMS = (
    Item(1, "merged", "all changes are merged to main", _CODE),
    Item(2, "tests", "all automated tests pass (unit, integration, e2e)", _CODE),
    Item(3, "review", "the code review is complete and approved", _CODE),
    Item(4, "markers", "no known failing tests or TODOs in deployment-blocking code", _CODE),
    Item(5, "tag", "a git tag exists for the release version", _CODE),
    Item(6, "plan", "a deployment plan is written (estimated duration, rollback plan)", _PLANNING),
    Item(7, "notes", "release notes are ready, breaking changes clearly marked", _PLANNING),
    Item(8, "migration", "the database migration strategy is reviewed", _PLANNING),
    Item(9, "architecture", "architecture changes are documented and validated", _PLANNING),
    Item(10, "approval", "the release manager approved the deployment", _APPROVALS),
    Item(11, "window", "a maintenance window is scheduled", _APPROVALS),
    Item(12, "announcement", "stakeholders were told the timeline", _APPROVALS),
    Item(13, "on-call", "the on-call engineer is confirmed and available", _APPROVALS),
    Item(14, "response-team", "the incident response team stands by (critical deployments)", _APPROVALS),
    Item(15, "environment", "the target environment is healthy", _INFRASTRUCTURE),
    Item(16, "backup", "database backups are complete", _INFRASTRUCTURE),
    Item(17, "monitoring", "dashboards and alert rules are verified", _INFRASTRUCTURE),
    Item(18, "logs", "log aggregation works", _INFRASTRUCTURE),
    Item(19, "rollback", "the rollback procedure is tested and verified", _INFRASTRUCTURE),
)
BY_NAME = {item.name: item for item in ITEMS}
