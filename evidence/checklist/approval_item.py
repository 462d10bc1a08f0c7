"""Item 10: an approver, but not the commit's author, has approved exactly this release.

There are three ways: what `make approve` records in the cluster, a signed file, and an environment of the forge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.reader import Unreachable
from cluster.errors import ClusterError
from concerns.approval import ApprovalSettings
from concerns.forge import ForgeSettings
from evidence.approval.authors import authors_of, own_name
from evidence.approval.signed import SignedApprovals
from evidence.approval.subject import Subject
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.sign_off import SignOff
from evidence.errors import EvidenceError
from evidence.forge.forge import Forge

SOURCE = "approvals"


@dataclass(frozen=True)
class Given:
    """An approval that was found, what it is of, and why it counts for nothing, empty where it may count."""

    sign_off: SignOff
    commit: str
    digest: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class Way:
    """One way in which a release may be approved. `closes` is how somebody does it.

    `look` may raise EvidenceError, ClusterError or Unreachable.
    """

    look: Callable[[], Sequence[Given]]
    closes: str


def approval(candidate: Candidate, subject: Subject, ways: Sequence[Way], built: Callable[[], str]) -> Prover:
    """Return what proves item 10. `built` looks up the image that was built under an approval without one.

    Where one of the ways gives no answer and none of the others has an approval that counts, the item is UNKNOWN.
    """

    def prove() -> Proof:
        if not candidate.named:
            value = "the release has no version yet, and a version is what is approved"
            return Proof(State.MISSING, SOURCE, value, closes="see item 5, tag")
        why_not = list[str]()
        failed: EvidenceError | ClusterError | Unreachable | None = None
        for way in ways:
            try:
                for each in way.look():
                    wrong = _why_not(each, subject, built)
                    if not wrong:
                        value = f"{subject.version} was approved by {each.sign_off.text}, {subject.text}"
                        return Proof(State.PROVEN, each.sign_off.source, value, link=each.sign_off.link)
                    why_not.append(wrong)
            except (EvidenceError, ClusterError, Unreachable) as error:
                failed = failed or error
        if failed is not None:
            raise failed
        reasons = f": {'; '.join(why_not)}" if why_not else ""
        value = f"release {subject.version} is not approved{reasons}"
        return Proof(State.MISSING, SOURCE, value, closes=", or ".join(way.closes for way in ways) or "set approval")

    return prove


def recorded_way(
    candidate: Candidate, subject: Subject, settings: ApprovalSettings, recorded: Callable[[], Given | None]
) -> Way:
    """Return the way of `make approve`: `recorded` looks up what it wrote for the version. May raise."""

    def look() -> list[Given]:
        found = recorded()
        return [] if found is None else [_judged(found, candidate, settings)]

    return Way(look, f"{_who(settings)} runs: {_command(subject)}")


def signed_way(candidate: Candidate, subject: Subject, settings: ApprovalSettings, files: SignedApprovals) -> Way:
    """Return the way of signed files."""

    def look() -> list[Given]:
        given = []
        for each in files.find(subject):
            if each.approval is None:
                given.append(Given(SignOff("", None, each.source), "", wrong=f"{each.source} counts not: {each.wrong}"))
                continue
            said = each.approval
            sign_off = SignOff(said.by, said.at, f"{each.source}, its signature verified")
            wrong = f"{each.source} counts not: {each.wrong}" if each.wrong else ""
            given.append(_judged(Given(sign_off, said.commit, said.digest, wrong), candidate, settings))
        return given

    return Way(look, f"{_who(settings)} signs: {_command(subject)} SIGN=<SSH key>")


def forge_way(
    candidate: Candidate, subject: Subject, settings: ApprovalSettings, forge: Forge, wanted: ForgeSettings
) -> Way:
    """Return the way of an environment of the forge; of which image it is, its comment says as sha256:<digits>."""
    environment = wanted.environment or ""
    logins = {each.casefold() for each in wanted.approvers}

    def look() -> list[Given]:
        found = forge.environment_approvals(subject.commit, environment)
        source = f"{forge.name}, environment {environment}"
        # Asked only where it matters: it is a request of its own.
        author = forge.author(subject.commit).casefold() if found else ""
        given = []
        for each in found:
            allowed = each.by.casefold() in logins if logins else bool(settings.approver(each.by))
            wrong = "" if allowed else _no_approver(each.by)
            if not wrong and author and each.by.casefold() == author:
                wrong = _is_author(each.by)
            one = Given(SignOff(each.by, None, source, each.link), subject.commit, each.digest, wrong)
            given.append(_judged(one, candidate, settings, allowed=allowed))
        return given

    names = ", ".join(wanted.approvers or settings.approvers)
    image = f", with the comment {subject.digest}" if subject.digest else ""
    closes = f"one of {names}, but not its author, approves environment {environment} of {wanted.repository}{image}"
    return Way(look, closes)


def _judged(given: Given, candidate: Candidate, settings: ApprovalSettings, *, allowed: bool = False) -> Given:
    """Return the approval with what is wrong with who gave it."""
    by, wrong = given.sign_off.by, given.wrong
    if not wrong and not allowed and not settings.approver(by):
        wrong = _no_approver(by)
    if not wrong:
        name = own_name(by, settings, authors_of(candidate.directory, candidate.revision.sha))
        wrong = _is_author(by, name) if name else ""
    return Given(given.sign_off, given.commit, given.digest, wrong)


def _why_not(given: Given, subject: Subject, built: Callable[[], str]) -> str:
    if given.wrong:
        return given.wrong
    other = subject.why_not(given.commit, given.digest, built)
    return f"the approval of {given.sign_off.by} is {other}" if other else ""


def _no_approver(by: str) -> str:
    return f"{by or 'a deleted account'} has approved it, and is no approver"


def _is_author(by: str, name: str = "") -> str:
    known = f" (as {name})" if name and name.casefold() != by.casefold() else ""
    return f"{by} has approved it, and is the author of the commit{known}"


def _who(settings: ApprovalSettings) -> str:
    return f"one of {', '.join(settings.approvers) or 'nobody, as approval.approvers is empty'}, but not its author,"


def _command(subject: Subject) -> str:
    return f"make approve STACK={subject.stack} RELEASE={subject.version} BY=<name>"
