"""Settings of the process, read from its environment and from nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOG_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
POSTGRESQL_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
REDIS_SCHEMES = ("redis", "rediss")
RABBITMQ_SCHEMES = ("amqp", "amqps")
UNVERSIONED = "unversioned"


class SettingsError(ValueError):
    """An environment variable is missing or has a value that is not allowed; the text is one line for the user."""


@dataclass(frozen=True)
class Settings:
    """What the API server is told by its environment. Times are in seconds."""

    database_url: str
    redis_url: str
    rabbitmq_url: str
    version: str
    port: int
    log_level: str
    database_pool_size: int
    drain_seconds: float


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read every setting of the API server.

    Raises SettingsError for the first variable that is missing or wrong.
    """
    return Settings(
        database_url=read_database_url(environment),
        redis_url=read_url(environment, "REDIS_URL", REDIS_SCHEMES),
        rabbitmq_url=read_url(environment, "RABBITMQ_URL", RABBITMQ_SCHEMES),
        version=read_version(environment),
        port=int(read_number(environment, "PORT", default=8080, lowest=1, highest=65535, whole=True)),
        log_level=read_choice(environment, "LOG_LEVEL", LOG_LEVELS, default="INFO"),
        database_pool_size=int(
            read_number(environment, "DATABASE_POOL_SIZE", default=10, lowest=1, highest=500, whole=True)
        ),
        drain_seconds=read_number(environment, "DRAIN_SECONDS", default=2.0, lowest=0.0, highest=300.0),
    )


def read_version(environment: Mapping[str, str]) -> str:
    """Return RELEASE_VERSION, else the version that was baked into the image."""
    told = environment.get("RELEASE_VERSION", "").strip()
    return told or environment.get("RELEASE_MANAGER_IMAGE_VERSION", "").strip() or UNVERSIONED


def read_database_url(environment: Mapping[str, str]) -> str:
    """Return DATABASE_URL in SQLAlchemy's spelling, with the psycopg 3 driver named."""
    url = read_url(environment, "DATABASE_URL", POSTGRESQL_SCHEMES)
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def read_url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    """Return the URL in the variable `name`; the error shows no part of a wrong one but its scheme."""
    value = environment.get(name, "").strip()
    allowed = f"allowed is {schemes[0]}://[user[:password]@]host[:port]/name"
    if not value:
        raise SettingsError(f"{name} is not set; {allowed}")
    scheme, separator, _ = value.partition("://")
    if not separator or scheme not in schemes:
        shown = f"has the scheme {scheme!r}" if separator else "has no scheme (value not shown)"
        raise SettingsError(f"{name} {shown}; {allowed}")
    try:
        parts = urlsplit(value)
        reachable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        reachable = False
    if not reachable:
        raise SettingsError(f"{name} has no valid host and port (value not shown); {allowed}")
    return value


def read_choice(environment: Mapping[str, str], name: str, allowed: tuple[str, ...], *, default: str) -> str:
    """Return the variable's value in the spelling of `allowed`, or the default when it is unset or empty."""
    value = environment.get(name, "").strip()
    if not value:
        return default
    for choice in allowed:
        if choice.lower() == value.lower():
            return choice
    raise SettingsError(f"{name} is {value!r}; allowed is one of {', '.join(allowed)}")


def read_number(
    environment: Mapping[str, str],
    name: str,
    *,
    default: float,
    lowest: float,
    highest: float,
    whole: bool = False,
) -> float:
    """Return the variable's value as a number within the two bounds, or the default when it is unset or empty."""
    value = environment.get(name, "").strip()
    if not value:
        return default
    kind = "a whole number" if whole else "a number"
    complaint = f"{name} is {value!r}; allowed is {kind} from {lowest:.15g} to {highest:.15g}"
    try:
        number = float(int(value)) if whole else float(value)
    except (ValueError, OverflowError):
        raise SettingsError(complaint) from None
    if not lowest <= number <= highest:
        raise SettingsError(complaint)
    return number
