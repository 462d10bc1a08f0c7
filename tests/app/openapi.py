"""The API's own description: `python -m tests.app.openapi` writes sandbox/app/openapi.json anew."""

import json
import sys
from pathlib import Path
from typing import Any

APP = Path(__file__).resolve().parents[2] / "sandbox" / "app"
FILE = APP / "openapi.json"
sys.path.insert(0, str(APP))

from release_manager.app import create_app  # noqa: E402

from tests.app.app_fakes import FakeBroker, FakeStore  # noqa: E402
from tests.app.running_app import services_on  # noqa: E402


def described() -> dict[str, Any]:
    """Return the OpenAPI document of the application, without the version of a release."""
    document = create_app(services_on(FakeStore(), FakeBroker())).openapi()
    return {**document, "info": {**document["info"], "version": "of the commit"}}


if __name__ == "__main__":
    FILE.write_text(f"{json.dumps(described(), indent=2, ensure_ascii=False)}\n", encoding="utf-8")
