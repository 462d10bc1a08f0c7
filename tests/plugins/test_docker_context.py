"""Which files belong to an image's build context, and when its digest changes."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from sandbox.plugins.docker.context import BuildContext, mode_text
from sandbox.plugins.docker.errors import ImageError
from sandbox.plugins.docker.ignore import Ignore


def tree(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")


def kept(root: Path, text: str) -> list[str]:
    return [name for name in Ignore.parse(text).walk(root) if (root / name).is_file()]


@pytest.fixture
def app(tmp_path: Path) -> BuildContext:
    tree(tmp_path, "Dockerfile", "main.py", "docs/notes.md")
    return BuildContext(str(tmp_path), str(tmp_path / "Dockerfile"))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", ["README.md", "a/b/x.log", "a/x.log", "a/y.py", "x.log"]),
        ("*.log", ["README.md", "a/b/x.log", "a/x.log", "a/y.py"]),
        ("**/*.log", ["README.md", "a/y.py"]),
        ("a", ["README.md", "x.log"]),
        ("/a/", ["README.md", "x.log"]),
        ("a/*\n!a/y.py", ["README.md", "a/y.py", "x.log"]),
        ("**\n!a/b", ["a/b/x.log"]),
        ("!x.log\n*.log", ["README.md", "a/b/x.log", "a/x.log", "a/y.py"]),
        ("**/b", ["README.md", "a/x.log", "a/y.py", "x.log"]),
        ("# a comment\n\n  x.lo?  ", ["README.md", "a/b/x.log", "a/x.log", "a/y.py"]),
        ("readme.md", ["README.md", "a/b/x.log", "a/x.log", "a/y.py", "x.log"]),
        ("[A-Z]*", ["a/b/x.log", "a/x.log", "a/y.py", "x.log"]),
        ("./a/../x.log", ["README.md", "a/b/x.log", "a/x.log", "a/y.py"]),
    ],
)
def test_ignore_rules_are_those_of_docker(tmp_path: Path, rules: str, expected: list[str]) -> None:
    tree(tmp_path, "README.md", "x.log", "a/x.log", "a/y.py", "a/b/x.log")
    assert kept(tmp_path, rules) == expected


@pytest.mark.parametrize("text", ["!", "[abc"])
def test_a_rule_that_docker_refuses_is_named(text: str) -> None:
    with pytest.raises(ImageError, match="dockerignore"):
        Ignore.parse(text)


def test_the_digest_is_the_one_of_the_official_provider(app: BuildContext) -> None:
    """Both read the same state, so the same files must hash to the same bytes: name, mode and content of each."""
    root = Path(app.directory)
    for name in ("Dockerfile", "main.py", "docs/notes.md"):
        (root / name).chmod(0o644)
    entries = [
        ("Dockerfile", "----------"),
        *((name, "-rw-r--r--") for name in ("Dockerfile", "docs/notes.md", "main.py")),
    ]
    expected = hashlib.sha256()
    for name, mode in entries:
        content = hashlib.sha256(name.encode()).digest()
        expected.update(name.encode() + mode.encode() + content + b"\0")
    assert app.digest() == expected.hexdigest()


def test_the_digest_follows_content_name_and_mode_and_nothing_else(app: BuildContext) -> None:
    file = Path(app.directory, "main.py")
    digests = [app.digest()]
    os.utime(file, (1, 1))
    assert app.digest() == digests[0]
    for change in (
        lambda: file.write_text("other", encoding="utf-8"),
        lambda: file.chmod(0o755),
        lambda: file.rename(file.with_name("renamed.py")),
        lambda: Path(app.dockerfile).write_text("FROM scratch", encoding="utf-8"),
    ):
        change()
        digests.append(app.digest())
    assert len(set(digests)) == len(digests)


def test_an_ignored_file_does_not_change_the_digest(app: BuildContext) -> None:
    Path(app.directory, ".dockerignore").write_text("*.tmp", encoding="utf-8")
    before = app.digest()
    Path(app.directory, "scratch.tmp").write_text("anything", encoding="utf-8")
    assert app.digest() == before


def test_a_changed_dockerfile_counts_even_where_it_is_ignored(app: BuildContext) -> None:
    Path(app.directory, ".dockerignore").write_text("Dockerfile", encoding="utf-8")
    before = app.digest()
    Path(app.dockerfile).write_text("FROM other", encoding="utf-8")
    assert app.digest() != before


def test_the_ignore_file_of_the_dockerfile_goes_first(app: BuildContext) -> None:
    Path(app.directory, ".dockerignore").write_text("main.py", encoding="utf-8")
    Path(app.directory, "Dockerfile.dockerignore").write_text("docs", encoding="utf-8")
    assert "main.py" in set(app.ignore().walk(Path(app.directory)))


def test_a_link_counts_by_its_target(app: BuildContext) -> None:
    link = Path(app.directory, "link")
    link.symlink_to("main.py")
    before = app.digest()
    link.unlink()
    link.symlink_to("docs/notes.md")
    assert app.digest() != before


def test_the_archive_has_what_the_build_needs_and_belongs_to_root(app: BuildContext) -> None:
    Path(app.directory, ".dockerignore").write_text("docs\nDockerfile\n.dockerignore", encoding="utf-8")
    file, dockerfile = app.archive()
    with file, tarfile.open(fileobj=io.BytesIO(file.read())) as archive:
        assert dockerfile == "Dockerfile"
        assert set(archive.getnames()) == {".dockerignore", "Dockerfile", "main.py"}
        assert {(member.uid, member.gid, member.uname) for member in archive} == {(0, 0, "")}


def test_a_dockerfile_outside_the_context_is_sent_along(tmp_path: Path) -> None:
    tree(tmp_path, "app/main.py", "build/Dockerfile")
    context = BuildContext(str(tmp_path / "app"), str(tmp_path / "build/Dockerfile"))
    assert context.relative_dockerfile == "../build/Dockerfile"
    file, dockerfile = context.archive()
    with file, tarfile.open(fileobj=io.BytesIO(file.read())) as archive:
        content = archive.extractfile(dockerfile)
        assert content is not None
        assert content.read() == b"build/Dockerfile"


def test_a_missing_dockerfile_is_named_with_the_path_that_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "app/Dockerfile")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageError, match="app/Dockerfile"):
        BuildContext("app", "Dockerfile").check()
    with pytest.raises(ImageError, match=r"build\.dockerfile 'app/Nothing'"):
        BuildContext("app", "app/Nothing").check()
    with pytest.raises(ImageError, match=r"build\.context 'nowhere'"):
        BuildContext("nowhere", "nowhere/Dockerfile").check()


@pytest.mark.parametrize(
    ("mode", "text"),
    [(0o100644, "-rw-r--r--"), (0o120777, "Lrwxrwxrwx"), (0o104755, "urwxr-xr-x"), (0o010600, "prw-------")],
)
def test_modes_are_written_as_go_does(mode: int, text: str) -> None:
    assert mode_text(mode) == text
