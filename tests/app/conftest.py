"""The application under test on SQLite in memory; its package is found in the image's build context."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sandbox" / "app"))

from tests.app.running_app import Running, Start, running_app


@pytest.fixture
def start() -> Start:
    return running_app


@pytest.fixture
async def app() -> AsyncGenerator[Running]:
    async with running_app() as running:
        yield running
