"""What is measured: each way in which a release is bad, and what its figures are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.load.answer import Answer

PLAIN = "rolling-"


@dataclass(frozen=True)
class Fault:
    """One way in which a release is bad. `error_share` of its answers (0 to 1) are errors, or all of them are slow."""

    title: str
    error_share: float = 0.0

    def environment(self, usual_seconds: float) -> Mapping[str, str]:
        """Return what makes the application so; a slow one takes twice the `usual_seconds` that it took before."""
        if self.error_share:
            return {"FAULT_ERROR_RATE": f"{self.error_share:g}"}
        return {"FAULT_LATENCY_SECONDS": f"{usual_seconds:.4f}"}

    def is_bad(self, answer: Answer) -> bool:
        """Return whether an answer of the bad version hurts: each one of a slow version does."""
        return not self.error_share or answer.failure() is not None


@dataclass(frozen=True)
class Figures:
    """Seconds from the first bad answer to the last, and how many there were."""

    seconds: float
    bad: float


FAULTS: Mapping[str, Fault] = {
    "errors-100": Fault("100 % errors", error_share=1.0),
    "errors-5": Fault("5 % errors", error_share=0.05),
    "errors-1": Fault("1 % errors", error_share=0.01),
    "latency": Fault("doubled latency"),
}
# Each fault by a canary, then the same by a plain rolling update.
NAMES = (*FAULTS, *(f"{PLAIN}{name}" for name in FAULTS))

GOALS: Mapping[str, Figures] = {
    "errors-100": Figures(1.0, 20),
    "errors-5": Figures(2.0, 4),
    "errors-1": Figures(25.0, 8),
}
# Argo Rollouts 1.10 on the same kind of machine and cluster: 10 replicas, steps 10/50/100, 200 requests a second,
# Prometheus scraping every 2 s, threshold 0.1 %; medians of 3.
TO_BEAT: Mapping[str, Mapping[str, Figures]] = {
    "checks every 20 s": {"errors-100": Figures(31, 643), "errors-5": Figures(29, 25)},
    "every 5 s": {"errors-100": Figures(8.9, 184), "errors-5": Figures(8.3, 8)},
    "every second, 5 s window": {"errors-100": Figures(4.0, 87), "errors-5": Figures(3.4, 5)},
}
TO_BEAT_HUNG: Mapping[str, Mapping[str, Figures]] = {
    "Prometheus stopped": {"errors-100": Figures(48, 979)},
    "Prometheus hung": {"errors-100": Figures(198, 4035)},
}


def chosen(text: str) -> list[str]:
    """Return the cases that `text` names, between commas; all where it is empty. Raises ValueError."""
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        raise ValueError(f"there is no case '{unknown[0]}'; there are: {', '.join(NAMES)}")
    return [name for name in NAMES if name in wanted] if wanted else list(NAMES)


def fault_of(name: str) -> Fault:
    """Return the fault of a case, by a canary or not."""
    return FAULTS[name.removeprefix(PLAIN)]


IsBad = Callable[[Answer], bool]
