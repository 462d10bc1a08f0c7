"""Which images there are."""

from __future__ import annotations

from sandbox.images.machine import MachineSettings
from sandbox.images.recipe import DOCUMENTATION, LICENCES, NOBODY_ID, Archive, Recipe

USER_ID = 999

BASE = Archive(
    name="base",
    variant="minbase",
    packages=("ca-certificates", "python3", "python3-venv", "python-is-python3"),
)

PLUGINS = "/usr/lib/rabbitmq/lib/*/plugins"
SERVICES = Archive(
    name="services",
    variant="extract",
    packages=(
        "base-files",
        "coreutils",
        "dash",
        "grep",
        "hostname",
        "libc-bin",
        "sed",
        "postgresql-15",
        "prometheus",
        "prometheus-alertmanager",
        "python3",
        "rabbitmq-server",
        "redis-server",
    ),
    exclude=(
        *DOCUMENTATION,
        "/etc/init.d/*",
        "/etc/systemd/*",
        "/lib/systemd/*",
        "/usr/bin/amtool",
        "/usr/bin/perl*",
        "/usr/bin/promtool",
        "/usr/lib/*/gconv/*",
        "/usr/lib/*/libLLVM*",
        "/usr/lib/*/libperl*",
        "/usr/lib/*/libz3*",
        "/usr/lib/*/perl*",
        "/usr/lib/llvm-*",
        "/usr/lib/locale/*",
        "/usr/lib/postgresql/15/lib/bitcode/*",
        "/usr/lib/postgresql/15/lib/llvmjit.so",
        "/usr/lib/systemd/*",
        "/usr/share/fonts/*",
        "/usr/share/i18n/*",
        "/usr/share/javascript/*",
        "/usr/share/nodejs/*",
        "/usr/share/perl*",
        f"{PLUGINS}/eetcd*",
        f"{PLUGINS}/rabbitmq_*",
    ),
    include=(LICENCES, "/usr/lib/locale/C.utf8/*", f"{PLUGINS}/rabbitmq_prelaunch*"),
)

PASSWD = f"""\
root:x:0:0:root:/root:/bin/sh
service:x:{USER_ID}:{USER_ID}:backing services:/tmp:/bin/sh
nobody:x:{NOBODY_ID}:{NOBODY_ID}:nobody:/nonexistent:/bin/false
"""
GROUP = f"""\
root:x:0:
service:x:{USER_ID}:
nogroup:x:{NOBODY_ID}:
"""
SERVICES_PATH = "/usr/lib/postgresql/15/bin:/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base(machine: MachineSettings) -> Recipe:
    """Return the base image of applications: Python, and this machine's way to the package registries."""
    return Recipe(
        archive=BASE,
        files=machine.files(),
        lines=("ENV LANG=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1", *machine.lines(), 'CMD ["python3"]'),
    )


def services() -> Recipe:
    """Return the one image of PostgreSQL, Redis, RabbitMQ, Prometheus and Alertmanager; it runs as any user."""
    return Recipe(
        archive=SERVICES,
        files={"/etc/passwd": PASSWD.encode(), "/etc/group": GROUP.encode()},
        lines=(f"ENV PATH={SERVICES_PATH} LANG=C.UTF-8", f"USER {USER_ID}:{USER_ID}", "WORKDIR /tmp"),
    )
