"""What an update built is kept for its version and commit, and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cluster.approval.built import KEPT, BuiltImages
from tests.cluster.api_server import ApiServer, config_map
from tests.recorded import NAME

AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
DIGEST = f"sha256:{'d' * 64}"


def built(server: ApiServer) -> BuiltImages:
    return BuiltImages(server.cluster(), NAME)


def test_it_is_found_again_for_its_version_and_its_commit_alone() -> None:
    server = ApiServer()
    built(server).add("v1", "a" * 40, DIGEST, AT)
    assert built(server).digest("v1", "a" * 40) == DIGEST
    assert built(server).digest("v1", "b" * 40) == ""
    assert built(server).digest("v2", "a" * 40) == ""
    assert built(ApiServer()).digest("v1", "a" * 40) == ""


def test_the_last_build_counts() -> None:
    server = ApiServer()
    built(server).add("v1", "a" * 40, "sha256:old", AT)
    built(server).add("v1", "a" * 40, DIGEST, AT + timedelta(hours=1))
    assert built(server).digest("v1", "a" * 40) == DIGEST


def test_what_is_damaged_says_nothing() -> None:
    name = f"{NAME}-built"
    server = ApiServer(config_maps={name: config_map(name, {"v1": "no"})})
    assert built(server).digest("v1", "a" * 40) == ""
    built(server).add("v2", "a" * 40, DIGEST, AT)
    assert built(server).digest("v2", "a" * 40) == DIGEST


def test_the_record_stays_small_and_the_oldest_goes_first() -> None:
    server = ApiServer()
    for number in range(KEPT + 2):
        built(server).add(f"v{number}", "a" * 40, DIGEST, AT + timedelta(minutes=number))
    assert built(server).digest("v0", "a" * 40) == built(server).digest("v1", "a" * 40) == ""
    assert built(server).digest("v2", "a" * 40) == DIGEST
