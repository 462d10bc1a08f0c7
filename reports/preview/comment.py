"""The text of the comment on a pull request: short enough to be posted, whatever the preview holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.preview.facts import StackPreview
from reports.preview.fitting import Chapter, fit
from reports.preview.markdown import code, link, plain
from reports.preview.migration import Migration
from reports.preview.sections import duration, rollout_seconds, sections_of

MARKER = "<!-- release-manager: preview -->"
# GitHub takes 65,536 characters; bytes are counted, of which there are never fewer, and some are left.
COMMENT_LIMIT = 65_000
# GitHub takes 1 MiB for the summary of one step of a job.
SUMMARY_LIMIT = 1_000_000


@dataclass(frozen=True)
class Source:
    """What was previewed, and where its whole text is: `links` are names with their addresses."""

    commit: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    run: str = ""


def comment(
    previews: Sequence[StackPreview],
    migrations: Mapping[str, Migration],
    source: Source,
    *,
    limit: int | None,
    elsewhere: str,
) -> str:
    """Return Markdown of at most `limit` bytes that begins with MARKER; `elsewhere` names the place of the whole."""
    where = link(elsewhere, source.run)
    stacks = [Chapter(_heading(each), tuple(sections_of(each, migrations.get(each.stack)))) for each in previews]
    return fit([Chapter(_head(previews, source)), *stacks], limit, where)


def _head(previews: Sequence[StackPreview], source: Source) -> str:
    of = f" of {code(source.commit[:12])}" if source.commit else ""
    rows = "".join(f"| {' | '.join(_summary(each))} |\n" for each in previews)
    links = " · ".join(link(name, url) for name, url in source.links.items())
    columns = ("stack", "version", "changes", "checklist", "policies", "canary")
    return (
        f"{MARKER}\n## Preview of the release{of}\n\n"
        f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n{rows}\n" + (f"{links}\n\n" if links else "")
    )


def _summary(preview: StackPreview) -> tuple[str, ...]:
    versions = [code(each) for each in (preview.version_before, preview.version or "a new one") if each]
    drift = f", {len(preview.drift)} drifted" if preview.drift else ""
    return (
        plain(preview.stack),
        " → ".join(dict.fromkeys(versions)),
        "**failed**" if preview.errors else f"{len(preview.changes)}{drift}",
        _checklist(preview),
        f"**{len(preview.blocking)} broken**" if preview.blocking else f"{len(preview.policies_passed)} passed",
        _canary(preview),
    )


def _checklist(preview: StackPreview) -> str:
    waived = f", {len(preview.waived_items)} waived" if preview.waived_items else ""
    if preview.open_items:
        return f"**{len(preview.open_items)} open**{waived}"
    if preview.held:
        return "**open**"
    return f"closed{waived}" if preview.checklist else "-"


def _canary(preview: StackPreview) -> str:
    if not preview.steps:
        return "-"
    seconds = rollout_seconds(preview)
    return f"{len(preview.steps)} steps" + ("" if seconds is None else f", about {duration(seconds)}")


def _heading(preview: StackPreview) -> str:
    return f"### {plain(preview.stack)}\n\n"
