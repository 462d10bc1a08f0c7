"""Releases to judge: a checkout that is pushed and tagged, with a release file, and the settings of its checklist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from concerns.checklist import ChecklistSettings
from concerns.release import ReleaseSettings
from evidence.checklist.candidate import Candidate, read_candidate
from evidence.checklist.proof import Proof, State
from tests.evidence.checkouts import commit, git

FORM, VERSION = "v%Y.%m.%d", "v2031.05.14"
TAGGED = ReleaseSettings(tag=FORM)
TOP: dict[str, Any] = {
    "version": VERSION,
    "estimated_minutes": 25,
    "rollback": "make rollback STACK=prod",
    "breaking_changes": [],
    "architecture": "none",
    "critical": False,
}
SECTIONS = {
    "Plan": "Deploy after 22:00, one person watches.",
    "Rollback": "`make rollback STACK=prod`, five minutes.",
    "Release notes": "- releases can be searched",
    "Breaking changes": "None: the API only grew.",
    "Architecture": "No change.",
}


def checklist_settings(**values: Any) -> ChecklistSettings:
    return ChecklistSettings.model_validate_json(json.dumps(values, default=str))


def release_file(*, sections: dict[str, str] | None = None, **top: Any) -> str:
    merged = {key: value for key, value in {**TOP, **top}.items() if value is not ...}
    body = "".join(f"## {title}\n\n{text}\n\n" for title, text in (SECTIONS if sections is None else sections).items())
    # JSON is YAML too.
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in merged.items())
    return f"---\n{lines}---\n\n# Release\n\n{body}"


def push(checkout: Path) -> Path:
    """Give the checkout a bare remote beside it, and push what it has."""
    origin = checkout.parent / f"{checkout.name}-origin.git"
    git(checkout, "init", "-q", "--bare", "-b", "main", str(origin))
    git(checkout, "remote", "add", "origin", str(origin))
    git(checkout, "push", "-q", "-u", "origin", "main")
    return checkout


def release(checkout: Path, text: str | None = None, *, message: str = "release") -> None:
    """Commit `text` as the release file, and tag that commit."""
    directory = checkout / "releases"
    directory.mkdir(exist_ok=True)
    (directory / f"{VERSION}.md").write_text(release_file() if text is None else text, encoding="utf-8")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "--allow-empty", "-m", message)
    git(checkout, "tag", "-f", "-a", "-m", "release", VERSION)


def change(checkout: Path, name: str, text: str | bytes) -> str:
    """Commit a file, and return the commit."""
    file = checkout / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    commit(checkout)
    return git(checkout, "rev-parse", "HEAD")


def candidate(checkout: Path, before: str = "", wanted: ReleaseSettings = TAGGED) -> Candidate:
    return read_candidate(checkout / "app", wanted, "prod", before)


def is_open(proof: Proof, state: State, value: str, closes: str) -> None:
    """Hold that the proof is open, with the state, and parts of what is wrong and of what closes it."""
    assert proof.state is state, proof
    assert value in proof.value, proof.value
    assert closes in proof.closes, proof.closes
