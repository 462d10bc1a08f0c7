"""Passwords of an environment's backing services: made once, kept closed, never printed."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.services.model import Document
from sandbox.services.pods import SECRET, secret

NAME = "release-manager-credentials"
USER = "release_manager"
DATABASE = "release_manager"
PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Credentials:
    """The passwords; none of them shows in a representation."""

    postgresql: str = field(repr=False)
    redis: str = field(repr=False)
    rabbitmq: str = field(repr=False)

    @classmethod
    def random(cls) -> Credentials:
        """Make new passwords that need no quoting in an address."""
        return cls(*(secrets.token_urlsafe(PASSWORD_BYTES) for _ in range(3)))

    @classmethod
    def kept(cls, file: Path) -> Credentials:
        """Read the passwords in `file`, or make them and keep them there. Raises SandboxError."""
        if not file.exists():
            made = cls.random()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.parent.chmod(0o700)
            partial = file.with_suffix(".new")
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                json.dump(asdict(made), stream)
            partial.rename(file)
            return made
        try:
            return cls(**json.loads(file.read_text(encoding="ascii")))
        except (ValueError, TypeError):
            # What was read is not named as the cause: it would show in a traceback.
            problem = SandboxError(
                f"{file} does not hold the passwords of the backing services",
                mend=f"restore it; or, giving up the environment's data, remove {file} and the database's directory",
            )
            raise problem from None

    def objects(self, namespace: str) -> list[Document]:
        """Return the Secret that the application reads and the one that the services read."""
        urls = {
            "DATABASE_URL": f"postgresql://{USER}:{self.postgresql}@postgresql:5432/{DATABASE}",
            "REDIS_URL": f"redis://:{self.redis}@redis:6379/0",
            "RABBITMQ_URL": f"amqp://{USER}:{self.rabbitmq}@rabbitmq:5672/%2F",
        }
        files = {
            "postgresql-password": f"{self.postgresql}\n",
            "redis.conf": f"requirepass {self.redis}\n",
            "rabbitmq.conf": f"default_user = {USER}\ndefault_pass = {self.rabbitmq}\n",
        }
        return [secret(NAME, namespace, urls), secret(SECRET, namespace, files)]
