"""The three stack files say what the deployment guide says, belong to one stack each, and are as the schema wants."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from concerns.schema import as_text, stack_file_schema
from settings import OVERLAY, PROJECT, Settings, SettingsError, merge, read_stack, validate

ROOT = Path(__file__).resolve().parents[1]
STACKS = ("dev", "staging", "prod")
SECRET = "hunter2-the-secret"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a copy of what the settings look at the current directory."""
    for stack in STACKS:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    (tmp_path / "sandbox" / "app").mkdir(parents=True)
    (tmp_path / "sandbox" / "app" / "Dockerfile").touch()
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(OVERLAY, raising=False)
    return tmp_path


def contents(stack: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return found


def values_of(stack: str) -> dict[str, Any]:
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in contents(stack)["config"].items()}


def change(project: Path, stack: str, **concerns: dict[str, Any]) -> None:
    """Change concerns in the copy of a stack file."""
    found = contents(stack)
    for concern, changed in concerns.items():
        key = f"{PROJECT}:{concern}"
        found["config"][key] = merge(found["config"].get(key, {}), changed)
    (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")


def refused(stack: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_stack(stack)
    assert SECRET not in str(caught.value)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_dev_is_as_the_guide_says() -> None:
    dev = read_stack("dev")
    assert (dev.environment, dev.cluster.namespace) == ("dev", "development")
    assert (dev.application.deployment, dev.application.app) == ("release-manager-dev", "release-manager")
    assert str(dev.health.url) == "http://dev-api.internal/health"
    assert (dev.release.tag, dev.release.pushed, dev.approval.required) == (None, False, False)
    assert (dev.rollout.strategy, dev.migration.mode) == ("rolling", "head")
    assert dev.migration.command == ("alembic", "upgrade", "head")


def test_staging_is_as_the_guide_says() -> None:
    staging = read_stack("staging")
    assert (staging.environment, staging.cluster.namespace) == ("staging", "staging")
    assert (staging.application.deployment, staging.application.app) == ("release-manager-staging", "release-manager")
    assert str(staging.health.url) == "https://staging-api.internal/health"
    assert (staging.release.tag, staging.release.branch) == ("v%Y.%m.%d.%H%M%S", None)
    assert staging.release.pushed
    assert staging.approval.required
    assert staging.approval.window is None
    assert staging.image.reuse
    assert staging.migration.mode == "head"
    assert (staging.rollout.strategy, staging.rollout.timeout_seconds) == ("rolling", 5 * 60)
    assert (staging.rollout.max_surge, staging.rollout.max_unavailable) == (1, 0)
    [smoke] = staging.verification.scripts
    assert smoke.command == ("tests/smoke-tests.sh", "--environment", "staging", "--verbose")


def test_production_is_as_the_guide_says() -> None:
    prod = validate(values_of("prod"), source="")
    assert (prod.rollout.strategy, prod.rollout.steps) == ("canary", (10, 50, 100))
    assert prod.analysis is not None
    assert (prod.analysis.error_percent, prod.analysis.slow_percent, prod.analysis.slow_seconds) == (0.1, 1, 0.5)
    assert (prod.analysis.database_connections_percent, prod.analysis.memory_percent) == (80, 70)
    assert (prod.environment, prod.cluster.namespace) == ("prod", "production")
    assert (prod.application.deployment, prod.application.app) == ("release-manager-prod", "release-manager")
    assert str(prod.health.url) == "https://api.internal/health"
    assert (prod.health.attempts, prod.health.interval_seconds) == (10, 2)
    assert (prod.release.tag, prod.release.branch) == ("v%Y.%m.%d", "release/v%Y.%m.%d")
    assert prod.release.pushed
    assert prod.approval.required
    assert prod.approval.window is not None
    assert prod.approval.window.minutes == 30
    assert prod.image.reuse
    assert prod.migration.mode == "safe"
    assert prod.rollout.timeout_seconds == 10 * 60
    assert (prod.rollout.max_surge, prod.rollout.max_unavailable) == (1, 0)
    assert prod.verification.log_lines == 100
    assert [script.command for script in prod.verification.scripts] == [
        ("tests/smoke-tests.sh", "--environment", "production", "--verbose"),
        ("tests/integration-tests.sh", "--environment", "production"),
    ]
    assert [contact.role for contact in prod.contacts] == [
        "release manager",
        "DevOps lead",
        "on-call engineer (PagerDuty)",
        "engineering manager",
    ]
    facts = [fact for contact in prod.contacts for fact in (contact.name, contact.phone, contact.slack)]
    assert all(fact.startswith("<") for fact in facts), "nobody takes a placeholder for a person"


def test_the_schema_is_that_of_the_models() -> None:
    expected = as_text(stack_file_schema(Settings, PROJECT))
    assert (ROOT / "Pulumi.schema.json").read_text(encoding="utf-8") == expected, "run: make schema"


def problems(document: dict[str, Any]) -> list[str]:
    schema = json.loads((ROOT / "Pulumi.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(json.dumps(document, default=str)))
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in found]


@pytest.mark.parametrize("stack", STACKS)
def test_each_stack_file_names_the_schema_and_is_as_it_wants(stack: str) -> None:
    first = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=Pulumi.schema.json"
    assert problems(contents(stack)) == []


@pytest.mark.parametrize(
    ("concern", "changed", "says"),
    [
        ("rollout", {"replica": 2}, "'replica' was unexpected"),
        ("rollout", {"replicas": "2"}, "config.release-manager:rollout.replicas: '2' is not of type 'integer'"),
        ("rolout", {}, "'release-manager:rolout' does not match"),
        (
            "image",
            {"registry": {"server": "r", "username": "u", "password": "plain"}},
            "release-manager:image.registry",
        ),
    ],
)
def test_the_schema_sees_what_is_wrong(concern: str, changed: dict[str, Any], says: str) -> None:
    document = contents("dev")
    key = f"{PROJECT}:{concern}"
    document["config"][key] = merge(document["config"].get(key, {}), changed)
    assert any(says in problem for problem in problems(document))


def test_the_schema_knows_encrypted_values_what_pulumi_adds_and_other_projects() -> None:
    document = contents("dev") | {"encryptionsalt": "v1:abc"}
    document["config"]["kubernetes:context"] = "somewhere"
    registry = {"server": "r", "username": "u", "password": {"secure": "v1:abc"}}
    document["config"][f"{PROJECT}:image"]["registry"] = registry
    assert problems(document) == []


def test_a_stack_without_a_file_is_named_with_those_that_have_one() -> None:
    with pytest.raises(SettingsError, match=r"no stack 'prd', as Pulumi\.prd\.yaml does not exist; there are: dev, pr"):
        read_stack("prd")


@pytest.mark.parametrize("content", [b"{", b"text", b"- list", b"config: text", b"\xff\xfe\x00"])
def test_a_stack_file_that_holds_no_settings_is_named(project: Path, content: bytes) -> None:
    (project / "Pulumi.dev.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"stack file Pulumi\.dev\.yaml"):
        read_stack("dev")


def test_an_overlay_is_laid_over_a_stack_that_is_read_without_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("rollout: {replicas: 7}\n", encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    assert read_stack("dev").rollout.replicas == 7


def registry(password: object) -> dict[str, Any]:
    return {"registry": {"server": "registry.internal", "username": "release", "password": password}}


def test_an_encrypted_value_is_not_needed_to_read_a_stack(project: Path) -> None:
    change(project, "dev", image=registry({"secure": "v1:abc"}))
    settings = read_stack("dev")
    assert settings.image.registry is not None
    assert settings.image.registry.password.get_secret_value() == "(a secret)"


def test_a_secret_in_plain_text_is_refused_with_the_command_that_encrypts_it(project: Path) -> None:
    change(project, "dev", image=registry(SECRET))
    assert refused("dev") == [
        (
            "image.registry.password: stands in plain text; take it out, and give it anew with:"
            " pulumi config set --secret --path 'release-manager:image.registry.password'"
        )
    ]


def test_a_secret_in_plain_text_in_the_overlay_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"image": registry(SECRET)}), encoding="utf-8")
    monkeypatch.setenv(OVERLAY, str(overlay))
    [line] = refused("dev")
    assert line.startswith("image.registry.password: stands in plain text")


def test_what_belongs_to_another_stack_is_refused(project: Path) -> None:
    taken = {"namespace": "production", "context": "production"}
    change(
        project,
        "staging",
        cluster=taken,
        application={"deployment": "release-manager-prod"},
        health={"url": "https://api.internal/healthz"},
    )
    where = "is that of stack 'prod' (Pulumi.prod.yaml): a stack has one of its own"
    assert refused("staging") == [
        f"cluster.namespace: got 'production'; {where}",
        f"application.deployment: got 'release-manager-prod'; {where}",
        f"health.url: got 'https://api.internal/healthz'; {where}",
    ]


def test_a_namespace_of_the_same_name_in_another_cluster_is_fine(project: Path) -> None:
    change(project, "staging", cluster={"namespace": "production", "context": "staging"})
    assert read_stack("staging").cluster.namespace == "production"


def test_a_stack_file_that_calls_itself_another_environment_is_refused(project: Path) -> None:
    found = contents("staging")
    found["config"][f"{PROJECT}:environment"] = "prod"
    (project / "Pulumi.staging.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")
    assert "environment: got 'prod'; stack 'staging' is the environment 'staging'" in refused("staging")


def test_a_broken_file_of_another_stack_stops_nobody(project: Path) -> None:
    (project / "Pulumi.prod.yaml").write_text("{", encoding="utf-8")
    assert read_stack("dev").environment == "dev"
