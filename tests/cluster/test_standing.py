"""What the cluster says about a release before an update: from where it starts, and whether somebody has gone back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from checks.rollout import REVISION
from cluster.names import CONFIGURATION, Names
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.service_port import ServicePort
from cluster.standing import Standing, standing
from tests.cluster.api_server import ApiServer, config_map, template
from tests.recorded import NAME

NAMES = Names(NAME, "release-manager")
STEP = NAMES.step_record(10)


def asked(version: str) -> dict[str, str]:
    image = f"registry.internal/release-manager@sha256:{version}"
    return {"version": version, "image": image, "configuration": "c0ffee", "revision": "abc"}


def runs(version: str) -> dict[str, Any]:
    found = template(version)
    found["metadata"]["annotations"] = {CONFIGURATION: "c0ffee"}
    return found


class Here:
    """A cluster where one version after the other was put on stable."""

    def __init__(self, *versions: str, revision: str = "7") -> None:
        self.server = ApiServer()
        for version in versions:
            self.server.deploy(runs(version))
        if self.server.deployment is not None:
            self.server.deployment["metadata"]["annotations"][REVISION] = revision

    def recorded(self, version: str, started_from: str, *, name: str = STEP) -> None:
        self.server.config_maps[name] = config_map(name, {**asked(version), "from": started_from, "step": "10"})

    def verified(self, *versions: str) -> None:
        for version in versions:
            release = Release.model_validate(asked(version))
            record = VerifiedRelease(release=release, verified_at=datetime.now(UTC), template=runs(version), records={})
            VerifiedReleases(self.server.cluster(), NAME).add(record)

    def standing(self, version: str, **changes: str) -> Standing:
        return standing(self.server.cluster(), NAMES, STEP, {**asked(version), **changes}, canary=True)


def test_where_nothing_stands_a_release_starts_from_nothing() -> None:
    found = Here().standing("v1")
    assert found == Standing(started_from="0", port=ServicePort())


def test_a_new_release_starts_from_the_revision_that_serves() -> None:
    here = Here("v1")
    here.recorded("v1", "6")
    assert here.standing("v2").started_from == "7"
    assert not here.standing("v2").gone_back


def test_a_release_that_serves_keeps_where_it_started_so_that_nothing_changes() -> None:
    here = Here("v1")
    here.recorded("v1", "6")
    here.verified("v1")
    found = here.standing("v1")
    assert (found.started_from, found.gone_back) == ("6", False)


def test_a_release_that_was_begun_and_killed_starts_from_the_same_revision() -> None:
    here = Here("v1")
    here.recorded("v2", "7")
    assert here.standing("v2").started_from == "7", "what it has passed is not measured again"


def test_a_release_that_somebody_went_back_from_is_measured_anew() -> None:
    here = Here("v2", "v1", revision="9")
    here.recorded("v2", "7")
    here.verified("v1", "v2")
    found = here.standing("v2")
    assert (found.started_from, found.gone_back) == ("9", False), "its records say 7, so all of them differ"


def test_the_version_that_somebody_went_back_to_is_not_released_again() -> None:
    here = Here("v2", "v1", revision="9")
    here.recorded("v2", "7")
    here.server.config_maps[f"{NAME}-migration"] = config_map(f"{NAME}-migration", {"resource": "migration-abc"})
    here.verified("v1", "v2")
    found = here.standing("v1")
    assert found.gone_back
    assert found.migration == "migration-abc"


@pytest.mark.parametrize("was_verified", [True, False])
def test_a_migration_of_the_release_that_was_left_is_not_made_again(*, was_verified: bool) -> None:
    """After `make rollback` from a verified release its Job is the only one that there still is."""
    here = Here("v1", "v2", "v1")
    here.recorded("v1", "3")
    here.server.config_maps[NAMES.record("migration")] = config_map(
        NAMES.record("migration"), {**asked("v2"), "resource": "migration-of-v2"}
    )
    if was_verified:
        here.verified("v1", "v2")

    found = here.standing("v1")

    assert (found.gone_back, found.migration) == ((True, "migration-of-v2") if was_verified else (False, None))
    assert found.started_from == "3"


def test_what_was_never_verified_is_released_in_full_whatever_stable_runs() -> None:
    here = Here("v2", "v1", revision="9")
    here.recorded("v2", "7")
    assert here.standing("v1") == Standing(started_from="9", replicas=2)


@pytest.mark.parametrize("canary", [True, False])
def test_an_image_that_is_not_known_before_it_is_built_makes_no_other_release(*, canary: bool) -> None:
    here = Here("v1")
    record = STEP if canary else NAMES.record("verified")
    here.recorded("v1", "6", name=record)
    here.verified("v1")
    found = standing(here.server.cluster(), NAMES, record, {**asked("v1"), "image": ""}, canary=canary)
    assert (found.started_from, found.gone_back) == ("6", False), "a second update with nothing to do changes nothing"


@pytest.mark.parametrize("changed", [{"configuration": "other"}, {"image": "r@sha256:other"}])
def test_the_same_version_with_another_image_or_configuration_is_another_release(changed: dict[str, str]) -> None:
    here = Here("v1")
    here.recorded("v1", "6")
    here.verified("v1")
    assert here.standing("v1", **changed).started_from == "7"


def test_without_a_canary_a_killed_update_is_verified_and_not_taken_for_a_rollback() -> None:
    here = Here("v2", "v1", revision="9")
    verified = NAMES.record("verified")
    here.recorded("v2", "7", name=verified)
    here.verified("v1", "v2")
    found = standing(here.server.cluster(), NAMES, verified, asked("v1"), canary=False)
    assert not found.gone_back


@pytest.mark.parametrize(
    ("canary", "replicas", "version", "left"),
    [
        ("v2", 1, "v1", True),  # v2 was killed at a step, and v1 is asked for, which serves
        ("v2", 1, "v3", True),  # another release would move these pods before its first gate
        ("v2", 1, "v2", False),  # the same release goes on with them
        ("v2", 0, "v1", False),
    ],
)
def test_pods_of_a_canary_that_a_killed_run_left_are_told_from_those_that_are_in_use(
    canary: str, replicas: int, version: str, *, left: bool
) -> None:
    here = Here("v1")
    here.recorded("v1", "6")
    here.verified("v1")
    here.server.resting = {"metadata": {"name": NAMES.canary}, "spec": {"replicas": replicas, "template": runs(canary)}}
    assert here.standing(version).canary_left is left
