"""What a report of tests says (JUnit XML, as pytest and most others write it)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from evidence.errors import EvidenceError

# The property of a suite, or the name of one, that says which commit was tested.
REVISION = "revision"
_KNOWN_FAILING = "pytest.xfail"


class ReportError(EvidenceError):
    """A report cannot be read; the text names the mend."""


@dataclass(frozen=True)
class Report:
    """One report: how many tests it has, those that failed, and those that are expected to fail.

    `commits` are the names of its suites and their properties `revision`: the commit that was tested is one of them.
    """

    path: str
    tests: int
    failed: tuple[str, ...]
    known_failing: tuple[str, ...]
    commits: frozenset[str]


def read_report(path: str) -> Report | None:
    """Return the report at `path`, relative to the current directory, or None where there is no such file.

    Raises ReportError where it is no such report.
    """
    try:
        # Our own tests wrote it, and the parser bounds what an entity may grow to.
        root = ET.parse(path).getroot()  # noqa: S314
    except FileNotFoundError:
        return None
    except (OSError, ET.ParseError, ValueError) as error:
        raise ReportError(
            f"test report {path} cannot be read as JUnit XML ({type(error).__name__}); {command(path)}"
        ) from None
    suites, cases = list(root.iter("testsuite")), list(root.iter("testcase"))
    failed = [_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None]
    # Some writers tell of what failed outside of any test in the numbers of the suite alone.
    told = max((_number(suite, "failures") + _number(suite, "errors") for suite in suites), default=0)
    if told > len(failed):
        failed.append(f"{told - len(failed)} more that the report does not name")
    known = [_name(case) for case in cases if any(each.get("type") == _KNOWN_FAILING for each in case.iter("skipped"))]
    properties = [each.get("value", "") for each in root.iter("property") if each.get("name") == REVISION]
    commits = {*properties, *(suite.get("name", "") for suite in suites)}
    return Report(path, len(cases), tuple(failed), tuple(known), frozenset(commits))


def command(path: str) -> str:
    """Return how such a report is made."""
    return f'pytest --junit-xml={Path(path)} -o junit_suite_name="$(git rev-parse HEAD)"'


def _name(case: ET.Element) -> str:
    return "::".join(part for part in (case.get("classname", ""), case.get("name", "")) if part)


def _number(suite: ET.Element, name: str) -> int:
    text = suite.get(name, "0")
    return int(text) if text.isascii() and text.isdigit() else 0
