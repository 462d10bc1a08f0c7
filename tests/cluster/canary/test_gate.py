"""The gate of a canary's step: what goes on, what is held, what is taken back, and what a person reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from checks.health import HealthCheck
from checks.verdict import Kind, Verdict
from cluster.canary.gate import CanaryGate
from cluster.errors import GateFailed
from cluster.history.history import History, ReleaseRecord
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.rollback.outcome import Outcome
from cluster.rollback.rollback import Rollback
from cluster.verification.steps import StepEnd
from tests.cluster.canary_world import GOOD, NAMES, NEW, OLD, Behaviour, CanaryWorld, Measured, step, template
from tests.fake_time import Told

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BACK = Outcome(Kind.PASS, "old serves everything again after 4.2 s", moved=True)


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


def verified(version: str) -> VerifiedRelease:
    return VerifiedRelease(release=release(version), verified_at=NOW, template=template(version), records={})


@dataclass(frozen=True)
class Going(Rollback):
    """A rollback that only notes what it was asked for; going back itself is tested where it is."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    ends: Outcome = BACK

    def run(self, left: Release | None, to: VerifiedRelease | None, *, cause: str = "") -> Outcome:
        assert left is not None
        assert to is not None
        self.asked.append((left.version, to.release.version, cause))
        return self.ends


@dataclass
class Gated:
    world: CanaryWorld = field(default_factory=CanaryWorld)
    told: Told = field(default_factory=Told)
    watches: dict[str, Verdict] = field(default_factory=lambda: {"alerts": GOOD})
    automatic: bool = True
    when_unknown: str = "rollback"
    outcome: Outcome = BACK
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    known: int = 0
    fixed: int | None = None
    configuration: str = "c0ffee"
    reported: list[tuple[str, Kind, str, str]] = field(default_factory=list)

    def run(self, percent: int = 10, version: str = NEW) -> None:
        clock = self.world.time.clock
        client = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(500)))
        health = HealthCheck(
            "http://api.internal/health", attempts=1, interval_seconds=1, timeout_seconds=1, client=client, clock=clock
        )
        rollback = Going(
            cluster=self.world,
            names=NAMES,
            records=(),
            health=health,
            timeout_seconds=60,
            reporter=self.told.reporter,
            clock=clock,
            asked=self.asked,
            ends=self.outcome,
            replicas=self.fixed,
        )
        wanted = release(version).model_copy(update={"configuration": self.configuration})
        history = ReleaseRecord(
            self.world, NAMES.deployment, wanted, self.told.reporter, by="ann", run="one", wall_clock=lambda: NOW
        )
        CanaryGate(
            step=step(percent, fixed=self.fixed),
            instruments=Measured(self.world, watches=self.watches).instruments,
            rollback=rollback,
            history=history,
            automatic=self.automatic,
            rollback_when_unknown=self.when_unknown == "rollback",
            report=self.report,
            wall_clock=lambda: NOW,
        ).run(wanted)

    def report(self, wanted: Release, ended: StepEnd, outcome: str, text: str) -> None:
        assert (wanted.configuration, ended.began) == (self.configuration, NOW)
        # The rollback comes first: no report keeps a bad release in front of the users.
        assert self.asked or outcome == "held"
        self.reported.append((ended.name, ended.verdict.kind, outcome, text))

    def fails(self, percent: int = 10) -> str:
        with pytest.raises(GateFailed) as caught:
            self.run(percent)
        return str(caught.value)

    def remember(self, *versions: str) -> None:
        for number, version in enumerate(versions):
            later = verified(version).model_copy(update={"verified_at": NOW + timedelta(hours=self.known + number)})
            VerifiedReleases(self.world, NAMES.deployment).add(later)
        self.known += len(versions)

    def history(self) -> list[str]:
        [attempt] = History(self.world, NAMES.deployment).read()
        return [each.kind for each in attempt.entries]


@pytest.fixture
def gated() -> Gated:
    found = Gated()
    found.remember(OLD)
    return found


def bad(gated: Gated, **wrong: float) -> Gated:
    gated.world.behaviours[NEW] = Behaviour(**wrong)  # type: ignore[arg-type]
    return gated


def test_a_release_that_ends_in_a_step_is_reported_with_what_the_person_reads(gated: Gated) -> None:
    text = bad(gated, errors=1.0).fails()
    assert gated.reported == [("step 10 %", Kind.FAIL, "failed", text)]


def test_a_held_release_is_reported_as_held(gated: Gated) -> None:
    gated.automatic = False
    text = bad(gated, errors=1.0).fails()
    assert gated.reported == [("step 10 %", Kind.FAIL, "held", text)]


def test_a_good_step_is_no_report(gated: Gated) -> None:
    gated.run()
    assert gated.reported == []


def test_a_good_step_lets_the_release_go_on_and_leaves_one_line_and_its_numbers(gated: Gated) -> None:
    gated.run()
    assert gated.asked == []
    [line] = gated.told.lines
    assert line.startswith("step 10 %: PASS: after ")
    [attempt] = History(gated.world, NAMES.deployment).read()
    gate = attempt.entries[-1]
    assert (gate.kind, gate.facts["verdict"], gate.facts["step"]) == ("gate", "PASS", "10 %")
    assert gate.facts["numbers"]["canary_requests"] > 300
    assert gate.facts["samples"]
    assert "limit 0.1 %" in gate.facts["query"]


def test_a_bad_canary_is_taken_back_to_what_serves_and_the_message_says_all_of_it(gated: Gated) -> None:
    text = bad(gated, errors=1.0).fails()
    [(left, to, cause)] = gated.asked
    assert (left, to) == (NEW, OLD)
    assert cause.startswith("step 10 %: FAIL: ")
    assert text.startswith("release new was taken back in production at step 10 %: FAIL: ")
    assert "ended with an error" in text
    assert "; at least 20 requests were hurt. old serves everything again after 4.2 s; mend the release and run" in text
    assert gated.history() == ["started", "gate", "rollback", "finished"]


def test_a_release_that_differs_in_its_configuration_alone_is_told_apart_from_what_serves(gated: Gated) -> None:
    gated.configuration = "decaf"
    with pytest.raises(GateFailed, match=r"^release old with configuration decaf was taken back in production at"):
        bad(gated, errors=1.0).run(version=OLD)


def test_what_is_not_known_is_taken_back_too_where_the_stack_says_so(gated: Gated) -> None:
    gated.world.rate = 0
    text = gated.fails()
    assert "was taken back in production at step 10 %: NO_DATA: " in text
    assert "; whether the release is good is not known: see to what was missing and run the same command" in text
    assert len(gated.asked) == 1


def test_what_is_not_known_is_held_where_the_stack_says_so(gated: Gated) -> None:
    gated.world.rate, gated.when_unknown = 0, "hold"
    text = gated.fails()
    assert gated.asked == []
    assert "release new is held in production at step 10 %: NO_DATA: " in text
    assert "no request is known to be hurt. It was not promoted, and nothing was changed back" in text
    assert gated.history()[-1] == "finished"


def test_without_automatic_rollback_a_bad_canary_is_held(gated: Gated) -> None:
    gated.automatic = False
    assert "is held in production" in bad(gated, errors=1.0).fails()
    assert gated.asked == []


def test_a_rollback_that_does_not_end_well_says_so_and_what_to_look_at(gated: Gated) -> None:
    gated.outcome = Outcome(Kind.UNREACHABLE, "THE ROLLBACK FAILED TOO: the cluster is gone", moved=False)
    text = bad(gated, errors=1.0).fails()
    assert text.startswith("release new failed in production at step 10 %")
    assert "THE ROLLBACK FAILED TOO: the cluster is gone. Look at the pods: kubectl -n production" in text


def test_the_first_release_ever_has_nobody_to_stand_beside() -> None:
    first = Gated()
    first.run(10)
    first.run(50)
    assert first.world.scaled == [], "and nothing is scaled"
    assert all("is the first release here" in line for line in first.told.lines)


def test_a_release_that_serves_and_is_verified_is_not_measured_again(gated: Gated) -> None:
    gated.run(version=OLD)
    assert gated.told.lines == ["step 10 %: old serves already, and is verified"]
    assert gated.world.scaled == []


def test_after_a_rollback_by_hand_the_way_back_is_to_what_serves(gated: Gated) -> None:
    gated.remember("left-by-hand")
    bad(gated, errors=1.0).fails()
    [(_, to, _)] = gated.asked
    assert to == OLD
    found = VerifiedReleases(gated.world, NAMES.deployment).read()
    assert [(each.release.version, each.left) for each in found] == [(OLD, False), ("left-by-hand", True)]


def test_the_last_step_lets_the_canary_go_once_stable_is_whole(gated: Gated) -> None:
    gated.world.scale(NAMES.canary, 9)
    gated.world.update_stable()
    gated.run(100)
    assert gated.world.scaled[-1] == (NAMES.canary, 0)


def test_a_cluster_that_is_silent_before_anything_is_measured_changes_nothing(gated: Gated) -> None:
    gated.world.unreachable = True
    text = gated.fails()
    assert "cannot begin step 10 % in production: the cluster gives no answer. Nothing was changed" in text
    assert gated.asked == []


def test_the_record_can_be_read_as_json(gated: Gated) -> None:
    gated.run()
    record = next(each for name, each in gated.world.maps.items() if "-release-" in name)
    assert all(isinstance(json.loads(text), dict) for text in record["data"].values())


def test_with_a_fixed_total_stable_makes_room_for_the_canary_and_is_whole_before_the_canary_goes(gated: Gated) -> None:
    world, gated.fixed = gated.world, 10
    world.scale(NAMES.deployment, 10)
    world.time.seconds += 60
    gated.run(50)
    assert (world.replicas[NAMES.canary], world.replicas[NAMES.deployment]) == (5, 5)
    world.update_stable()
    gated.run(100)
    assert world.scaled[-2:] == [(NAMES.deployment, 10), (NAMES.canary, 0)]
    assert sum(pod.ready for pod in world.pods("")) == 10
