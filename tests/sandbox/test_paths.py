"""Everything that the sandbox keeps lies where the user's own files lie."""

from __future__ import annotations

from pathlib import Path

from sandbox.paths import Paths


def test_the_user_s_base_directories_are_followed(tmp_path: Path) -> None:
    found = Paths.default({"HOME": "/home/me", "XDG_CACHE_HOME": "/big/cache"}, run=tmp_path)
    assert found.cache == Path("/big/cache/release-manager-sandbox")
    assert found.data == Path("/home/me/.local/share/release-manager-sandbox")
    assert found.run == tmp_path / "release-manager-sandbox"


def test_a_user_who_may_not_write_to_run_gets_a_place_of_their_own() -> None:
    missing = Path("/run/there-is-no-such-directory")
    assert Paths.default({"HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/7"}, run=missing).run.parts[-2:] == (
        "7",
        "release-manager-sandbox",
    )
    assert Paths.default({"HOME": "/home/me"}, run=missing).run.is_relative_to("/home/me/.local/share")
