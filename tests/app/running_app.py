"""The application on SQLite in memory, with fakes in the place of Redis and RabbitMQ."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from httpx import ASGITransport, AsyncClient
from release_manager.api import ROUTES
from release_manager.app import Services, create_app
from release_manager.cache import Cache
from release_manager.database import Database
from release_manager.faults import Faults
from release_manager.lifecycle import Lifecycle
from release_manager.message_queue import Publisher
from release_manager.metrics import Metrics
from release_manager.models import Base
from sqlalchemy import StaticPool, create_engine

from tests.app.app_fakes import FakeBroker, FakeStore

APP_DIRECTORY = Path(__file__).resolve().parents[2] / "sandbox" / "app"
VERSION = "dev-abc1234"


@dataclass(frozen=True)
class Running:
    """A running application, and what a test may turn on it."""

    client: AsyncClient
    store: FakeStore
    broker: FakeBroker
    lifecycle: Lifecycle
    database: Database

    async def metric(self, sample: str) -> float:
        """Return the value of one sample of /metrics, named with its labels."""
        text = (await self.client.get("/metrics")).text
        found = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
        assert len(found) == 1, f"{sample} is there {len(found)} times"
        return float(found[0].rsplit(" ", 1)[1])

    async def create(self, version: str) -> int:
        """Create a release and return its id."""
        answer = await self.client.post("/releases", json={"version": version})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


Start = Callable[..., AbstractAsyncContextManager[Running]]


def sqlite_database(*, with_tables: bool = True) -> Database:
    """Return a database in memory. Without tables, every query fails as one that is out of reach does."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    if with_tables:
        Base.metadata.create_all(engine)
    return Database(engine, engine, pool_size=10)


def services_on(
    store: FakeStore, broker: FakeBroker, *, faults: Faults | None = None, database: Database | None = None
) -> Services:
    """Return the application's services; what is not passed is healthy and has no faults."""
    metrics = Metrics(version=VERSION, routes=ROUTES)
    return Services(
        version=VERSION,
        database=database or sqlite_database(),
        cache=Cache(store, count_failure=metrics.count_failure_of("cache")),
        publisher=Publisher(broker, count_failure=metrics.count_failure_of("message_queue"), retry_seconds=0.01),
        metrics=metrics,
        faults=faults or Faults(),
        lifecycle=Lifecycle(),
    )


@asynccontextmanager
async def running_app(*, faults: Faults | None = None, database: Database | None = None) -> AsyncGenerator[Running]:
    """Run the application within the event loop of the test; no port is opened."""
    store, broker = FakeStore(), FakeBroker()
    services = services_on(store, broker, faults=faults, database=database)
    app = create_app(services)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://app") as client,
    ):
        yield Running(client, store, broker, services.lifecycle, services.database)
