"""Answers as a load counts them, and a program that only pretends to be vegeta."""

from __future__ import annotations

import sys
from pathlib import Path

from sandbox.load.answer import Answer

# `attack` answers every 10 ms until it is told to stop, and then what is under way; `encode` hands on what it gets.
VEGETA = """#!{python}
import json, signal, sys, time

def line(number):
    return json.dumps({{"attack": "", "seq": number, "code": 200, "timestamp": "2026-11-23T12:00:00.123456789Z",
                       "latency": 1500000, "bytes_out": 0, "bytes_in": 0, "error": "", "body": None,
                       "method": "GET", "url": "http://x", "headers": {{"X-Release-Version": ["v1"]}}}})

if sys.argv[1] == "encode":
    for each in sys.stdin:
        print(each, end="", flush=True)
    sys.exit(0)
open({arguments!r}, "w").write(" ".join(sys.argv[1:]) + " " + sys.stdin.read())
{body}
"""
SERVES = """
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
number, limit = 0, {most}
while going and number < limit:
    number += 1
    print(line(number), flush=True)
    time.sleep(0.01)
if not going:
    time.sleep(0.1)
    print(line("under way"), flush=True)
"""
REFUSES = 'print("bad certificate", file=sys.stderr); sys.exit(1)'
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(line(1), flush=True); time.sleep(60)"


def answer(
    at: float = 0.0, *, status: int = 200, latency: float = 0.01, error: str = "", version: str = "v1"
) -> Answer:
    return Answer(sent_at=at, latency_seconds=latency, status=status, error=error, version=version)


def fake_vegeta(directory: Path, body: str) -> tuple[Path, Path]:
    """Write a vegeta whose attack is `body`; return it, and the file in which it notes what it was told."""
    program, told = directory / "vegeta", directory / "told"
    program.write_text(VEGETA.format(python=sys.executable, arguments=str(told), body=body), encoding="utf-8")
    program.chmod(0o755)
    return program, told
