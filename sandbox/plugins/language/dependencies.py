"""Which packages a program's Python has."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

LISTING_SECONDS = 30.0
LISTING = """
import importlib.metadata, json, re
def name(text):
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", text).group()).lower()
found, needed = {}, set()
for item in importlib.metadata.distributions():
    found[name(item.metadata["Name"])] = item.version
    needed |= {name(text) for text in item.requires or [] if "extra ==" not in text}
print(json.dumps([[key, found[key], key in needed] for key in sorted(found)]))
"""


@dataclass(frozen=True)
class Dependency:
    """An installed package; `transitive` where another installed package needs it."""

    name: str
    version: str
    transitive: bool


def dependencies_of(executable: str) -> list[Dependency]:
    """Ask a Python for its packages; raises subprocess.SubprocessError if it cannot tell."""
    done = subprocess.run(
        [executable, "-c", LISTING], capture_output=True, check=True, timeout=LISTING_SECONDS, text=True
    )
    return [Dependency(*item) for item in json.loads(done.stdout)]
