"""Who proves the items that git, the forge, files and people answer."""

from __future__ import annotations

from concerns.checklist import ChecklistSettings
from concerns.release import ReleaseSettings
from evidence.api.since import Served, broken_since, nothing_served
from evidence.checklist.candidate import Candidate
from evidence.checklist.git_items import merged, tag
from evidence.checklist.markers import markers
from evidence.checklist.proof import Prover
from evidence.checklist.review_item import review
from evidence.checklist.sign_off import Recorded, nobody, response_team
from evidence.checklist.tests_item import automated_tests
from evidence.checklist.written_items import architecture, notes, plan
from evidence.forge.forge import Forge


def provers_of_code(
    candidate: Candidate,
    settings: ChecklistSettings,
    release: ReleaseSettings,
    *,
    forge: Forge | None,
    approved: Prover,
    acknowledged: Recorded = nobody,
    served: Served = nothing_served,
) -> dict[str, Prover]:
    """Return who proves each item, under its name: 1 to 7, 9, 10 and 14.

    `approved` is the prover of item 10 (approval_item.py); `acknowledged` looks up whether the incident response team
    stands by for the candidate, `served` the API of the version that serves now. Nothing is asked before a
    prover is called.
    """
    return {
        "merged": merged(candidate, settings),
        "tests": automated_tests(candidate, settings, forge),
        "review": review(candidate, settings, forge),
        "markers": markers(candidate, settings),
        "tag": tag(candidate, settings, release),
        "plan": plan(candidate, settings, forge),
        "notes": notes(candidate, settings, forge, lambda: broken_since(candidate, settings.api, served)),
        "architecture": architecture(candidate, settings, forge),
        "approval": approved,
        "response-team": response_team(candidate, settings, forge, acknowledged),
    }
