"""What the pods say: crashes, errors, latency, connections, memory; a pod that is silent is no good sign."""

from __future__ import annotations

import pytest

from checks.key_metrics import connection_limit, memory_limit
from checks.objects import Pod
from checks.reader import Unreachable
from checks.traffic import TrafficMeter
from checks.verdict import Kind, Verdict
from checks.watching.bad_share import BadShare
from checks.watching.pods_watch import CONNECTIONS, ERRORS, LATENCY, MEMORY, PODS, SIGNALS, PodLimitsOfWatch, PodsWatch
from checks.watching.sustained import Sustained
from tests.checks.fake_metrics import PORT, FakeMetrics, metrics, named
from tests.fake_time import FakeTime
from tests.recorded import container, pod, terminated, waiting

ALLOCATED = 256e6


class Watched:
    def __init__(self, *names: str, slow_seconds: float = 0.5) -> None:
        self.time, self.reader = FakeTime(), FakeMetrics()
        self.pods = named(*names)
        self.meter = TrafficMeter(self.reader, PORT, timeout_seconds=5, clock=self.time.clock)

        def share(what: str, limit: float) -> BadShare:
            return BadShare(what, limit, 0.01, 60, 3600)

        limits = PodLimitsOfWatch(
            errors=share("ended with an error", 0.001),
            slow=share("took longer than 500 ms", 0.01),
            slow_seconds=slow_seconds,
            connections=connection_limit(80, looks=3),
            memory=memory_limit(70, looks=3),
            allocated_bytes=ALLOCATED,
        )
        crashing = Sustained(60, self.time.clock)
        self.watch = PodsWatch(self.reader, self.meter, limits, crashing, self.time.clock)

    def look(self, seconds: float = 10) -> dict[str, Verdict]:
        self.time.seconds += seconds
        return dict(self.watch.look(self.pods))


@pytest.fixture
def watched() -> Watched:
    found = Watched("a", "b")
    found.reader.say({"a": metrics(100), "b": metrics(100)})
    found.look()
    return found


def test_each_signal_has_a_verdict_and_good_pods_pass_them_all(watched: Watched) -> None:
    watched.reader.say({"a": metrics(200), "b": metrics(200)})
    found = watched.look()
    assert tuple(found) == SIGNALS
    assert {each.kind for each in found.values()} == {Kind.PASS}


@pytest.mark.parametrize(("signal", "failed", "slow"), [(ERRORS, 1, 0), (LATENCY, 0, 1)])
def test_errors_and_slow_requests_that_go_on_fail(watched: Watched, signal: str, failed: int, slow: int) -> None:
    kinds = []
    for number in range(1, 11):
        answer = metrics(100 + 100 * number, 20 * number * failed, slow=20 * number * slow)
        watched.reader.say({"a": answer, "b": metrics(100 + 100 * number)})
        kinds.append(watched.look()[signal].kind)
    assert kinds[0] is Kind.TOO_FEW, "a moment is not enough"
    assert kinds[-1] is Kind.FAIL


@pytest.mark.parametrize(
    ("signal", "answer"),
    [(CONNECTIONS, metrics(200, connections=9)), (MEMORY, metrics(200, memory=0.8 * ALLOCATED))],
)
def test_a_pod_above_a_limit_fails_at_the_third_look_in_a_row(watched: Watched, signal: str, answer: str) -> None:
    watched.reader.say({"a": answer, "b": metrics(200)})
    kinds = [watched.look()[signal].kind for _ in range(3)]
    assert kinds == [Kind.TOO_FEW, Kind.TOO_FEW, Kind.FAIL]


def test_a_silent_pod_is_unreachable_and_no_pass(watched: Watched) -> None:
    watched.reader.say({"a": metrics(200), "b": Unreachable("refused")})
    found = watched.look()
    assert found[ERRORS].kind is Kind.UNREACHABLE
    assert found[LATENCY].kind is Kind.UNREACHABLE
    assert found[MEMORY].kind is Kind.NO_DATA
    assert "1 of 2 pods gave no answer: pod b" in found[ERRORS].reason


def test_a_pod_that_is_still_starting_hides_nothing(watched: Watched) -> None:
    watched.pods += named("c", phase="Pending", ready=False)
    watched.reader.say({"a": metrics(200), "b": metrics(200)})
    found = watched.look()
    assert found[ERRORS].kind is Kind.PASS
    assert found[PODS].reason == "2 of 3 pods are ready"


def test_a_histogram_without_the_bucket_knows_nothing_of_latency() -> None:
    watched = Watched("a", slow_seconds=0.3)
    watched.reader.say({"a": metrics(100)})
    watched.look()
    watched.reader.say({"a": metrics(200)})
    found = watched.look()
    assert found[LATENCY].kind is Kind.NO_DATA
    assert "no bucket that ends at 0.3 s" in found[LATENCY].reason
    assert found[ERRORS].kind is Kind.PASS


def crashing(*names: str) -> list[Pod]:
    status = container(waiting("CrashLoopBackOff"), last=terminated(137, "OOMKilled"), restarts=4)
    return [Pod.model_validate(pod(name, status)) for name in names]


def test_two_pods_that_crash_in_a_loop_fail_and_one_of_several_does_not(watched: Watched) -> None:
    watched.reader.the_logs = {("c", True): ["out of memory"]}
    for names, kind in ((("c",), Kind.TOO_FEW), (("c", "d"), Kind.FAIL)):
        watched.pods = [*named("a", "b"), *crashing(*names)]
        found = [watched.look(40)[PODS] for _ in range(4)]
        assert found[-1].kind is kind
    assert found[-1].reason.startswith("2 of 4 pods crash in a loop; pod c ")
    assert found[-1].details == ("out of memory",)


def test_without_a_pod_nothing_is_known(watched: Watched) -> None:
    watched.pods = []
    assert {each.kind for each in watched.look().values()} == {Kind.NO_DATA}
