"""A release is named by its version, its image and its configuration, and by nothing else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cluster.release import Release

FIELDS = {"version": "dev-abc1234", "image": "r@sha256:1", "configuration": "c0ffee", "revision": "abc"}


@pytest.mark.parametrize("field", ["version", "image", "configuration"])
def test_another_value_is_another_release(field: str) -> None:
    one, other = Release(**FIELDS), Release(**{**FIELDS, field: "another"})
    assert one.identity != other.identity
    assert one.identity == Release(**FIELDS).identity


def test_the_same_content_of_another_commit_is_the_same_release() -> None:
    assert Release(**FIELDS).identity == Release(**{**FIELDS, "revision": "another"}).identity


def test_values_cannot_run_into_each_other() -> None:
    one = Release(version="a", image="b", configuration="c", revision="")
    assert one.identity != Release(version="a\nb", image="", configuration="c", revision="").identity


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": "dev-def5678"}, "dev-def5678"),
        ({"configuration": "decaf"}, "dev-abc1234 with configuration decaf"),
        ({"image": "r@sha256:2"}, "dev-abc1234 with image sha256:2"),
    ],
)
def test_two_releases_are_told_apart_by_what_differs(changes: dict[str, str], told: str) -> None:
    assert Release(**{**FIELDS, **changes}).told_apart_from(Release(**FIELDS)) == told


def test_a_record_with_another_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Release.model_validate({**FIELDS, "approved": "yes"})
