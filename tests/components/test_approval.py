"""Where an approval is wanted, its gate stands before everything else; elsewhere there is none."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from components.approval import Approval, ApprovalArgs
from tests.components.recorder import Recorder, declare
from tests.stack_values import settings_of

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def approval(*, required: bool) -> Callable[[], None]:
    settings = settings_of(approval={"required": required, "approvers": ["ann"]})

    def program() -> None:
        provider = pulumi.ResourceOptions()
        Approval("approval", ApprovalArgs(settings, "v1", lambda _record, _reporter: None), provider)

    return program


def test_its_record_names_the_version_in_the_namespace_of_the_release() -> None:
    recorder: Recorder = declare(approval(required=True))
    record = recorder.only(CONFIG_MAP).inputs
    assert record["metadata"]["name"] == "release-manager-staging-approved"
    assert record["metadata"]["namespace"] == "staging"
    assert record["data"] == {"version": "v1"}


def test_where_none_is_wanted_there_is_nothing() -> None:
    assert declare(approval(required=False)).all(CONFIG_MAP) == []
