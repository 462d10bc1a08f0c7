"""What an image is built from is what git has of the commit: the same path, content and modes each time."""

from __future__ import annotations

import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evidence.build_context import KEPT, BuildContextError, content_of, context_again, context_of
from tests.evidence.checkouts import commit, git

APP = Path("app")


@pytest.fixture(autouse=True)
def project(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    return checkout


def head() -> str:
    return git(Path(), "rev-parse", "HEAD")


def exported(sha: str = "") -> Path:
    found = context_of(APP, sha or head())
    assert found is not None
    return found


def files(directory: Path) -> dict[str, str]:
    found = (file for file in directory.rglob("*") if file.is_file())
    return {str(file.relative_to(directory)): file.read_text(encoding="utf-8") for file in found}


def test_it_is_what_the_commit_has_there_and_nothing_else() -> None:
    found = exported()
    assert str(found) == f".release/{head()}/app"
    assert files(found) == {"Dockerfile": "FROM scratch\n", "main.py": "print(1)\n", "größe.txt": "1\n"}


def test_what_lies_in_the_work_tree_makes_no_difference() -> None:
    before = content_of(exported())
    (APP / "main.py").write_text("print(2)\n")
    (APP / "new.py").write_text("print(3)\n")
    (APP / "trace.log").write_text("ignored by git\n")
    assert content_of(exported()) == before


def test_the_work_tree_and_the_index_stay_as_they_are() -> None:
    (APP / "main.py").write_text("print(2)\n")
    git(Path(), "add", "-A")
    before = git(Path(), "status", "--porcelain")
    exported()
    assert before
    assert git(Path(), "status", "--porcelain", "--untracked-files=all") == before, "nor is it seen as not committed"


def test_an_earlier_commit_can_be_had_from_a_later_checkout() -> None:
    first = head()
    (APP / "main.py").write_text("print(2)\n")
    commit(Path())
    assert files(exported(first))["main.py"] == "print(1)\n"
    assert files(exported())["main.py"] == "print(2)\n"


@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_the_modes_are_those_of_git_under_any_umask(umask: int) -> None:
    (APP / "run.sh").write_text("#!/bin/sh\n")
    (APP / "run.sh").chmod(0o755)
    (APP / "below").mkdir()
    (APP / "below" / "data").write_text("x")
    commit(Path())
    before = os.umask(umask)
    try:
        found = exported()
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (found, *found.rglob("*"))}
    assert modes == {
        "app": 0o755,
        "below": 0o755,
        "data": 0o644,
        "run.sh": 0o755,
        "Dockerfile": 0o644,
        "main.py": 0o644,
        "größe.txt": 0o644,
    }


def test_what_git_leaves_out_of_archives_a_build_still_needs() -> None:
    (APP / ".gitattributes").write_text("main.py export-ignore\nversion.txt export-subst\n")
    (APP / "version.txt").write_text("$Format:%H$\n")
    commit(Path())
    found = files(exported())
    assert found["main.py"] == "print(1)\n"
    assert found["version.txt"] == "$Format:%H$\n"


def test_attributes_above_the_context_count_as_in_a_checkout() -> None:
    Path(".gitattributes").write_text("*.bat text eol=crlf\n")
    (APP / "run.bat").write_text("echo\n")
    commit(Path())
    Path(".gitattributes").unlink()
    assert (exported() / "run.bat").read_bytes() == b"echo\r\n"


def test_a_sparse_checkout_and_a_hook_of_this_clone_make_no_difference() -> None:
    before = content_of(exported())
    hook = Path(".git/hooks/post-checkout")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hooked\nexit 1\n")
    hook.chmod(0o755)
    git(Path(), "sparse-checkout", "set", "--no-cone", "/README")
    Path("hooked").unlink(missing_ok=True)
    APP.mkdir(exist_ok=True)
    assert content_of(exported()) == before
    assert not Path("hooked").exists()


def test_the_whole_checkout_can_be_the_context() -> None:
    found = context_of(Path(), head())
    assert str(found) == f".release/{head()}"
    assert found is not None
    assert set(files(found)) == {".gitignore", "README", "app/Dockerfile", "app/main.py", "app/größe.txt"}
    assert content_of(exported()) == content_of(found / "app"), "both at once"


def test_links_within_it_stay_links() -> None:
    (APP / "link").symlink_to("main.py")
    commit(Path())
    assert (exported() / "link").readlink() == Path("main.py")


@pytest.mark.parametrize("target", ["../README", "/etc/hostname"])
def test_a_link_that_leads_out_of_it_only_the_work_tree_can_serve(target: str) -> None:
    (APP / "link").symlink_to(target)
    commit(Path())
    assert context_of(APP, head()) is None


def test_a_submodule_only_the_work_tree_has() -> None:
    git(Path(), "update-index", "--add", "--cacheinfo", f"160000,{head()},app/other")
    git(Path(), "commit", "-q", "-m", "submodule")
    assert context_of(APP, head()) is None


def test_what_somebody_changed_there_is_as_committed_the_next_time() -> None:
    found = exported()
    before = content_of(found)
    (found / "main.py").write_text("changed\n")
    (found / "more.py").write_text("more\n")
    assert content_of(exported()) == before


def test_runs_at_once_never_find_half_of_it() -> None:
    whole = content_of(exported())
    sha = head()
    Path(f".release/{sha}").rename(Path("away"))
    with ThreadPoolExecutor(4) as pool:
        found = [each.result() for each in [pool.submit(lambda: content_of(exported(sha))) for _ in range(8)]]
    assert set(found) == {whole}


def test_old_ones_go_and_what_was_used_last_stays() -> None:
    first = head()
    seen = []
    for number in range(KEPT + 2):
        (APP / "main.py").write_text(f"print({number})\n")
        commit(Path())
        exported()
        exported(first)
        seen.append(head())
    kept = {each.name for each in Path(".release").iterdir() if each.is_dir()}
    assert kept <= {first, *seen}, "nothing is left of the work in between"
    assert {first, seen[-1]} <= kept
    assert len(kept) == KEPT


def test_it_is_made_again_from_its_path_alone() -> None:
    found = exported()
    before = content_of(found)
    subprocess.run(["rm", "-rf", ".release"], check=True)
    (APP / "main.py").write_text("print(2)\n")
    commit(Path())
    assert context_again(APP, str(found)) == found
    assert content_of(found) == before


def test_a_commit_that_this_clone_does_not_have_is_none_and_not_fetched() -> None:
    git(Path(), "remote", "add", "origin", "https://127.0.0.1:9/never-asked.git")
    assert context_again(APP, f".release/{'1' * 40}/app") is None
    assert context_again(APP, f".release/{head()}/not-there") is None


def test_the_work_tree_itself_is_there_as_long_as_it_can_be_built() -> None:
    assert context_again(APP, "app") == APP
    (APP / "Dockerfile").unlink()
    assert context_again(APP, "app") is None
    assert context_again(APP, "") is None


def test_a_commit_that_git_cannot_write_is_one_line() -> None:
    with pytest.raises(BuildContextError) as caught:
        context_of(APP, "1" * 40)
    text = str(caught.value)
    assert text.startswith("git cannot write what commit 1111111 has in app (fatal: ")
    assert text.endswith("git -C app checkout HEAD -- .")
    assert "\n" not in text


def test_a_directory_that_cannot_be_written_is_one_line() -> None:
    Path(".release").write_text("a file in the way\n")
    with pytest.raises(BuildContextError, match=rf"^\.release/{head()}/app, from which .* cannot be written \(File ex"):
        exported()


@pytest.mark.parametrize("change", ["content", "mode", "new", "link"])
def test_its_hash_tells_whatever_a_build_could_see(change: str) -> None:
    (APP / "link").symlink_to("Dockerfile")
    before = content_of(APP)
    if change == "content":
        (APP / "Dockerfile").write_text("FROM other\n")
    elif change == "mode":
        (APP / "Dockerfile").chmod(0o600)
    elif change == "new":
        (APP / "ignored.log").write_text("x")
    else:
        (APP / "link").unlink()
        (APP / "link").symlink_to("elsewhere")
    assert content_of(APP) != before
