"""The last build stays as the engine has it on record, whichever commit is looked at, until another is built."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi
import pytest

from checks.waiting import Reporter
from cluster.errors import GateFailed
from components.image import BUILD, BUILT_FROM, TYPE, ImageArgs, ReleaseImage
from evidence.git import read_revision
from evidence.image import FoundImage
from tests.components.recorder import REPO_DIGEST, Declared, Recorder, declare
from tests.evidence.checkouts import commit, copied, git
from tests.stack_values import settings_of

FOUND = FoundImage("registry.internal/release-manager@sha256:" + "4f" * 32)
Json = dict[str, Any]


def nothing(_record: Mapping[str, str], _reporter: Reporter) -> None:
    return


@dataclass
class Engine:
    """What an engine keeps of the image from update to update, as far as the component asks for it."""

    record: dict[str, Json] = field(default_factory=dict)
    built: list[Mapping[str, str]] = field(default_factory=list)

    def update(self, found: FoundImage | None = None, *, silent: bool = False, **changes: object) -> Recorder:
        """Declare the image of the commit that the checkout in the current directory stands on."""
        recorder = Recorder(recorded=self.record, silent=silent)
        values: Json = {"image__context": "app", "image__reuse": True, **changes}

        def program() -> None:
            revision = read_revision(Path("app"))
            ReleaseImage("image", ImageArgs(settings_of(**values), revision, found, nothing, self._keep_built))

        declare(program, recorder=recorder)
        self._keep(recorder)
        return recorder

    def _keep_built(self, record: Mapping[str, str], _reporter: Reporter) -> None:
        self.built.append(record)

    def _keep(self, recorder: Recorder) -> None:
        record = {urn: {"type": TYPE, "outputs": kept} for urn, kept in recorder.outputs.items() if BUILT_FROM in kept}
        for built in recorder.all(BUILD):
            # What is ignored stays as it is on record.
            outputs = (
                self.record[built.urn]["outputs"]
                if built.ignored
                else {"imageName": built.inputs["imageName"], "context": built.inputs["build"]["context"]}
            )
            record[built.urn] = {"type": BUILD, "outputs": outputs}
        self.record = record


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with two commits of an application, standing on the second."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    project = copied(_two_commits, tmp_path / "project")
    monkeypatch.chdir(project)
    return project


def _two_commits(project: Path) -> None:
    (project / "app").mkdir()
    (project / "app" / "Dockerfile").write_text("FROM scratch\n")
    (project / "app" / "main.py").write_text("print(1)\n")
    git(project, "init", "-q", "-b", "main")
    commit(project)
    (project / "app" / "main.py").write_text("print(2)\n")
    commit(project)


def context_of(built: Declared) -> str:
    found: str = built.inputs["build"]["context"]
    return found


def assert_stays(recorder: Recorder, context: str) -> None:
    standing = recorder.only(BUILD)
    assert context_of(standing) == context
    assert standing.hooks == {"before_create": ["image-once"], "before_update": ["image-once"]}


def test_what_is_built_is_the_commit_from_a_directory_that_is_the_same_in_every_checkout(checkout: Path) -> None:
    built = Engine().update().only(BUILD)
    sha = git(checkout, "rev-parse", "HEAD")
    assert context_of(built) == f".release/{sha}/app"
    assert built.inputs["build"]["dockerfile"] == f".release/{sha}/app/Dockerfile"
    assert built.hooks == {}
    assert built.ignored == []


def test_an_environment_that_builds_each_time_builds_the_work_tree() -> None:
    assert context_of(Engine().update(image__reuse=False).only(BUILD)) == "app"
    assert not Path(".release").exists()


def test_what_is_not_committed_is_built_from_the_work_tree_and_stays_until_it_changes() -> None:
    engine = Engine()
    Path("app/main.py").write_text("print(3)\n")
    assert context_of(engine.update().only(BUILD)) == "app"
    assert_stays(engine.update(FOUND), "app")
    Path("app/main.py").write_text("print(4)\n")
    assert engine.update(FOUND).all(BUILD) == []


def test_the_same_commit_again_leaves_every_input_of_its_build_as_it_is_on_record() -> None:
    engine = Engine()
    first = engine.update().only(BUILD)
    for _ in range(2):
        again = engine.update(FOUND)
        assert_stays(again, context_of(first))
        assert set(again.only(BUILD).ignored) == set(first.inputs)


def test_the_commit_that_a_failed_release_went_back_to_shows_no_change_of_the_image(checkout: Path) -> None:
    engine = Engine()
    git(checkout, "checkout", "-q", "HEAD~1")
    engine.update()
    git(checkout, "checkout", "-q", "main")
    failed = engine.update().only(BUILD)
    git(checkout, "checkout", "-q", "HEAD~1")
    assert_stays(engine.update(FOUND), context_of(failed))
    git(checkout, "checkout", "-q", "main")
    assert_stays(engine.update(FOUND), context_of(failed))
    Path("app/main.py").write_text("print(5)\n")
    commit(checkout)
    another = engine.update().only(BUILD)
    assert (context_of(another), another.ignored, another.hooks) == (
        f".release/{git(checkout, 'rev-parse', 'HEAD')}/app",
        [],
        {},
    )


def test_another_clone_under_another_umask_shows_no_change_either(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    failed = engine.update().only(BUILD)
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(checkout), str(other))
    git(other, "checkout", "-q", "HEAD~1")
    for file in (other / "app").iterdir():
        file.chmod(0o600)
    monkeypatch.chdir(other)
    assert_stays(engine.update(FOUND), context_of(failed))


def test_a_clone_that_does_not_have_the_commit_drops_the_record_and_fetches_nothing(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    git(checkout, "checkout", "-q", "-b", "failed")
    Path("app/main.py").write_text("print(3)\n")
    commit(checkout)
    engine.update()
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=main", f"file://{checkout}", str(shallow))
    monkeypatch.chdir(shallow)
    recorder = engine.update(FOUND)
    assert recorder.all(BUILD) == []
    assert [kept[BUILT_FROM] for kept in recorder.outputs.values() if BUILT_FROM in kept] == [""]
    assert engine.update(FOUND).all(BUILD) == [], "it is told once"


@pytest.mark.parametrize(
    "changes",
    [
        {"image__build_args": {"BASE": "python:3.12"}},
        {"image__repository": "registry.internal/another"},
        {"image__registry": ...},
        {"image__registry__server": "other.internal"},
    ],
)
def test_settings_that_are_others_now_do_not_change_what_was_built(changes: Json) -> None:
    engine = Engine()
    first = engine.update().only(BUILD)
    again = engine.update(FOUND, **changes)
    assert_stays(again, context_of(first))
    assert again.only(BUILD).inputs["imageName"] == first.inputs["imageName"]
    assert set(again.only(BUILD).ignored) == set(first.inputs)


def test_another_plug_in_may_read_the_directory_otherwise_and_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    engine.update()
    monkeypatch.setattr(metadata, "version", lambda _name: "99.0.0")
    assert engine.update(FOUND).all(BUILD) == []


def test_a_record_of_before_that_names_the_work_tree_is_dropped_and_nothing_is_built() -> None:
    engine = Engine()
    engine.update()
    for kept in engine.record.values():
        if kept["type"] == TYPE:
            kept["outputs"] = {**kept["outputs"], BUILT_FROM: "0123456789abcdef"}
        else:
            kept["outputs"] = {**kept["outputs"], "context": "app"}
    assert engine.update(FOUND).all(BUILD) == []


def test_a_build_that_was_killed_before_it_was_noted_is_not_taken_for_the_one_before(checkout: Path) -> None:
    engine = Engine()
    engine.update()
    noted = {urn: kept for urn, kept in engine.record.items() if kept["type"] == TYPE}
    Path("app/main.py").write_text("print(5)\n")
    commit(checkout)
    engine.update()
    engine.record |= noted
    assert engine.update(FOUND).all(BUILD) == []


def test_an_engine_that_does_not_tell_makes_no_build() -> None:
    engine = Engine()
    engine.update()
    assert engine.update(FOUND, silent=True).all(BUILD) == []


def test_a_stack_that_was_never_updated_is_not_asked_for_its_resources() -> None:
    assert Engine().update(FOUND).asked == ["pulumi:pulumi:readStackOutputs"]


def test_a_tag_that_the_registry_has_is_never_overwritten() -> None:
    engine = Engine()
    name = engine.update().only(BUILD).inputs["imageName"]
    hook = engine.update(FOUND).hooks["image-once"]
    assert hook.opts is not None
    assert hook.opts.on_dry_run, "a preview tells it too"
    with pytest.raises(GateFailed, match=f"would build {name} again, which the registry has already"):
        hook(pulumi.ResourceHookArgs(urn="urn", id="", name="image-image", type=BUILD))


def test_a_file_that_cannot_be_read_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_file: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(pulumi.RunError, match=r"Dockerfile, which is part of the image, cannot be read \(Permission"):
        Engine().update()


def test_the_digest_that_runs_is_the_one_that_was_pushed_or_that_the_registry_has() -> None:
    engine = Engine()
    for found, expected in ((None, REPO_DIGEST), (FOUND, FOUND.reference)):
        outputs = engine.update(found).outputs.values()
        assert [kept["reference"] for kept in outputs if BUILT_FROM in kept] == [expected]


APPROVED: Json = {"approval": {"required": True, "approvers": ["ann"]}}


def test_what_is_built_after_an_approval_is_kept_with_its_version_and_commit() -> None:
    engine = Engine()
    recorder = engine.update(**APPROVED)
    assert set(recorder.only(BUILD).hooks) == {"after_create", "after_update"}
    hook = recorder.hooks["image-built"]
    assert hook.opts is None or not hook.opts.ignore_errors, "what cannot be kept ends the update"
    outputs = {"repoDigest": REPO_DIGEST}
    answer = hook(pulumi.ResourceHookArgs(urn="urn", id="", name="image-image", type=BUILD, new_outputs=outputs))

    async def run() -> None:
        assert answer is not None
        await answer

    asyncio.run(run())
    revision = read_revision(Path("app"))
    assert engine.built == [{"version": revision.version("staging"), "revision": revision.sha, "image": REPO_DIGEST}]


def test_where_nothing_is_approved_or_every_update_builds_anew_nothing_is_kept() -> None:
    for changes in ({**APPROVED, "image__reuse": False}, {}):
        assert Engine().update(**changes).only(BUILD).hooks == {}
