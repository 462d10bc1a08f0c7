"""The report of a verification as one HTML page that asks for nothing else and can be read on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from reports.record import NOT_TAKEN, ChartRecord, StepRecord, VerificationRecord
from reports.svg import chart

_STYLE = Path(__file__).with_suffix(".css")
# Nothing of what the page shows may load or run anything, whatever a script has printed.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_TIMES = {
    "unix": "Times are UTC. Shaded, by their numbers: the parts of the release's course.",
    "gate": "Seconds count from the beginning of the step.",
}
_CLASS = {"verified": "good", "failed": "bad", "held": "open", "PASS": "good", "FAIL": "bad", NOT_TAKEN: "none"}


def page(record: VerificationRecord) -> str:
    """Return the whole page. Every value in it is escaped."""
    title = f"{record.release.version} in {record.namespace}: {record.outcome}"
    body = "\n".join([*_head(record), *_steps(record), *_phases(record), *_charts(record)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _head(record: VerificationRecord) -> Iterator[str]:
    release = record.release
    yield f"<header><h1>{escape(release.version)}</h1>"
    outcome = f'<b class="{_CLASS[record.outcome]}">{escape(record.outcome)}</b>'
    yield f"<p>in {escape(record.namespace)}: {outcome}</p></header>"
    first, _, rest = record.text.partition("\n")
    yield f'<section class="card"><p>{escape(first)}</p>' + (f"<pre>{escape(rest)}</pre>" if rest else "")
    yield _list(
        {
            "judged from": f"{_time(record.began)}, for {record.seconds:.1f} s",
            "Deployment": record.deployment,
            "stack": record.stack,
            "image": release.image,
            "revision": release.revision,
            "configuration": release.configuration,
        }
    )
    yield "</section>"


def _steps(record: VerificationRecord) -> Iterator[str]:
    yield "<h2>Steps</h2>"
    for step in record.steps:
        opened = " open" if step.verdict not in {"PASS", NOT_TAKEN} else ""
        yield f'<details class="card"{opened}><summary><b>{escape(step.name)}</b>{_verdict(step)}'
        yield f'<span class="reason">{escape(step.reason)}</span></summary>' if step.reason else "</summary>"
        began = {} if step.began is None else {"began": _time(step.began)}
        yield _list({**began, **{name.replace("_", " "): _number(value) for name, value in step.numbers.items()}})
        lines = "\n".join(step.output or step.details)
        yield "".join(f"<pre>{escape(text)}</pre>" for text in (step.query, lines) if text) + "</details>"


def _verdict(step: StepRecord) -> str:
    took = "" if step.seconds is None else f" · {step.seconds:.1f} s"
    said = "not taken" if step.verdict == NOT_TAKEN else step.verdict
    return f'<span class="verdict {_CLASS.get(step.verdict, "open")}">{escape(said)}{took}</span>'


def _phases(record: VerificationRecord) -> Iterator[str]:
    if not record.phases:
        return
    yield '<h2>Course of the release</h2><section class="card">'
    began = {} if record.release_began is None else {"begun": _time(record.release_began)}
    took = {
        f"{number}. {each.name}": f"{_time(each.began)}, for {(each.ended - each.began).total_seconds():.1f} s"
        for number, each in enumerate(record.phases, start=1)
    }
    yield _list({**began, **took}) + "</section>"


def _charts(record: VerificationRecord) -> Iterator[str]:
    groups = {
        "Metrics around the release": [each for each in record.charts if each.clock == "unix"],
        "What the canary's gates counted": [each for each in record.charts if each.clock == "gate"],
    }
    for title, charts in groups.items():
        if charts:
            yield f'<h2>{escape(title)}</h2><p class="soft">{escape(_TIMES[charts[0].clock])}</p>'
            yield '<div class="charts">'
            yield from (_figure(each, record) for each in charts)
            yield "</div>"
    if not record.charts:
        yield '<p class="soft">No metrics: this stack names no Prometheus, and its release had no canary.</p>'


def _figure(found: ChartRecord, record: VerificationRecord) -> str:
    caption = f'<figcaption><b>{escape(found.title)}</b><span class="soft">{escape(found.unit)}</span></figcaption>'
    if not found.lines:
        return f'<figure>{caption}<p class="soft">{escape(found.problem)}</p></figure>'
    keys = [f'<span class="key {escape(each.name, quote=True)}">{escape(each.name)}</span>' for each in found.lines]
    if found.limit is not None:
        keys.append(f'<span class="key limit">limit {found.limit:g}</span>')
    return f"<figure>{caption}{chart(found, record.phases)}{''.join(keys)}</figure>"


def _list(values: Mapping[str, str]) -> str:
    shown = "".join(f"<dt>{escape(key)}</dt>{_value(value)}" for key, value in values.items() if value)
    return f"<dl>{shown}</dl>" if shown else ""


def _value(value: str) -> str:
    # A digest is broken where the line ends, and not at its last hyphen.
    return f"<dd>{escape(value)}</dd>" if " " in value else f'<dd class="word">{escape(value)}</dd>'


def _number(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else value


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
