"""The comment always fits, is never broken Markdown, and says what a reviewer must act on."""

from __future__ import annotations

import random
import re

import pytest

from reports.preview.comment import COMMENT_LIMIT, MARKER, Source, comment
from reports.preview.events import Event, Violation
from reports.preview.facts import Change, ChecklistItem, StackPreview
from reports.preview.markdown import Code, Section, Table, code, link, plain, size
from reports.preview.migration import Migration, read_migration
from reports.preview.reading import facts
from tests.reports.preview.engine_events import Json, checklist, item, step_line, summary, versions

RUN = "https://github.example/acme/release/actions/runs/7"
SOURCE = Source(commit="0123456789abcdef", links={"run": RUN}, run=RUN)
PLAN = """-- Running upgrade a -> b

ALTER TABLE releases ADD COLUMN owner TEXT;

pending    1 revision (b) after a
image      registry.internal/release-manager@sha256:11
SQL        migration-output.sql, SHA-256 0123abcd
lint       b: adding-not-null-field
next       make approve STACK=prod MIGRATION=0123abcd BY=<name>"""


def preview(*events: Json) -> StackPreview:
    return facts("prod", [Event.model_validate(each) for each in events])


def text_of(*previews: StackPreview, limit: int | None = COMMENT_LIMIT, **migrations: Migration) -> str:
    return comment(previews, migrations, SOURCE, limit=limit, elsewhere="the job summary")


def is_whole_markdown(text: str) -> bool:
    """Whether each fence is closed, and each folded section, outside of code."""
    outside, fence = [], ""
    for line in text.split("\n"):
        found = re.match(r"`{3,}", line)
        if fence:
            fence = "" if line == fence else fence
        elif found:
            fence = found[0]
        else:
            outside.append(line)
    rest = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(outside))
    return not fence and rest.count("<details") == rest.count("</details>")


def large(seed: int) -> tuple[StackPreview, Migration]:
    """Return a preview in which some sections are huge, and some of their texts full of markup."""
    chance = random.Random(seed)  # noqa: S311
    nasty = ["`" * chance.randint(1, 9), "|", "```\n</details>", "@everyone", "ü" * 400, "<!-- x -->", "[a](b)"]

    def word() -> str:
        return "".join(chance.choice([*nasty, "name", "-", " "]) for _ in range(chance.randint(1, 6)))

    def many(least: int) -> range:
        return range(chance.choice([0, least, 90, 900]))

    found = StackPreview(
        stack=word(),
        complete=chance.random() < 0.5,
        version=word(),
        changes=tuple(Change("update", word(), word(), tuple(word() for _ in range(9))) for _ in many(3)),
        drift=tuple(Change("changed", word(), word(), ()) for _ in many(1)),
        plans=tuple(f"step {each} %: {word()}" for each in many(3)),
        checklist=tuple(
            ChecklistItem(each, word(), True, "missing", word(), word(), "", word(), "")  # noqa: FBT003
            for each in many(19)
        ),
        violations=tuple(
            Violation(message=word(), policy_name=word(), enforcement_level="mandatory", resource_urn=word())
            for _ in many(2)
        ),
        errors=tuple(word() * chance.randint(1, 900) for _ in range(chance.randint(0, 3))),
        warnings=tuple(word() for _ in many(2)),
    )
    return found, Migration(facts=(("SQL", word()),), lint=(word(),), sql=word() * chance.randint(1, 9_000))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [12_000, COMMENT_LIMIT])
def test_a_preview_of_any_size_fits_and_is_whole_markdown(seed: int, limit: int) -> None:
    stacks = [large(3 * seed + each) for each in range(3)]
    text = comment(
        [each for each, _ in stacks],
        {each.stack: migration for each, migration in stacks},
        SOURCE,
        limit=limit,
        elsewhere="the job summary",
    )
    assert size(text) <= limit
    assert text.startswith(MARKER)
    assert is_whole_markdown(text)


def test_what_is_cut_is_told_with_where_the_whole_is_and_the_small_sections_stay() -> None:
    many = tuple(Change("update", "ConfigMap", f"map-{each}", ()) for each in range(5000))
    found = preview(checklist(item(10, "missing")), step_line(10, 1, 31), summary())
    text = text_of(StackPreview(stack="dev", complete=True, changes=many), found)
    assert size(text) > COMMENT_LIMIT * 0.9
    assert re.search(r"… and \d,\d{3} more; the whole is in \[the job summary\]\(" + re.escape(RUN), text)
    assert "map-1`" in text
    assert "map-4999" not in text
    assert "now about 31 s" in text
    assert "map-4999" in text_of(StackPreview(stack="dev", complete=True, changes=many), limit=None)


def test_sql_is_shown_whole_or_not_at_all() -> None:
    sql = "\n".join(f"ALTER TABLE t ADD COLUMN c{each} TEXT;" for each in range(4000))
    cut = text_of(StackPreview(stack="prod", complete=True), prod=Migration(sql=sql, facts=(("pending", "2"),)))
    assert "ALTER TABLE" not in cut
    assert "1 more; the whole is in" in cut
    assert sql in text_of(StackPreview(stack="prod", complete=True), limit=None, prod=Migration(sql=sql))


def test_the_open_items_come_first_with_what_closes_them() -> None:
    found = preview(checklist(item(1), item(10, "missing", closes="make approve STACK=prod")), summary())
    text = text_of(found)
    assert "Checklist: 1 of 2 items are open" in text
    assert text.index("item 10") < text.index("item 1 ")
    assert "`make approve STACK=prod`" in text
    assert "| **1 open** |" in text


def test_the_canary_is_told_with_its_duration_at_todays_traffic() -> None:
    text = text_of(preview(step_line(10, 1, 31), step_line(50, 9, 89), summary()))
    assert "Canary: 2 steps, about 2 min at today's traffic" in text
    assert "10 %" in text


def test_a_duration_that_one_step_does_not_know_is_not_told() -> None:
    unknown = {"diagnosticEvent": {"message": "step 50 %: x", "urn": "urn:pulumi:p::r::release-manager:a:Gate::g"}}
    assert "duration not known" in text_of(preview(step_line(10, 1, 31), unknown, summary()))


def test_the_migration_is_told_with_sql_lint_and_hash() -> None:
    migration = read_migration(PLAN)
    assert migration.sha256 == "0123abcd"
    text = text_of(preview(summary()), prod=migration)
    assert "```sql\n-- Running upgrade a -> b\n\nALTER TABLE releases ADD COLUMN owner TEXT;\n```" in text
    assert "SHA-256 0123abcd" in text
    assert "adding-not-null-field" in text
    assert "make approve" not in text


def test_sql_that_looks_like_the_lines_below_it_stays_sql() -> None:
    migration = read_migration(PLAN.replace("ALTER TABLE", "pending    nothing\nALTER TABLE"))
    assert "pending    nothing" in migration.sql
    assert dict(migration.facts)["pending"] == "1 revision (b) after a"


@pytest.mark.parametrize("said", ["nothing is pending: the database of prod is at b", "error: the registry has none"])
def test_where_there_is_no_sql_it_is_told_why(said: str) -> None:
    assert said in text_of(preview(summary()), prod=read_migration(said))


def test_the_versions_and_the_commit_stand_above_everything() -> None:
    text = text_of(preview(versions("v2026.11.01"), summary()))
    assert "Preview of the release of `0123456789ab`" in text
    assert "| prod | `v2026.11.01` → `a new one` |" in text


@pytest.mark.parametrize("text", ["@team", "a | b", "<b>x</b>", "[x](http://evil)", "`a`", "#1", "http://a"])
def test_text_of_a_stranger_stays_text(text: str) -> None:
    shown = plain(text)
    assert not re.search(r"[|<>`\[\]]|@\w|(?<!&)#\w|://", shown)


@pytest.mark.parametrize(("text", "shown"), [("a`b", "``a`b``"), ("`", "`` ` ``"), ("a|b", "`a\\|b`"), ("", "")])
def test_code_holds_ticks_and_bars(text: str, shown: str) -> None:
    assert code(text) == shown


def test_only_addresses_of_the_web_are_linked() -> None:
    assert link("x", "javascript:alert(1)") == "x"
    assert link("x", "https://a.example/b") == "[x](https://a.example/b)"


def test_a_table_is_cut_between_rows() -> None:
    section = Section("t", (Table(("a",), [(f"row {each}",) for each in range(100)]), Code("", "x")))
    shown = section.render(400, "there")
    assert size(shown) <= 400
    rows = [line for line in shown.splitlines() if line.startswith("| row")]
    assert rows
    assert all(re.fullmatch(r"\| row \d+ \|", line) for line in rows)
    assert f"… and {101 - len(rows)} more" in shown


def test_every_waiver_is_shown_unfolded_by_whom_until_when_and_why() -> None:
    waived = {**item(11, "waived", until="2031-05-14"), "source": "break-glass waiver by Ana", "value": "logins fail"}
    text = text_of(preview(checklist(item(1), waived), summary()))
    assert "closed, 1 waived" in text
    section = text[text.index("Waived: the release goes without 1 item") :]
    for told in ("break-glass waiver by Ana", "2031-05-14", "logins fail"):
        assert told in section
    assert "Waived" not in text_of(preview(checklist(item(1)), summary()))
