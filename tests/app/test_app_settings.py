"""Settings come from the environment alone; what is wrong there is named in one line that shows no secret."""

import pytest
from release_manager.faults import Faults, read_faults, read_migration_fault
from release_manager.settings import SettingsError, read_settings

GOOD = {
    "DATABASE_URL": "postgresql://rm:hidden@db:5432/rm",
    "REDIS_URL": "redis://:hidden@cache:6379/0",
    "RABBITMQ_URL": "amqp://rm:hidden@queue:5672/%2F",
}


def test_defaults_are_the_documented_ones() -> None:
    settings = read_settings(GOOD)
    assert (settings.port, settings.log_level, settings.database_pool_size, settings.drain_seconds) == (
        8080,
        "INFO",
        10,
        2.0,
    )
    assert settings.version == "unversioned"


def test_the_database_is_reached_by_psycopg_3() -> None:
    for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        settings = read_settings(GOOD | {"DATABASE_URL": f"{scheme}://rm@db/rm"})
        assert settings.database_url == "postgresql+psycopg://rm@db/rm"


def test_release_version_goes_before_the_version_in_the_image() -> None:
    image = GOOD | {"RELEASE_MANAGER_IMAGE_VERSION": "prod-1111111"}
    assert read_settings(image).version == "prod-1111111"
    assert read_settings(image | {"RELEASE_VERSION": "prod-2222222"}).version == "prod-2222222"
    assert read_settings(image | {"RELEASE_VERSION": ""}).version == "prod-1111111"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "http", "1 to 65535"),
        ("PORT", "0", "1 to 65535"),
        ("DATABASE_POOL_SIZE", "1.5", "a whole number from 1 to 500"),
        ("DRAIN_SECONDS", "-1", "0 to 300"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO, WARN, ERROR"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(GOOD | {name: value})
    message = str(raised.value)
    assert message.startswith(f"{name} is '{value}'; allowed is")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("value", ["", "hidden", "ftp://u:hidden@host/x", "%s://u:hidden@host:port/x", "%s://"])
def test_a_wrong_url_is_named_and_never_shown(name: str, value: str) -> None:
    scheme = GOOD[name].split("://", 1)[0]
    with pytest.raises(SettingsError, match=f"^{name} .*allowed is {scheme}://") as raised:
        read_settings(GOOD | {name: value.replace("%s", scheme)})
    assert "hidden" not in str(raised.value)


def test_no_fault_is_on_unless_it_is_asked_for() -> None:
    assert read_faults({}) == Faults()
    assert read_faults({"FAULT_CRASH_AFTER_SECONDS": ""}).crash_after_seconds is None
    assert read_migration_fault({}) == ""


def test_a_crash_after_0_seconds_is_a_crash() -> None:
    assert read_faults({"FAULT_CRASH_AFTER_SECONDS": "0"}).crash_after_seconds == 0.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAULT_ERROR_RATE", "1.01"),
        ("FAULT_ERROR_RATE", "nan"),
        ("FAULT_LATENCY_RATE", "-0.1"),
        ("FAULT_LATENCY_SECONDS", "inf"),
        ("FAULT_CRASH_AFTER_SECONDS", "-1"),
        ("FAULT_MEMORY_BYTES_PER_SECOND", "lots"),
        ("FAULT_DEPENDENCY", "db"),
    ],
)
def test_a_wrong_fault_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is '{value}'; allowed is"):
        read_faults({name: value})
