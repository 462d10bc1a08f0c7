"""What a stack's settings make of the checklist: who is asked, about which release, since which commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import checklisting
from checklisting import Checklisting
from cluster.approval.approvals import Approvals
from cluster.errors import ClusterError
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from evidence.checklist.candidate import Candidate
from evidence.checklist.checklist import Checklist
from evidence.checklist.dashboard import Dashboard
from evidence.checklist.item import ITEMS
from evidence.checklist.proof import Prover, State
from evidence.git import Revision, read_revision
from tests.cluster.api_server import ApiServer, template
from tests.evidence.checkouts import git
from tests.recorded import NAME
from tests.stack_values import settings_of

NOW = datetime(2031, 5, 14, 9, 30, tzinfo=UTC)
VERSION = "v2031.05.14"
WANTED: dict[str, Any] = {
    "approval": {"required": True, "approvers": ["ann"]},
    "release": {"tag": "v%Y.%m.%d", "pushed": True},
    "checklist": {"required": "all"},
}


class Asked:
    """A checklist of the checkout, on a cluster in memory."""

    def __init__(self, checkout: Path) -> None:
        self.server, self.checkout = ApiServer(), checkout

    def gather(self, revision: Revision) -> Checklist:
        return self.checklisting().of(revision, None)

    def checklisting(self, **values: Any) -> Checklisting:
        def nobody(_address: str) -> httpx.Client:
            return httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(503)))

        context = str(self.checkout / "app")
        settings = settings_of(**WANTED, image__context=context, application__deployment=NAME, **values)
        return Checklisting(settings, self.server.cluster(), nobody, wall_clock=lambda: NOW)

    def verified(self, version: str, revision: str, hours: int) -> None:
        release = Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision=revision)
        VerifiedReleases(self.server.cluster(), NAME).add(
            VerifiedRelease(
                release=release, verified_at=NOW + timedelta(hours=hours), template=template(version), records={}
            )
        )

    def state(self, revision: Revision, name: str) -> State:
        return next(line.proof.state for line in self.gather(revision).lines if line.item.name == name)


@pytest.fixture
def asked(checkout: Path) -> Asked:
    git(checkout, "tag", "-a", "-m", "release", VERSION)
    return Asked(checkout)


def tagged(checkout: Path) -> Revision:
    found = read_revision(checkout)
    return Revision(found.sha, found.committed_at, found.source, found.changes, VERSION)


def test_all_items_are_there_in_the_guides_order_and_none_is_proven_by_services_that_are_down(asked: Asked) -> None:
    found = asked.gather(tagged(asked.checkout))
    assert (found.environment, found.version) == ("staging", VERSION)
    assert [line.item for line in found.lines] == list(ITEMS)
    proven = {line.item.name for line in found.lines if line.proof.state is State.PROVEN}
    assert proven == {"tag", "migration", "window"}


def test_what_make_approve_recorded_is_the_approval(asked: Asked) -> None:
    revision = tagged(asked.checkout)
    assert asked.state(revision, "approval") is State.MISSING
    Approvals(asked.server.cluster(), NAME, ("ann",)).approve("release", VERSION, by="ann", at=NOW, commit=revision.sha)
    assert asked.state(revision, "approval") is State.PROVEN


def test_what_a_release_changes_counts_from_the_one_whose_place_it_takes(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    def code(candidate: Candidate, *_settings: object, **_more: object) -> dict[str, Prover]:
        counted.append(candidate.before)
        return {}

    monkeypatch.setattr(checklisting, "provers_of_code", code)
    revision = tagged(asked.checkout)

    asked.gather(revision)
    asked.verified("v1", "1" * 40, 1)
    asked.server.deploy(template("v1"))
    asked.gather(revision)
    asked.verified(VERSION, revision.sha, 2)
    asked.server.deploy(template(VERSION))
    asked.gather(revision)

    assert counted == ["", "1" * 40, "1" * 40], "before the first; on top of v1; and still, once it serves itself"


@pytest.mark.parametrize(
    ("monitoring", "expected"),
    [
        ({}, None),
        (
            {"format": "operator"},
            Dashboard("release-manager-staging", "grafana_dashboard", "staging", f"{NAME}-dashboard"),
        ),
        (
            {"format": "operator", "dashboard": {"label": "team", "kept": {"uid": "ours", "config_map": "boards"}}},
            Dashboard("ours", "team", "staging", "boards", own=False),
        ),
        (
            {"dashboard": {"kept": {"uid": "ours", "namespace": "boards"}}},
            Dashboard("ours", "grafana_dashboard", "boards", own=False),
        ),
    ],
)
def test_people_watch_the_dashboard_that_the_release_brings_or_the_one_that_is_kept(
    asked: Asked, monitoring: dict[str, Any], expected: Dashboard | None
) -> None:
    assert asked.checklisting(monitoring=monitoring)._infrastructure().dashboard == expected


def test_the_authority_of_the_log_store_is_its_own(asked: Asked) -> None:
    store = {"url": "https://logs.internal", "ca_file": "/nowhere/ca.pem"}
    around = asked.checklisting(log_store=store)._infrastructure()
    with pytest.raises(ClusterError, match=r"log_store\.ca_file /nowhere/ca\.pem cannot be read"):
        around.connect_to_logs("https://logs.internal")
    with asked.checklisting(log_store={"url": "https://logs.internal"})._infrastructure().connect_to_logs("") as client:
        assert client.get("https://logs.internal").status_code == 503, "the one that everybody else is asked with"
