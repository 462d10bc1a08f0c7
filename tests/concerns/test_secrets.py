"""Every secret of the settings is known as one, wherever it stands."""

from __future__ import annotations

from concerns.secrets import secret_paths, secret_values
from settings import Settings
from tests.stack_values import settings_of

SLACK = {"slack": {"channel": "C0123456789", "token": "not-a-real-token"}}


def test_the_paths_of_all_secrets_are_found_whatever_they_are_below() -> None:
    paths = {".".join(path) for path in secret_paths(Settings)}
    assert {"image.registry.password", "notify.slack.token", "notify.pagerduty.routing_key"} <= paths


def test_the_values_that_are_set_are_returned_and_nothing_else() -> None:
    assert list(secret_values(settings_of(image__registry=...))) == []
    assert set(secret_values(settings_of(notify=SLACK))) == {"hunter2-the-secret", "not-a-real-token"}
