"""Where an approval is wanted, its gate stands before everything else; elsewhere there is none."""

from __future__ import annotations

from collections.abc import Callable

import pulumi

from components.approval import Approval, ApprovalArgs
from evidence.git import Revision
from evidence.image import FoundImage
from tests.components.recorder import Recorder, declare
from tests.stack_values import settings_of

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


SHA = "a" * 40
IMAGE = "registry.internal/release-manager@sha256:d"


def approval(
    *, required: bool = True, image: FoundImage | None = None, reuse: bool = True, settled: bool = False
) -> Callable[[], None]:
    settings = settings_of(approval={"required": required, "approvers": ["ann"]}, image__reuse=reuse)
    revision = Revision(SHA, "", "", "", "v1")

    def program() -> None:
        provider = pulumi.ResourceOptions()
        args = ApprovalArgs(settings, revision, image, lambda _record, _reporter: None, settled)
        Approval("approval", args, provider)

    return program


def test_its_record_names_version_and_commit_in_the_namespace_of_the_release() -> None:
    recorder: Recorder = declare(approval(required=True))
    record = recorder.only(CONFIG_MAP).inputs
    assert record["metadata"]["name"] == "release-manager-staging-approved"
    assert record["metadata"]["namespace"] == "staging"
    assert record["data"] == {"version": "v1", "revision": SHA}


def test_an_image_that_is_there_is_part_of_what_is_approved_where_it_is_the_one_that_will_run() -> None:
    found = FoundImage(IMAGE)
    assert declare(approval(image=found)).only(CONFIG_MAP).inputs["data"]["image"] == IMAGE
    assert "image" not in declare(approval(image=found, reuse=False)).only(CONFIG_MAP).inputs["data"]


def test_once_the_release_is_settled_its_record_stays_as_it_is() -> None:
    assert declare(approval(settled=True)).only(CONFIG_MAP).ignored == ["data"]
    assert declare(approval()).only(CONFIG_MAP).ignored == []


def test_where_none_is_wanted_there_is_nothing() -> None:
    assert declare(approval(required=False)).all(CONFIG_MAP) == []
