"""SSH keys made for a test, and files of allowed signers."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_key(directory: Path, name: str) -> Path:
    """Make a key without a passphrase, and return its private half."""
    key = directory / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    return key


def signer(name: str, key: Path, options: str = "") -> str:
    """Return the line of a file of allowed signers that says whose key it is."""
    kind, public, *_ = key.with_name(f"{key.name}.pub").read_text(encoding="utf-8").split()
    return " ".join(filter(None, (name, options, kind, public))) + "\n"
