"""What a person can get wrong is answered in one line that names the mend, and no traceback."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.stack import Stack

CASES: list[tuple[str, dict[str, Any], dict[str, str], tuple[str, ...]]] = [
    (
        "a misspelt setting",
        {"rollout": {"replica": 3}},
        {},
        ("rollout.replica: there is no such setting; did you mean 'replicas'?",),
    ),
    ("a wrong type", {"rollout": {"replicas": "three"}}, {}, ("rollout.replicas: got 'three'", "valid integer")),
    (
        "a cluster that does not answer",
        {"cluster": {"kubeconfig": "unreachable.kubeconfig"}},
        {},
        ("127.0.0.1:1",),
    ),
    ("a context that does not exist", {"cluster": {"context": "nowhere"}}, {}, ("nowhere",)),
    ("a Docker engine that does not answer", {}, {"DOCKER_HOST": "tcp://127.0.0.1:1"}, ("127.0.0.1:1",)),
    (
        "a registry that does not answer",
        {"image": {"repository": "localhost:1/release-manager"}},
        {},
        ("localhost:1",),
    ),
]
UNREACHABLE = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: none, user: {token: none}}]
contexts: [{name: release-manager-sandbox, context: {cluster: none, user: none}}]
"""


@pytest.mark.parametrize(("what", "settings", "variables", "named"), CASES, ids=[case[0] for case in CASES])
def test_bad_input_names_the_mend_without_a_traceback(
    verified: Stack, what: str, settings: dict[str, Any], variables: dict[str, str], named: tuple[str, ...]
) -> None:
    del what
    (verified.checkout / "unreachable.kubeconfig").write_text(UNREACHABLE, encoding="utf-8")
    before = verified.health()["version"]
    # Only a changed application makes the engine and the registry be asked.
    if variables or "image" in settings:
        verified.change_application()

    result = verified.up(settings=settings, **variables)

    assert result.status != 0
    for text in named:
        assert text in result.text
    assert "Traceback" not in result.text
    assert verified.health()["version"] == before
