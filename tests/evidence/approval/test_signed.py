"""A signed approval counts only whole, for its release, by the key of its approver that counts today."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from concerns.approval import ApprovalSettings, SignedApprovalSettings
from evidence.approval import signature
from evidence.approval.signature import SignatureError
from evidence.approval.signed import SUFFIX, SignedApprovals
from evidence.approval.subject import Subject
from evidence.checklist.approval_item import approval, signed_way
from evidence.checklist.candidate import Candidate
from evidence.checklist.proof import Proof, State
from tests.evidence.approval.keys import make_key, signer
from tests.evidence.checklist.candidates import VERSION, candidate, is_open, push, release
from tests.evidence.checkouts import git

AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
DIGEST, OTHER = f"sha256:{'d' * 64}", f"sha256:{'e' * 64}"
WANTED = SignedApprovalSettings(allowed_signers="signers")
SETTINGS = ApprovalSettings(
    required=True, approvers=("ana", "ben"), identities={"ana": ("ana@example.com",)}, recorded=False, signed=WANTED
)
Change = Callable[[Path], None]


class Case:
    """A release in a checkout, a project with allowed signers, and the keys of ana and of somebody else."""

    def __init__(self, checkout: Path, place: Path) -> None:
        release(checkout)
        self.checkout, self.project = checkout, place / "project"
        self.project.mkdir()
        self.key, self.other = make_key(place, "ana-key"), make_key(place, "other-key")
        self.allow(signer("ana@example.com", self.key))

    @property
    def candidate(self) -> Candidate:
        return candidate(self.checkout)

    def allow(self, *lines: str) -> None:
        (self.project / "signers").write_text("".join(lines), encoding="utf-8")

    def subject(self, digest: str = DIGEST, stack: str = "prod") -> Subject:
        return Subject(stack, VERSION, self.candidate.revision.sha, digest)

    def files(self, settings: ApprovalSettings = SETTINGS) -> SignedApprovals:
        return SignedApprovals(settings, WANTED, self.project, self.checkout / "app", "main")

    def sign(self, subject: Subject | None = None, *, by: str = "ana", key: Path | None = None) -> Path:
        return self.files().write(subject or self.subject(), by, AT, key or self.key)[0]

    def judged(self, digest: str = DIGEST, settings: ApprovalSettings = SETTINGS) -> Proof:
        subject = self.subject(digest)
        way = signed_way(self.candidate, subject, settings, self.files(settings))
        return approval(self.candidate, subject, [way], lambda: "")()


@pytest.fixture
def case(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(checkout, tmp_path_factory.mktemp("signed"))


def test_a_signed_approval_of_this_very_release_is_proven_with_who_and_where(case: Case) -> None:
    case.sign()
    found = case.judged()
    assert found.state is State.PROVEN
    assert f"{VERSION} was approved by ana at 2024-05-14 09:30:00 UTC, commit" in found.value
    assert found.source == f"approvals/prod/{VERSION}.yaml, its signature verified"


def test_without_one_it_is_missing_with_the_command_that_signs(case: Case) -> None:
    is_open(
        case.judged(), State.MISSING, "is not approved", f"make approve STACK=prod RELEASE={VERSION} BY=<name> SIGN="
    )


def test_it_is_found_on_the_main_branch_as_well(case: Case) -> None:
    file = case.sign()
    names = [file, file.with_name(file.name + SUFFIX)]
    place = case.checkout / "approvals" / "prod"
    place.mkdir(parents=True)
    for name in names:
        shutil.move(name, place / name.name)
    git(case.checkout, "branch", "topic")
    git(case.checkout, "add", "-A")
    git(case.checkout, "commit", "-q", "-m", "the approval")
    push(case.checkout)
    git(case.checkout, "checkout", "-q", VERSION)
    found = case.judged()
    assert found.state is State.PROVEN
    assert found.source == f"approvals/prod/{VERSION}.yaml on origin/main, its signature verified"


def test_an_approval_of_another_image_is_none(case: Case) -> None:
    case.sign(case.subject(OTHER))
    is_open(case.judged(), State.MISSING, f"is of image {OTHER[:19]}, and this is {DIGEST[:19]}", "signs: make approve")


def test_an_approval_of_another_commit_is_none(case: Case) -> None:
    case.sign(Subject("prod", VERSION, "1" * 40, DIGEST))
    is_open(case.judged(), State.MISSING, "is of commit 1111111", "signs: make approve")


def test_what_is_of_another_stack_does_not_count_by_being_moved(case: Case) -> None:
    file = case.sign(case.subject(stack="staging"))
    here = case.project / "approvals" / "prod"
    shutil.copytree(file.parent, here)
    is_open(case.judged(), State.MISSING, f"it is of {VERSION} for staging", "signs: make approve")


def tampered(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(OTHER, DIGEST), encoding="utf-8")


def test_a_file_that_was_changed_after_it_was_signed_does_not_count(case: Case) -> None:
    file = case.sign(case.subject(OTHER))
    tampered(file)
    is_open(case.judged(), State.MISSING, "the signature does not fit the file", "signs: make approve")


def test_an_approval_that_says_ana_and_has_somebody_elses_signature_does_not_count(case: Case) -> None:
    case.allow(signer("ana@example.com", case.key), signer("eve@example.com", case.other))
    with pytest.raises(SignatureError, match="it is the key of eve@example"):
        case.sign(key=case.other)
    file = case.sign()
    beside = file.with_name(file.name + SUFFIX)
    beside.write_bytes(signature.sign(case.other, file.read_bytes()))
    found = case.judged()
    is_open(found, State.MISSING, "it is not signed by ana or ana@example.com", "signs: make approve")
    assert "it is the key of eve@example.com" in found.value


def test_a_key_that_is_nobodys_does_not_count(case: Case) -> None:
    file = case.sign()
    file.with_name(file.name + SUFFIX).write_bytes(signature.sign(case.other, file.read_bytes()))
    is_open(case.judged(), State.MISSING, "No principal matched", "signs: make approve")


def test_a_signature_for_something_else_does_not_count(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    file = case.sign()
    with monkeypatch.context() as patched:
        patched.setattr(signature, "NAMESPACE", "git")
        other = signature.sign(case.key, file.read_bytes())
    file.with_name(file.name + SUFFIX).write_bytes(other)
    is_open(case.judged(), State.MISSING, "the signature does not fit the file", "signs: make approve")


def test_somebody_who_is_no_approver_approves_nothing_with_a_good_signature(case: Case) -> None:
    case.allow(signer("eve", case.other))
    case.sign(by="eve", key=case.other)
    is_open(case.judged(), State.MISSING, "eve has approved it, and is no approver", "one of ana, ben, but not")


def test_the_author_does_not_sign_the_own_release(case: Case) -> None:
    settings = ApprovalSettings(
        required=True,
        approvers=("ana",),
        identities={"ana": ("ana@example.com", "developer@example.com")},
        signed=WANTED,
    )
    case.sign()
    found = case.judged(settings=settings)
    is_open(found, State.MISSING, "ana has approved it, and is the author of the commit", "signs: make approve")


def test_a_key_that_has_expired_counts_no_more(case: Case) -> None:
    case.sign()
    case.allow(signer("ana@example.com", case.key, 'valid-before="20250101"'))
    is_open(case.judged(), State.MISSING, "key has expired", "signs: make approve")


def test_without_its_signature_or_with_one_that_is_none_it_does_not_count(case: Case) -> None:
    file = case.sign()
    beside = file.with_name(file.name + SUFFIX)
    beside.write_text("no signature", encoding="utf-8")
    is_open(case.judged(), State.MISSING, "the signature does not fit the file", "signs: make approve")
    beside.unlink()
    is_open(case.judged(), State.MISSING, "its signature is not beside it (.sig)", "signs: make approve")


@pytest.mark.parametrize("text", ["", "[", "a: 1", "stack: prod\nversion: v1\n", "\x00"])
def test_what_is_no_approval_is_said_to_be_none(case: Case, text: str) -> None:
    case.sign().write_text(text, encoding="utf-8")
    is_open(case.judged(), State.MISSING, "it is no approval", "signs: make approve")


def test_without_the_allowed_signers_nothing_is_known_and_nothing_is_good(case: Case) -> None:
    case.sign()
    (case.project / "signers").unlink()
    with pytest.raises(SignatureError, match=r"the allowed signers .*signers cannot be read; write the file"):
        case.judged()


def test_without_ssh_keygen_nothing_is_known_and_nothing_is_good(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.sign()
    monkeypatch.setattr(signature, "PROGRAM", "there-is-no-ssh-keygen")
    with pytest.raises(SignatureError, match="is not on PATH; install it: apt-get install openssh-client"):
        case.judged()


def test_an_ssh_keygen_that_hangs_is_left(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case.sign()
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(signature, "PROGRAM", str(slow))
    monkeypatch.setattr(signature, "SECONDS", 0.2)
    with pytest.raises(SignatureError, match=r"did not end within 0\.2 s"):
        case.judged()


def test_a_key_that_cannot_sign_is_named(case: Case, tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="is no file; name the SSH key to sign with: SIGN="):
        case.sign(key=tmp_path / "missing")
    broken = tmp_path / "broken"
    broken.write_text("no key")
    broken.chmod(0o600)
    with pytest.raises(SignatureError, match="does not sign with"):
        case.sign(key=broken)


def test_signing_anew_takes_the_place_of_what_was_signed_before(case: Case) -> None:
    case.sign(case.subject(OTHER))
    case.sign()
    assert case.judged().state is State.PROVEN
