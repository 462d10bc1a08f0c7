"""The database is at the head only where the release's own image says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.verdict import Kind, Verdict
from cluster.migration.database_head import judge_database_head
from tests.cluster.alembic_image import AlembicImage, Says
from tests.cluster.migration.test_planner import planner
from tests.cluster.verification_world import release


def judged(image: AlembicImage) -> Verdict:
    server = image.server()
    verdict = judge_database_head(planner(server, image), release("v2"))
    assert server.jobs == {}, "nothing is left behind"
    return verdict


def test_at_the_head_passes(tmp_path: Path) -> None:
    verdict = judged(AlembicImage(tmp_path, current=Says("0004 (head)\n")))
    assert (verdict.kind, verdict.reason) == (Kind.PASS, "alembic current is the head, 0004")
    assert verdict.numbers == {"current": "0004", "head": "0004"}


def test_another_revision_fails_and_names_both(tmp_path: Path) -> None:
    verdict = judged(AlembicImage(tmp_path))
    assert verdict.kind is Kind.FAIL
    assert verdict.reason == "alembic current is 0003, not the head 0004: pending are 0004"


@pytest.mark.parametrize("current", [Says("", 1), Says("0003\n0004\n")])
def test_an_alembic_that_cannot_tell_is_no_data(tmp_path: Path, current: Says) -> None:
    assert judged(AlembicImage(tmp_path, current=current)).kind is Kind.NO_DATA
