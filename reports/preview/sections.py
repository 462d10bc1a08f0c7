"""The parts of the comment on one stack: what changes, how it is rolled out, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from checks.analysis.forecast import seconds_in
from reports.preview.facts import Change, StackPreview
from reports.preview.markdown import Block, Code, Paragraph, Section, Table, code, link, plain
from reports.preview.migration import Migration

PATHS_SHOWN = 12
# Of an error: room for a list of settings that are wrong, not for a log.
LONGEST_ERROR = 6_000


def sections_of(preview: StackPreview, migration: Migration | None) -> Iterator[Section]:
    """Yield the sections of one stack, the ones that somebody must act on unfolded."""
    if preview.errors or not preview.complete:
        yield from _errors(preview)
    yield from _checklist(preview)
    yield from _waived(preview)
    yield from _policies(preview)
    yield _changes(preview)
    if preview.drift:
        yield Section(
            f"Drift: {_count(len(preview.drift), 'resource')} changed outside of this program",
            (_table_of(preview.drift),),
            unfolded=True,
        )
    yield from _plan(preview)
    if migration is not None:
        yield _migration(migration)
    yield from _capacity(preview)
    if preview.warnings:
        yield Section(f"{_count(len(preview.warnings), 'warning')}", (_lines(preview.warnings),))


def _errors(preview: StackPreview) -> Iterator[Section]:
    if preview.errors:
        title = f"The preview failed: {_count(len(preview.errors), 'error')}"
        yield Section(title, tuple(Code("text", each[:LONGEST_ERROR]) for each in preview.errors), unfolded=True)
    elif not preview.held and not preview.blocking:
        why = "The engine ended before it had seen everything, and named no reason; see the log of the job."
        yield Section("The preview is not complete", (Paragraph(why),), unfolded=True)


def _checklist(preview: StackPreview) -> Iterator[Section]:
    if not preview.checklist:
        if preview.held:
            yield Section(
                "Checklist: items are open", tuple(Code("text", each) for each in preview.held), unfolded=True
            )
        return
    required = [each for each in preview.checklist if each.required]
    rows = [
        (
            str(each.number),
            plain(each.title),
            f"**{plain(each.state)}**" if each.required and each.open else plain(each.state),
            "" if each.required else "not required here",
            link(each.source or "link", each.link) if each.link else plain(each.source),
            code(each.value) + (f" until {plain(each.until)}" if each.until else ""),
            code(each.closes) if each.open and each.required else "",
        )
        for each in sorted(preview.checklist, key=lambda each: (not (each.required and each.open), each.number))
    ]
    title = (
        f"Checklist: {len(preview.open_items)} of {len(required)} items are open"
        if preview.open_items
        else f"Checklist: all {len(required)} required items are closed"
    )
    columns = ("", "item", "state", "", "source", "value", "who or what closes it")
    yield Section(title, (Table(columns, rows),), unfolded=bool(preview.open_items))


def _waived(preview: StackPreview) -> Iterator[Section]:
    found = preview.waived_items
    if not found:
        return
    rows = [
        (str(each.number), plain(each.title), plain(each.source), plain(each.until), code(each.value)) for each in found
    ]
    title = f"Waived: the release goes without {_count(len(found), 'item')}"
    yield Section(title, (Table(("", "item", "by whom", "until", "why"), rows),), unfolded=True)


def _policies(preview: StackPreview) -> Iterator[Section]:
    passed = len(preview.policies_passed)
    if not preview.violations and not passed:
        return
    if not preview.violations:
        yield Section(f"Policies: {passed} passed", (Paragraph("None is broken."),))
        return
    rows = [
        (
            f"**{plain(each.enforcement_level)}**" if each.enforcement_level == "mandatory" else "advisory",
            code(each.policy_name),
            code(each.resource_urn.rpartition("::")[2]),
            plain(each.message),
        )
        for each in sorted(preview.violations, key=lambda each: each.enforcement_level != "mandatory")
    ]
    advisory = len(preview.violations) - len(preview.blocking)
    title = f"Policies: {len(preview.blocking)} mandatory broken, {advisory} advisory, {passed} passed"
    table = Table(("", "policy", "resource", "what"), rows)
    yield Section(title, (table,), unfolded=bool(preview.blocking))


def _changes(preview: StackPreview) -> Section:
    if not preview.changes:
        return Section("Changes: none", (Paragraph(f"{preview.unchanged} resources stay as they are."),))
    counts = Counter(each.action for each in preview.changes)
    title = ", ".join(f"{number} {action}" for action, number in counts.items())
    return Section(f"Changes: {title}; {preview.unchanged} stay", (_table_of(preview.changes),))


def _table_of(changes: tuple[Change, ...]) -> Table:
    rows = [(each.action, plain(each.kind), code(each.name), _paths(each.paths)) for each in changes]
    return Table(("", "kind", "name", "properties (names only)"), rows)


def _paths(paths: tuple[str, ...]) -> str:
    shown = "<br>".join(code(each) for each in paths[:PATHS_SHOWN])
    more = len(paths) - PATHS_SHOWN
    return f"{shown}<br>and {more} more" if more > 0 else shown


def _plan(preview: StackPreview) -> Iterator[Section]:
    if not preview.plans:
        return
    seconds = rollout_seconds(preview)
    title = "How it is rolled out"
    if preview.steps:
        title = f"Canary: {_count(len(preview.steps), 'step')}"
        title += f", about {duration(seconds)} at today's traffic" if seconds is not None else ", duration not known"
    yield Section(title, (_lines(preview.plans),), unfolded=bool(preview.steps))


def rollout_seconds(preview: StackPreview) -> float | None:
    """Return how long the steps of the canary take together at today's traffic, or None where a step cannot say."""
    found = [seconds_in(line) for line in preview.steps]
    known = [each for each in found if each is not None]
    return sum(known) if found and len(known) == len(found) else None


def _migration(migration: Migration) -> Section:
    blocks: list[Block] = []
    if migration.facts:
        blocks.append(Table(("", ""), [(plain(name), code(value)) for name, value in migration.facts]))
    if migration.lint:
        blocks.append(_lines(migration.lint))
    if migration.sql:
        blocks.append(Code("sql", migration.sql))
    if migration.said:
        blocks.append(Code("text", migration.said))
    return Section(migration.title, tuple(blocks))


def _capacity(preview: StackPreview) -> Iterator[Section]:
    found = preview.capacity
    if found.after is None:
        return
    rows = [
        ("now", found.before.text if found.before else "nothing"),
        ("during the release, at most", found.during.text if found.during else found.after.text),
        ("afterwards", found.after.text),
    ]
    yield Section(f"Capacity: {found.after.text}", (Table(("", "requested"), rows),))


def _lines(lines: tuple[str, ...]) -> Table:
    return Table(("",), [(plain(line),) for line in lines])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return seconds as a reviewer reads them: `45 s`, `3 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
