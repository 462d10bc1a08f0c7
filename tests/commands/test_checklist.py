"""`make checklist` shows the table without an update, and its status says whether the release may begin."""

from __future__ import annotations

from datetime import date

import pytest

from commands.checklist import ItemsOpenError, checklist
from evidence.checklist.proof import State
from tests.complete_checklist import checklist_of

TODAY = date(2031, 5, 14)


def test_the_table_is_shown() -> None:
    [shown] = checklist(checklist_of(version="v2031.05.14"), today=TODAY)
    assert "checklist of v2031.05.14 for staging: no required item is open" in shown
    assert shown.count("a test: as it is") == 19


@pytest.mark.parametrize("state", [State.MISSING, State.UNKNOWN, State.EXPIRED])
def test_while_something_is_open_it_is_shown_with_what_closes_it_and_is_no_success(state: State) -> None:
    with pytest.raises(ItemsOpenError) as caught:
        checklist(checklist_of(state=state, of="tag"), today=TODAY)
    assert "1 of 19 required items is open" in str(caught.value)
    assert "-> a person" in str(caught.value)
