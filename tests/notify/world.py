"""A cluster with the record of a release, a stand-in for everybody who is told, and what tells them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.waiting import Clock
from cluster.history.entry import Entry
from cluster.history.history import Attempt, History, ReleaseRecord
from cluster.release import Release
from cluster.trust import system_trust
from concerns.contacts import ContactSettings
from concerns.notify import NotifySettings
from notify.channel import Addressee
from notify.channels import addressees
from notify.escalating import Escalating
from notify.message import Place
from notify.telling import Telling
from tests.cluster.api_server import ApiServer
from tests.fake_time import FakeTime, Told
from tests.notify.stand_in import TOKENS, StandIn, settings
from tests.recorded import NAME, NAMESPACE

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
PLACE = Place("prod", NAMESPACE, NAME)
ADDRESS = "http://127.0.0.1:9"
CONTACTS = tuple(
    ContactSettings(role=role, name=name, phone="+49 30 123456", slack=slack)
    for role, name, slack in [
        ("release manager", "Ann", "@U0ANN000"),
        ("DevOps lead", "Ben", "@ben"),
        ("on-call engineer (PagerDuty)", "Cleo", "@U0CLEO00"),
    ]
)
RULED_OUT = "after 376 requests errors at most 0.99 %"
ERRORS = "FAIL: errors 5.1 % of 302 requests, more than 0.1 % & stable < 0.1 %"


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


@dataclass
class World:
    server: ApiServer = field(default_factory=ApiServer)
    stand_in: StandIn = field(default_factory=StandIn)
    told: Told = field(default_factory=Told)
    time: FakeTime = field(default_factory=FakeTime)
    now: datetime = NOW
    changes: dict[str, Any] = field(default_factory=dict)
    address: str = ADDRESS
    over_the_network: bool = False
    end_seconds: float = 5.0

    def __post_init__(self) -> None:
        self.telling = self.new_telling()

    def new_telling(self) -> Telling:
        """Return what another process of the same stack has."""
        return Telling(
            PLACE,
            self.addressees,
            critical_hurt=self.settings.escalation.critical_hurt_requests,
            wall_clock=lambda: self.now,
            step_seconds=self.end_seconds,
            end_seconds=self.end_seconds,
        )

    @property
    def settings(self) -> NotifySettings:
        return NotifySettings.model_validate_json(json.dumps(settings(self.address, **self.changes)))

    def addressees(self) -> tuple[Addressee, ...]:
        transport = None if self.over_the_network else self.stand_in.transport
        clock = Clock() if self.over_the_network else self.time.clock
        return addressees(self.settings, CONTACTS, system_trust, clock, transport)

    def record(self, version: str = "v2", run: str = "one", telling: Telling | None = None) -> ReleaseRecord:
        return ReleaseRecord(
            self.server.cluster(),
            NAME,
            release(version),
            self.told.reporter,
            "ana",
            run=run,
            wall_clock=self.clock,
            listeners=((telling or self.telling).hear,),
        )

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def flush(self, telling: Telling | None = None) -> list[str]:
        """Wait for everybody to be told, and return what was reported."""
        (telling or self.telling).flush(self.told.reporter)
        return [line for line in self.told.lines if line.startswith("telling: ")]

    def attempts(self) -> list[Attempt]:
        return History(self.server.cluster(), NAME).read()

    def entries(self, kind: str) -> list[Entry]:
        return [entry for entry in self.attempts()[0].entries if entry.kind == kind]

    def escalating(self, record: ReleaseRecord) -> Escalating:
        escalation = self.settings.escalation
        return Escalating(
            PLACE,
            record,
            self.addressees(),
            self.told.reporter,
            escalation.critical_hurt_requests,
            timedelta(minutes=escalation.acknowledge_minutes),
            wall_clock=lambda: self.now,
        )

    def keeps_its_secrets(self) -> None:
        """Assert that no token stands in what a person or the cluster was told."""
        said = json.dumps([self.told.lines, self.told.live, self.server.config_maps, list(self.stand_in.texts())])
        assert [token for token in TOKENS if token in said] == []


def begin(record: ReleaseRecord) -> None:
    record.begin(**{"from": "v1", "strategy": "canary", "steps": [10, 50, 100]})


def passes(record: ReleaseRecord, step: str = "10 %") -> None:
    record.append("gate", step=step, verdict="PASS", reason=RULED_OUT, seconds=21.3, hurt=0)


def fails(record: ReleaseRecord, *, hurt: int = 15, outcome: str = "PASS: v1 serves again after 3.2 s") -> None:
    """Add what a canary's gate adds that takes its release back."""
    record.append("gate", step="50 %", verdict="FAIL", reason=ERRORS[6:], seconds=4.2, hurt=hurt)
    record.append("rollback", cause=ERRORS, outcome=outcome, seconds=3.2)
    record.finish("failed", f"step 50 %: {ERRORS}")


def kinds(entries: Sequence[Entry]) -> list[str]:
    return [entry.kind for entry in entries]
