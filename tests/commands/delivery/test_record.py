"""What is kept of a release is gathered in one place, whether or not each part of it is there."""

from __future__ import annotations

from cluster.history.history import History, ReleaseRecord
from cluster.release import Release
from commands.delivery.record import record
from tests.cluster.api_server import ApiServer
from tests.commands.delivery.world import AT, World
from tests.fake_time import Told

NAME = "release-manager-prod"


def test_the_record_the_report_and_the_sql_are_gathered(world: World) -> None:
    server = ApiServer()
    release = Release(version="v2026.11.23", image="r@sha256:1", configuration="c0ffee", revision="abc")
    told = ReleaseRecord(server.cluster(), NAME, release, Told().reporter, by="ana", run="1", wall_clock=lambda: AT)
    told.begin()
    told.finish("verified")
    (world.root / "verification.json").write_text("{}", encoding="utf-8")
    lines = record(History(server.cluster(), NAME), world.of(), directory=world.root)
    found = {file.name: file.read_text(encoding="utf-8") for file in world.of().record.iterdir()}
    assert set(found) == {"history.txt", "release-1.txt", "verification.json"}
    assert "v2026.11.23" in found["history.txt"]
    assert "verified" in found["release-1.txt"]
    assert lines[0] == "release 1: verified"


def test_before_the_first_release_there_is_little_to_gather(world: World) -> None:
    lines = record(History(ApiServer().cluster(), NAME), world.of(), directory=world.root)
    assert lines[0] == "no release is on record"
