"""What a release goes without is told to everybody, once, by whom, why and until when; and it pages nobody."""

from __future__ import annotations

from cluster.history.history import WAIVED, History
from commands.history import history
from notify.message import What
from notify.story import Story
from tests.notify.world import NOW, PLACE, World, begin, passes
from tests.recorded import NAME

ITEMS = ["11 window: waiver by Ana until 2031-05-14: logins fail", "2 tests: waiver by Ben until 2031-05-15: no runner"]
GLASS = "Ana broke the glass for v2 until 2031-05-14: logins fail (window)"


def waived(world: World, *, glass: str = "", run: str = "one") -> None:
    record = world.record(run=run)
    begin(record)
    record.append_once(WAIVED, items=ITEMS, **({"break_glass": glass} if glass else {}))
    assert world.flush() == []


def test_everybody_hears_what_by_whom_why_and_until_when() -> None:
    world = World()
    waived(world)
    [text] = world.stand_in.texts(thread=True)
    assert text.startswith("release v2 goes on without 2 items of its checklist in ")
    assert ITEMS[0] in text
    assert ITEMS[1] in text
    assert [each["text"] for each in world.stand_in.incidents] == [text]
    assert [each["event"] for each in world.stand_in.incidents] == ["note"]
    assert [each["summary"] for each in world.stand_in.changes] == [text]
    assert text in [each["text"] for each in world.stand_in.annotations]
    assert world.stand_in.wrong == []
    world.keeps_its_secrets()


def test_slack_shows_it_in_the_channel_too_and_leaves_the_message_of_the_release() -> None:
    world = World()
    waived(world)
    [reply] = [each for each in world.stand_in.messages.values() if each.get("thread_ts")]
    assert reply["reply_broadcast"] is True
    [message] = world.stand_in.texts()
    assert "has started" in message


def test_breaking_the_glass_is_said_in_these_words() -> None:
    world = World()
    waived(world, glass=GLASS)
    [text] = world.stand_in.texts(thread=True)
    assert text.startswith("release v2 breaks the glass: it goes on without 2 items of its checklist")
    assert GLASS in text


def test_it_pages_nobody_and_is_no_problem() -> None:
    world = World()
    waived(world, glass=GLASS)
    assert world.stand_in.alerts == {}
    story = Story(PLACE, "v2", "id", 100)
    notice = story.hear(WAIVED, {"items": ITEMS}, NOW)
    assert notice is not None
    assert (notice.message.what, notice.problem, notice.actions) == (What.WAIVED, None, ())


def test_it_is_told_once_however_many_gates_the_release_has_and_again_where_it_changes() -> None:
    world = World()
    waived(world)
    waived(world)
    waived(world, run="after a kill")
    assert len(world.stand_in.changes) == 1
    waived(world, glass=GLASS)
    assert len(world.stand_in.changes) == 2
    assert len(world.entries(WAIVED)) == 2


def test_the_record_of_the_release_shows_every_one() -> None:
    world = World()
    waived(world, glass=GLASS)
    passes(world.record())
    lines = history(History(world.server.cluster(), NAME), 1)
    assert [line.strip() for line in lines if line.strip().startswith("- ")] == [f"- {each}" for each in ITEMS]
    shown = " ".join(" ".join(lines).split())
    assert "waived" in shown
    assert f"break_glass: {GLASS}" in shown
    for item in ITEMS:
        assert item in shown
