"""What the docker stand-in answers to the engine's calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.docker.engine import Connection, Credentials, Message
from sandbox.plugins.docker.errors import ImageError
from sandbox.plugins.docker.reference import parse, registry_address
from sandbox.plugins.protocol.properties import UNKNOWN, Secret
from tests.plugins.docker_fakes import DIGEST, IMAGE_ID, URN, AbortedError, FakeEngine, Plugin

NAME = "127.0.0.1:5000/team/app:v1"
PASSWORD = "correct-horse"


@pytest.fixture
def plugin() -> Plugin:
    return Plugin()


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch", encoding="utf-8")
    (tmp_path / "app" / "main.py").write_text("1", encoding="utf-8")
    return {"imageName": NAME, "build": {"context": "app", "platform": "linux/amd64"}, "skipPush": False}


def test_check_completes_the_build(plugin: Plugin, inputs: dict[str, Any]) -> None:
    checked = plugin.check({**inputs, "registry": None})
    assert checked["build"]["dockerfile"] == "app/Dockerfile"
    assert len(checked["build"]["contextDigest"]) == 64
    assert checked["buildOnPreview"] is False
    assert "registry" not in checked


def test_check_guesses_the_platform_and_says_so(plugin: Plugin, inputs: dict[str, Any]) -> None:
    del inputs["build"]["platform"]
    assert plugin.check(inputs)["build"]["platform"].startswith("linux/")
    assert "build.platform" in plugin.display.lines[0]


def test_an_unchanged_context_is_no_change(plugin: Plugin, inputs: dict[str, Any]) -> None:
    state = plugin.create(plugin.check(inputs))
    assert plugin.diff(state, plugin.check(inputs)) == {}


def test_a_changed_file_is_an_update_of_the_build(plugin: Plugin, inputs: dict[str, Any]) -> None:
    state = plugin.create(plugin.check(inputs))
    Path("app/main.py").write_text("2", encoding="utf-8")
    assert plugin.diff(state, plugin.check(inputs)) == {"build": provider_pb2.PropertyDiff.UPDATE}


@pytest.mark.parametrize(
    "change",
    [
        {"args": {"A": "1"}},
        {"target": "final"},
        {"platform": "linux/arm64"},
        {"cacheFrom": {"images": [NAME]}},
        {"builderVersion": "BuilderV1"},
    ],
)
def test_a_changed_build_option_is_an_update(plugin: Plugin, inputs: dict[str, Any], change: dict[str, Any]) -> None:
    state = plugin.create(plugin.check(inputs))
    changed = {**inputs, "build": {**inputs["build"], **change}}
    assert plugin.diff(state, plugin.check(changed)) == {"build": provider_pb2.PropertyDiff.UPDATE}


def test_name_and_push_are_updates_and_never_replacements(plugin: Plugin, inputs: dict[str, Any]) -> None:
    state = plugin.create(plugin.check(inputs))
    changed = plugin.check({**inputs, "imageName": NAME + "-2", "skipPush": True})
    update = provider_pb2.PropertyDiff.UPDATE
    assert plugin.diff(state, changed) == {"imageName": update, "skipPush": update}


def test_new_credentials_build_nothing_but_a_new_registry_does(plugin: Plugin, inputs: dict[str, Any]) -> None:
    def registry(server: str, password: str) -> dict[str, Any]:
        return {**inputs, "registry": {"server": server, "username": "u", "password": Secret(password)}}

    state = plugin.create(plugin.check(registry("127.0.0.1:5000", "old-password")))
    assert plugin.diff(state, plugin.check(registry("127.0.0.1:5000", "new-password"))) == {}
    assert list(plugin.diff(state, plugin.check(registry("127.0.0.1:5001", "old-password")))) == ["registry"]


def test_a_value_that_is_not_known_yet_counts_as_changed(plugin: Plugin, inputs: dict[str, Any]) -> None:
    state = plugin.create(plugin.check(inputs))
    assert list(plugin.diff(state, plugin.check({**inputs, "imageName": UNKNOWN}))) == ["imageName"]


def test_a_pushed_image_is_known_by_its_repository_and_digest(plugin: Plugin, inputs: dict[str, Any]) -> None:
    outputs = plugin.create(plugin.check(inputs))
    assert outputs["repoDigest"] == f"127.0.0.1:5000/team/app@{DIGEST}"
    assert outputs["imageName"] == outputs["baseImageName"] == NAME
    assert (outputs["context"], outputs["dockerfile"], outputs["registryServer"]) == ("app", "Dockerfile", "")
    assert plugin.engine.calls[1] == ("push", ("127.0.0.1:5000/team/app", "v1", None))
    assert plugin.engine.files == ["Dockerfile", "main.py"]


def test_without_a_digest_from_the_push_the_one_of_the_same_repository_is_taken(inputs: dict[str, Any]) -> None:
    """An image that is known by two repositories has a digest for each."""
    found = {"RepoDigests": [f"other/app@{IMAGE_ID}", f"127.0.0.1:5000/team/app@{DIGEST}"]}
    plugin = Plugin(FakeEngine(push_messages=[{"status": "Pushed", "id": "a"}], images={NAME: found}))
    assert plugin.create(plugin.check(inputs))["repoDigest"] == f"127.0.0.1:5000/team/app@{DIGEST}"


def test_an_image_that_stays_here_is_known_by_its_id(plugin: Plugin, inputs: dict[str, Any]) -> None:
    outputs = plugin.create(plugin.check({**inputs, "skipPush": True}))
    assert outputs["repoDigest"] == IMAGE_ID
    assert plugin.engine.names() == ["build"]


def test_a_preview_builds_nothing_and_knows_no_digest(plugin: Plugin, inputs: dict[str, Any]) -> None:
    outputs = plugin.create(plugin.check(inputs), preview=True)
    assert plugin.engine.calls == []
    assert "repoDigest" not in outputs


def test_a_preview_that_shall_build_builds_but_never_pushes(plugin: Plugin, inputs: dict[str, Any]) -> None:
    outputs = plugin.create(plugin.check({**inputs, "buildOnPreview": True}), preview=True)
    assert plugin.engine.names() == ["build"]
    assert "repoDigest" not in outputs


def test_a_preview_with_an_unknown_name_builds_nothing_and_warns(plugin: Plugin, inputs: dict[str, Any]) -> None:
    plugin.create(plugin.check({**inputs, "buildOnPreview": True, "imageName": UNKNOWN}), preview=True)
    assert plugin.engine.calls == []
    assert plugin.display.lines[-1].startswith("warning")


def test_secrets_stay_secret_in_the_state_and_on_the_display(inputs: dict[str, Any]) -> None:
    step: list[Message] = [
        {"stream": "Step 1/2 : FROM scratch\n"},
        {"stream": f"login with {PASSWORD} and hush-hush\n"},
    ]
    plugin = Plugin(FakeEngine(build_messages=[*step, {"aux": {"ID": IMAGE_ID}}]))
    inputs["registry"] = {"server": "127.0.0.1:5000", "username": "u", "password": PASSWORD}
    inputs["build"]["args"] = {"TOKEN": Secret("hush-hush")}
    outputs = plugin.create(plugin.check(inputs))
    assert "status login with [secret] and [secret]" in plugin.display.lines
    assert isinstance(outputs["__inputs"], Secret)
    assert PASSWORD not in str(outputs)
    login = plugin.engine.calls[1][1][2]
    assert login == Credentials("127.0.0.1:5000", "u", PASSWORD)
    assert PASSWORD not in repr(login)
    assert plugin.engine.calls[0][1][1] == login


def test_a_failing_step_is_named_with_its_last_lines_and_without_secrets(inputs: dict[str, Any]) -> None:
    messages: list[Message] = [
        {"stream": "Step 1/2 : FROM base\n"},
        {"stream": "pulled\n"},
        {"stream": "Step 2/2 : RUN make\n"},
        {"stream": " ---> Running in 0123456789ab\n"},
        {"stream": f"cannot log in with {PASSWORD}\n"},
        {"errorDetail": {"code": 2, "message": "The command '/bin/sh -c make' returned a non-zero code: 2"}},
    ]
    plugin = Plugin(FakeEngine(build_messages=messages))
    inputs["registry"] = {"server": "127.0.0.1:5000", "username": "u", "password": Secret(PASSWORD)}
    with pytest.raises(AbortedError) as error:
        plugin.create(plugin.check(inputs))
    first, second, third = str(error.value).splitlines()
    assert first.endswith("failed at 'Step 2/2 : RUN make': the command ended with status 2")
    assert (second, third) == ("The last lines of that step:", "  cannot log in with [secret]")


def test_a_refused_push_says_what_mends_it(inputs: dict[str, Any]) -> None:
    plugin = Plugin(FakeEngine(push_messages=[{"error": "unauthorized: authentication required"}]))
    with pytest.raises(AbortedError, match=r"registry\.username and registry\.password"):
        plugin.create(plugin.check(inputs))


def test_a_build_cache_that_is_not_there_only_warns(inputs: dict[str, Any]) -> None:
    plugin = Plugin(FakeEngine(pull_messages=[{"error": "not found"}]))
    inputs["build"]["cacheFrom"] = {"images": ["127.0.0.1:5000/team/app:cache"]}
    assert plugin.create(plugin.check(inputs))["repoDigest"]
    assert any(line.startswith("warning") and "without this cache" in line for line in plugin.display.lines)


def test_an_engine_that_does_not_answer_is_told_when_the_provider_is_configured(plugin: Plugin) -> None:
    def refuse(connection: Connection) -> FakeEngine:
        raise ImageError(f"no Docker engine answers at {connection.host}")

    plugin.provider._connect = refuse
    request = provider_pb2.ConfigureRequest(variables={"docker:config:host": "unix:///nowhere"})
    with pytest.raises(AbortedError, match="unix:///nowhere"):
        plugin.provider.Configure(request, plugin.context)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"imageName": "team/app:v1"}, "does not name its registry"),
        ({"imageName": "127.0.0.1:5000/App"}, "not a valid image name"),
        ({"imageName": None}, "imageName is missing"),
        ({"build": {"dockerfile": "nowhere"}}, "build.dockerfile 'nowhere'"),
        ({"build": {"builderVersion": "kaniko"}}, "BuilderV1 and BuilderBuildKit"),
        ({"build": {"args": {"A": 1}}}, "build.args.A"),
        ({"skipPush": "yes"}, "skipPush must be true or false"),
    ],
)
def test_bad_inputs_are_named(plugin: Plugin, inputs: dict[str, Any], change: dict[str, Any], words: str) -> None:
    with pytest.raises(AbortedError) as error:
        plugin.check({**inputs, **change})
    assert words in str(error.value)


def test_another_resource_type_is_refused_clearly(plugin: Plugin) -> None:
    request = provider_pb2.CheckRequest(urn=URN.replace("image:Image", "container:Container"))
    with pytest.raises(AbortedError, match="container:Container is not served") as error:
        plugin.provider.Check(request, plugin.context)
    assert error.value.code == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b", "1"),
        ("localhost/app", "localhost/app", None),
        ("docker.io/team/app:1", "team/app", "1"),
        ("docker.io/library/app", "app", None),
    ],
)
def test_names_are_split_as_docker_does(name: str, repository: str, tag: str | None) -> None:
    reference = parse(name)
    assert (reference.repository, reference.tag, reference.canonical) == (repository, tag, True)


@pytest.mark.parametrize(
    ("server", "name", "address"),
    [
        ("", "127.0.0.1:5000/a", "127.0.0.1:5000"),
        ("https://registry.example/v2/", "a", "registry.example"),
        ("docker.io", "a", "https://index.docker.io/v1/"),
    ],
)
def test_credentials_are_for_the_registry_that_is_pushed_to(server: str, name: str, address: str) -> None:
    assert registry_address(server, name) == address
