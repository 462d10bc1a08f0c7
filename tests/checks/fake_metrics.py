"""Pods that say what a test wants them to say in /metrics."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from checks.objects import Pod
from checks.reader import Unreachable
from tests.checks.fake_reader import FakeReader
from tests.recorded import Json, pod

PORT = 8080
BOUNDS = ("0.1", "0.5", "1.0")
STARTED = 1_715_679_000.0


def metrics(
    ok: int = 0,
    failed: int = 0,
    *,
    slow: int = 0,
    started: float | None = STARTED,
    connections: float = 2,
    pool: float = 10,
    memory: float = 60e6,
    version: str = "prod-abc1234",
) -> str:
    """Return what the application answers after `ok` and `failed` requests, of which `slow` took two seconds."""
    name, total = "release_manager", ok + failed
    counts = [
        *(f'{{le="{bound}"}} {total - slow}' for bound in BOUNDS),
        f'{{le="2.5"}} {total}',
        f'{{le="+Inf"}} {total}',
    ]
    lines = [
        f"# TYPE {name}_requests_total counter",
        f'{name}_requests_total{{method="GET",route="/api/releases",status="200"}} {ok}.0',
        f'{name}_requests_total{{method="GET",route="/api/releases",status="500"}} {failed}.0',
        f"# TYPE {name}_request_duration_seconds histogram",
        *(f"{name}_request_duration_seconds_bucket{count}" for count in counts),
        f"{name}_request_duration_seconds_count {total}",
        f'{name}_errors_total{{type="internal"}} {failed}.0',
        f"{name}_db_connections_active {connections}",
        f"{name}_db_pool_size {pool}",
        f'{name}_build_info{{version="{version}"}} 1.0',
        f"process_resident_memory_bytes {memory}",
    ]
    if started is not None:
        lines.append(f"process_start_time_seconds {started}")
    return "\n".join(lines) + "\n"


def without(text: str, name: str) -> str:
    """Return `text` without the metric `name`."""
    return "".join(line for line in text.splitlines(keepends=True) if name not in line)


def named(*names: str, **fields: object) -> list[Pod]:
    """Return running, ready pods of these names."""
    found: list[Json] = [pod(name, **{"ready": True, **fields}) for name in names]  # type: ignore[arg-type]
    return [Pod.model_validate(each) for each in found]


@dataclass
class FakeMetrics(FakeReader):
    """What each pod answers: a text, None (it is gone), an error, or a function that gives one of these."""

    answers: dict[str, str | Exception | Callable[[], str | None] | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, answers: Mapping[str, str | Exception | Callable[[], str | None] | None]) -> None:
        """Let these pods answer so from now on."""
        self.answers.update(answers)

    def pod_metrics(self, name: str, port: int, *, timeout_seconds: float) -> str | None:
        assert port == PORT
        with self._lock:
            self.asked.append(name)
            self.timeouts.append(timeout_seconds)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            answer = self.answers.get(name, Unreachable("connection refused"))
            found = answer() if callable(answer) else answer
        finally:
            with self._lock:
                self._now -= 1
        if isinstance(found, Exception):
            raise found
        return found
