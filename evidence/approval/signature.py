"""Signatures with SSH keys, made and verified by `ssh-keygen -Y`, as git has them for its tags."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from evidence.errors import EvidenceError

# A signature counts for nothing else: one of a tag or of a mail is no approval.
NAMESPACE = "release-manager-approval"
PROGRAM = "ssh-keygen"
SECONDS = 10
# To sign, a person may have to type a passphrase or to touch a key.
SIGN_SECONDS = 120


class SignatureError(EvidenceError):
    """A signature can be neither made nor judged here; the text names the mend."""


def sign(key: Path, content: bytes) -> bytes:
    """Return the signature of `content` by the private key, or by that of a public key in the agent.

    Raises SignatureError.
    """
    if not key.is_file():
        raise SignatureError(f"{key} is no file; name the SSH key to sign with: SIGN=<file>")
    done = _run(["-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE], content, SIGN_SECONDS)
    if done.returncode != 0 or not done.stdout:
        raise SignatureError(f"{PROGRAM} does not sign with {key} ({_first(done.stderr)}); see: {PROGRAM} -l -f {key}")
    return done.stdout


def wrong_with(content: bytes, signature: bytes, allowed_signers: Path, names: Sequence[str]) -> str:
    """Return why the signature is not one of `content` by any of the names in the file; nothing where it is.

    Raises SignatureError where that cannot be judged.
    """
    if not allowed_signers.is_file():
        raise SignatureError(
            f"the allowed signers {allowed_signers} cannot be read; write the file that approval.signed.allowed_signers"
            " names (man ssh-keygen, ALLOWED SIGNERS)"
        )
    with tempfile.TemporaryDirectory(prefix="release-manager-approval-") as place:
        file = Path(place, "signature")
        file.write_bytes(signature)
        common = ["-n", NAMESPACE, "-s", str(file)]
        # Without a name: whether it is of this content at all, whoever made it.
        whole = _run(["-Y", "check-novalidate", *common], content, SECONDS)
        if whole.returncode != 0:
            return f"the signature does not fit the file ({_first(whole.stderr)})"
        for name in names:
            told = _run(["-Y", "verify", "-f", str(allowed_signers), "-I", name, *common], content, SECONDS)
            if told.returncode == 0:
                return ""
        found = _run(["-Y", "find-principals", "-f", str(allowed_signers), "-s", str(file)], b"", SECONDS)
    signer = found.stdout.decode(errors="replace").strip().replace("\n", ", ")
    who = f"it is the key of {signer}" if found.returncode == 0 and signer else _first(found.stderr)
    return f"it is not signed by {' or '.join(names)}, as {allowed_signers.name} knows them ({who})"


def _run(arguments: Sequence[str], content: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    command = [PROGRAM, *arguments]
    try:
        return subprocess.run(command, input=content, capture_output=True, timeout=seconds, check=False)
    except FileNotFoundError:
        raise SignatureError(f"{PROGRAM} is not on PATH; install it: apt-get install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise SignatureError(
            f"'{PROGRAM} -Y {arguments[1]}' did not end within {seconds:g} s; run it by hand"
        ) from None


def _first(text: bytes) -> str:
    lines = [line.strip() for line in text.decode(errors="replace").splitlines() if line.strip()]
    return lines[0][:200] if lines else "no reason given"
