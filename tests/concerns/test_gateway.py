"""With a Gateway any number of replicas can express any share; what it cannot do is refused all the same."""

from __future__ import annotations

from typing import Any

import pytest

from settings import SettingsError
from tests.stack_values import CANARY, settings_of

GATEWAY = {"gateway": {"name": "public", "namespace": "gateways", "listener": "https"}}
WEIGHTED: dict[str, Any] = {**CANARY, "ingress": GATEWAY}


def refused(**changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        settings_of(**changes)
    return str(caught.value)


@pytest.mark.parametrize("replicas", [1, 3, 4])
def test_any_number_of_replicas_expresses_every_share(replicas: int) -> None:
    changes = {"rollout__replicas": replicas}
    assert settings_of(**{**WEIGHTED, **changes}).rollout.replicas == replicas
    assert "cannot express it" in refused(**{**CANARY, **changes})


def test_an_autoscaler_may_go_down_to_any_number_of_replicas() -> None:
    scaled = {"rollout__autoscaling": {"minimum": 1, "maximum": 18, "cpu_percent": 70}}
    assert settings_of(**{**WEIGHTED, **scaled}).rollout.autoscaling is not None
    assert "so few replicas" in refused(**{**CANARY, **scaled})


def test_a_canary_never_takes_the_only_pod() -> None:
    only = {**WEIGHTED, "rollout__capacity": "fixed", "rollout__replicas": 1}
    assert "rollout.replicas: got 1; with rollout.capacity 'fixed' the canary would take the only pod" in refused(
        **only
    )
    assert settings_of(**{**only, "rollout__replicas": 2}).rollout.replicas == 2


def test_the_certificate_is_the_listeners_so_tls_needs_no_secret_here() -> None:
    assert settings_of(ingress=GATEWAY).health.url.scheme == "https"
    assert settings_of(ingress=GATEWAY, health__url="http://dev-api.internal/health").ingress.gateway is not None


def test_there_is_one_way_in_at_least() -> None:
    assert "ingress.class_name: got ''; name the IngressClass" in refused(ingress={"tls_secret": "staging-tls"})


def test_an_address_with_a_password_is_refused_behind_a_gateway_too() -> None:
    assert "must not hold a user or a password" in refused(
        ingress=GATEWAY, health__url="https://me:hunter2@staging-api.internal/health"
    )
