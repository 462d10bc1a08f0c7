"""That there is no way back is known before the release starts, and only where it is so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from checks.compatibility import Compatibility
from checks.migration_lint import Finding
from checks.migration_plan import MigrationPlan
from cluster.api import Cluster
from cluster.approval.approvals import Approval
from cluster.errors import ClusterError
from cluster.migration.record import MigrationRecord
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.rollback.way_back import contract_since, why_no_way_back
from concerns.migration import MigrationWaiver
from tests.cluster.api_server import ApiServer, config_map, template
from tests.recorded import NAME

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FINDING = Finding(rule="ban-drop-column", revision="r2", line=3, message="Dropping a column breaks clients.")
WAIVER = MigrationWaiver(rule="ban-drop-column", revision="r2", by="ana", until=date(2024, 6, 1), reason="unused")
WAIVED = Compatibility(waived=((FINDING, WAIVER),))


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


def verified(version: str, at: datetime = NOW) -> VerifiedRelease:
    return VerifiedRelease(release=release(version), verified_at=at, template=template(version), records={})


def plan(
    cluster: Cluster,
    version: str,
    *,
    at: datetime = LATER,
    compatibility: Compatibility = WAIVED,
    approved: bool = True,
    start: str = "r1",
) -> None:
    approval = Approval(kind="migration", subject="a", by="ana", at=at)
    MigrationRecord(cluster, NAME).write(
        MigrationPlan(start, f"after-{start}", (f"after-{start}",), "ALTER TABLE t DROP COLUMN c;"),
        image="an image",
        version=version,
        findings=[],
        compatibility=compatibility,
        approval=approval if approved else None,
        at=at,
    )


@pytest.fixture
def cluster() -> Cluster:
    """Return a cluster where v1 is verified."""
    made = ApiServer().cluster()
    VerifiedReleases(made, NAME).add(verified("v1"))
    return made


def test_a_contract_that_was_let_since_closes_the_way_back_and_says_which(cluster: Cluster) -> None:
    plan(cluster, "v2")
    why = why_no_way_back(cluster, NAME, release("v2"))
    assert why is not None
    assert why.startswith("the migration of v2 (SQL ")
    assert "takes away what v1 may still need" in why
    assert "ban-drop-column" in why


def test_a_migration_that_breaks_nothing_leaves_the_way_open(cluster: Cluster) -> None:
    plan(cluster, "v2", compatibility=Compatibility())
    assert why_no_way_back(cluster, NAME, release("v2")) is None


@pytest.mark.parametrize("refused", [True, False])
def test_a_contract_that_was_not_let_leaves_the_way_open(cluster: Cluster, *, refused: bool) -> None:
    if refused:
        plan(cluster, "v2", compatibility=Compatibility(refused=(FINDING,), waived=((FINDING, WAIVER),)))
    else:
        plan(cluster, "v2", approved=False)
    assert why_no_way_back(cluster, NAME, release("v2")) is None


def test_a_later_plan_does_not_hide_the_contract_before_it(cluster: Cluster) -> None:
    plan(cluster, "v2")
    plan(cluster, "v3", compatibility=Compatibility(), start="after-r1")
    assert "the migration of v2" in (why_no_way_back(cluster, NAME, release("v3")) or "")


def test_a_contract_that_was_never_applied_does_not_close_the_way(cluster: Cluster) -> None:
    plan(cluster, "v2")
    plan(cluster, "v3", compatibility=Compatibility(), start="r1")
    assert why_no_way_back(cluster, NAME, release("v3")) is None


def test_a_release_that_was_verified_after_the_contract_can_be_gone_back_to(cluster: Cluster) -> None:
    plan(cluster, "v2")
    later = verified("v2", LATER + timedelta(minutes=1))
    VerifiedReleases(cluster, NAME).add(later)
    assert contract_since(cluster, NAME, later) is None
    assert why_no_way_back(cluster, NAME, release("v3")) is None
    assert contract_since(cluster, NAME, verified("v1")) is not None


def test_the_first_release_and_the_last_verified_one_have_nothing_to_go_back_to(cluster: Cluster) -> None:
    first = why_no_way_back(ApiServer().cluster(), NAME, release("v1"))
    assert first == "it is the first release here, so there is nothing to go back to"
    assert "it is the release that was verified last" in (why_no_way_back(cluster, NAME, release("v1")) or "")


@pytest.mark.parametrize("text", ["", "{", '[{"version": "v1"}]'])
def test_a_damaged_list_of_contracts_is_named_and_never_taken_for_none(text: str) -> None:
    name = f"{NAME}-migration-plan"
    server = ApiServer(config_maps={name: config_map(name, {"contracts": text})})
    with pytest.raises(ClusterError, match=f"key contracts of ConfigMap {name} does not hold a list of contracts"):
        contract_since(server.cluster(), NAME, verified("v1"))
