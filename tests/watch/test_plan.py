"""The plan goes to the Job and comes back as it was, with its secrets beside it and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.errors import ClusterError
from tests.watch.plans import SECRETS, plan_of
from watch.plan import read_plan


def test_a_plan_comes_back_as_it_was() -> None:
    plan = plan_of()
    assert read_plan(plan.text(), plan.secrets()) == plan


def test_its_text_holds_no_secret_and_the_secrets_hold_all() -> None:
    plan = plan_of()
    for secret in SECRETS:
        assert secret not in plan.text()
        assert secret in plan.secrets()


def test_what_is_not_configured_is_no_secret() -> None:
    plan = plan_of(notify={}, log_store=None)
    assert json.loads(plan.secrets()) == {}
    assert read_plan(plan.text(), plan.secrets()) == plan


@pytest.mark.parametrize(
    ("text", "secrets"),
    [("", "{}"), ("[]", "{}"), ("{}", "{}"), ('{"key": 7}', "{}"), (None, "nonsense"), (None, "[1]")],
)
def test_a_plan_that_cannot_be_read_is_told_in_one_line_without_a_value(text: Any, secrets: str) -> None:
    with pytest.raises(ClusterError) as caught:
        read_plan(plan_of().text() if text is None else text, secrets)
    assert "the plan of the watch cannot be read" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in SECRETS)
