"""Item 3: somebody other than its author has approved the pull request that brought the commit, as it was merged."""

from __future__ import annotations

from collections.abc import Sequence

from concerns.checklist import ChecklistSettings
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.forge.forge import Forge, PullRequest, Review, UnknownCommitError


def review(candidate: Candidate, settings: ChecklistSettings, forge: Forge | None) -> Prover:
    """Return what proves item 3: the newest judgement of each reviewer, on the last commit of the pull request."""

    def prove() -> Proof:
        if forge is None:
            closes = "set checklist.forge to the repository in which pull requests are reviewed"
            return Proof(State.MISSING, "settings", "no forge is configured", closes=closes)
        short, main = candidate.revision.short, settings.main_branch
        try:
            pulls = forge.pull_requests(candidate.revision.sha)
        except UnknownCommitError:
            return Proof(State.MISSING, forge.name, f"it does not have commit {short}", closes="git push")
        into_main = sorted((each for each in pulls if each.base == main), key=lambda each: each.number, reverse=True)
        merged = [each for each in into_main if each.merged]
        if merged:
            return _judged(forge, merged[0])
        if into_main:
            pull = into_main[0]
            closes = f"have it reviewed and merge it: {pull.link}"
            value = f"pull request {pull.number} with commit {short} is not merged"
            return Proof(State.MISSING, forge.name, value, link=pull.link, closes=closes)
        closes = f"open a pull request into {main} with what commit {short} changes, and release its merge"
        value = f"no pull request into {main} brought commit {short}"
        return Proof(State.MISSING, forge.name, value, link=forge.page(candidate.revision.sha), closes=closes)

    return prove


def _judged(forge: Forge, pull: PullRequest) -> Proof:
    own, number = pull.author.casefold(), pull.number
    newest = _newest(forge.reviews(number))
    against = [each for each in newest if each.outcome == "changes_requested"]
    approved = [each for each in newest if each.outcome == "approved"]
    counting = [each for each in approved if each.commit == pull.head and each.by and each.by.casefold() != own]
    if against:
        who = ", ".join(each.by or "a deleted account" for each in against)
        closes = f"{who} approves it, or dismisses the review: {against[0].link or pull.link}"
        value = f"changes are requested of pull request {number} by {who}"
        return Proof(State.MISSING, forge.name, value, link=pull.link, closes=closes)
    if counting:
        value = f"pull request {number} by {pull.author or 'a deleted account'} was approved by {counting[0].by}"
        return Proof(State.PROVEN, forge.name, value, link=counting[0].link or pull.link)
    value, closes = f"pull request {number} has no approval", f"somebody but its author approves it: {pull.link}"
    if any(each.by.casefold() == own for each in approved):
        value = f"pull request {number} was approved by its own author alone"
    elif approved:
        value = f"the approval of pull request {number} by {approved[0].by} is of an earlier commit than its last"
        closes = f"{approved[0].by} approves its last commit: {pull.link}"
    return Proof(State.MISSING, forge.name, value, link=pull.link, closes=closes)


def _newest(reviews: Sequence[Review]) -> list[Review]:
    """Return the last judgement of each reviewer; one that was dismissed counts for nothing."""
    last = {each.by.casefold(): each for each in reviews}
    return [each for each in last.values() if each.outcome != "dismissed"]
