"""The preview of a pull request: the engine's events of each stack, the text made of them, and the comment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from commands.delivery.engine import PREVIEW_SECONDS, Engine
from commands.delivery.errors import DeliveryError
from commands.delivery.places import Places, StackPlaces, write
from commands.delivery.surroundings import Surroundings
from reports.preview.comment import COMMENT_LIMIT, MARKER, SUMMARY_LIMIT, Source, comment
from reports.preview.events import STREAMING
from reports.preview.facts import StackPreview
from reports.preview.migration import Migration, read_migration
from reports.preview.reading import preview_of
from settings import OVERLAY, merge

POLICIES = ("--policy-pack", "policies")
# A pull request has no tag yet, lies on no release branch, and its merge with main is pushed by nobody.
UNTAGGED: dict[str, Any] = {"release": {"tag": None, "branch": None, "pushed": False}}
_MIGRATION_SECONDS = 15 * 60.0


def preview_events(engine: Engine, places: StackPlaces, *, untagged: bool) -> list[str]:
    """Write the events of a preview of the stack, whatever it comes to; return what a person reads.

    With `untagged` the preview is that of the same commit under a tag that it will get later. Raises DeliveryError
    where the engine cannot be run, or does not end.
    """
    places.make()
    variables = {STREAMING: "true"}
    if untagged:
        write(places.overlay, yaml.safe_dump(merge(_overlay(os.environ.get(OVERLAY, "")), UNTAGGED)))
        variables[OVERLAY] = str(places.overlay.resolve())
    engine.output("stack", "select", "--create", engine.stack)
    arguments = ("preview", "--stack", engine.stack, *POLICIES, "--json", "--color", "never")
    ran = engine.into(places.events, *arguments, seconds=PREVIEW_SECONDS, variables=variables)
    found = preview_of(engine.stack, places.events)
    return [*told(found), f"events: {places.events}, of a preview that ended with status {ran.status}"]


def migration_text(stack: str, places: StackPlaces, surroundings: Surroundings) -> list[str]:
    """Write what `make migration-plan` says of the stack, also where it fails; return what a person reads.

    The image of the commit is built where there is none yet. The SHA-256 of the SQL is handed on as `migration`.
    """
    places.make()
    command = [sys.executable, "-m", "commands", "migration-plan", "--build", "--stack", stack]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MIGRATION_SECONDS, check=False)
        text = done.stdout if done.returncode == 0 else _error(done.stderr)
    except subprocess.TimeoutExpired:
        text = f"error: the SQL was not there within {_MIGRATION_SECONDS / 60:.0f} min"
    write(places.migration, text)
    migration = read_migration(text)
    surroundings.hand_on("migration", migration.sha256)
    return [migration.said or migration.title, f"kept in {places.migration}"]


def report(places: Places, surroundings: Surroundings) -> list[str]:
    """Write the comment and the whole text, and add it to the summary of the job. Raises DeliveryError, EventsError."""
    stacks = places.previewed()
    if not stacks:
        raise DeliveryError(f"no stack has events in {places.directory}", mend="make preview-events STACK=<stack>")
    found = _previews(places, stacks)
    migrations = {stack: _migration(places.of(stack).migration) for stack in stacks}
    known = {stack: each for stack, each in migrations.items() if each is not None}
    run = surroundings.run
    source = Source(surroundings.commit, {"run, with the whole text and its artifacts": run} if run else {}, run)
    texts = {
        places.comment: (COMMENT_LIMIT, "the summary of the job"),
        places.whole: (None, ""),
    }
    for file, (limit, elsewhere) in texts.items():
        write(file, comment(found, known, source, limit=limit, elsewhere=elsewhere))
    surroundings.add_to_summary(comment(found, known, source, limit=SUMMARY_LIMIT, elsewhere="the artifact"))
    return [*(line for each in found for line in told(each)), f"comment: {places.comment}", f"whole: {places.whole}"]


def post(places: Places, surroundings: Surroundings) -> list[str]:
    """Make the text the one comment on the pull request. Raises DeliveryError, NotTold."""
    try:
        text = places.comment.read_text(encoding="utf-8")
    except OSError as error:
        raise DeliveryError(
            f"{places.comment} cannot be read ({error.strerror})", mend="make preview-report"
        ) from error
    return [f"the comment is {surroundings.comments().comment(surroundings.change, MARKER, text)}"]


def check(places: Places) -> list[str]:
    """Return if each previewed stack could be released once its checklist is closed. Raises DeliveryError."""
    found = _previews(places, places.previewed())
    failed = [each.stack for each in found if each.failed]
    if failed:
        raise DeliveryError(
            f"the change cannot be released as it is, by the preview of {', '.join(failed)}",
            mend="see errors and policies in the comment, or the summary of the job",
        )
    return [f"{', '.join(each.stack for each in found) or 'no stack'}: nothing but the checklist is in the way"]


def told(preview: StackPreview) -> list[str]:
    """Return in a line or two what a preview came to."""
    open_ones = f"{len(preview.open_items)} items open" if preview.checklist else "no checklist"
    line = f"{preview.stack}: {len(preview.changes)} changes, {len(preview.drift)} drifted, {open_ones}"
    first = [f"{preview.stack}: error: {each.splitlines()[0]}" for each in preview.errors[:1]]
    return [line, *first]


def _previews(places: Places, stacks: Sequence[str]) -> list[StackPreview]:
    return [preview_of(stack, places.of(stack).events) for stack in stacks]


def _migration(file: Path) -> Migration | None:
    return read_migration(file.read_text(encoding="utf-8")) if file.is_file() else None


def _overlay(file: str) -> dict[str, Any]:
    if not file:
        return {}
    try:
        found = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DeliveryError(f"{OVERLAY} names {file}, which cannot be read ({type(error).__name__})") from None
    return found if isinstance(found, dict) else {}


def _error(text: str) -> str:
    """Return from its first line on what a command says is wrong; what it told before is of no use here."""
    lines = text.strip().splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("error: ")), max(len(lines) - 3, 0))
    return "\n".join(lines[first:]) or "error: it ended without a word"
