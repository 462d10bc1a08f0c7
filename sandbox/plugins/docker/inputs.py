"""What a program says about an Image, read and completed the way the official provider does it."""

from __future__ import annotations

import platform
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.plugins.docker.context import BuildContext
from sandbox.plugins.docker.errors import ImageError
from sandbox.plugins.docker.reference import registry_address
from sandbox.plugins.protocol.properties import (
    Secret,
    Unknown,
    contains_unknown,
    without_secrets,
    without_unknowns,
)

DEFAULT_CONTEXT = "."
DEFAULT_DOCKERFILE = "Dockerfile"
BUILDERS = ("BuilderV1", "BuilderBuildKit")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


def host_platform() -> str:
    """Return the platform of this machine as Docker writes it, for example `linux/amd64`."""
    machine = platform.machine()
    return f"linux/{MACHINES.get(machine, machine)}"


@dataclass(frozen=True)
class Registry:
    """Where to push and as whom; empty where the program does not say."""

    server: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class ImageInputs:
    """One Image. `platform`, `target` and `builder` are empty where the program does not say."""

    name: str
    build: BuildContext
    args: Mapping[str, str] = field(default_factory=dict, repr=False)
    target: str = ""
    platform: str = ""
    builder: str = ""
    cache_from: tuple[str, ...] = ()
    registry: Registry = field(default_factory=Registry)
    skip_push: bool = False
    build_on_preview: bool = False

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> ImageInputs:
        """Read the properties; what is not known yet counts as not given. Raises ImageError for a wrong type."""
        known = without_unknowns(without_secrets(dict(properties)))
        build = _object(known, "build")
        registry = _object(known, "registry", "registry")
        context = _text(build, "context", "build.context") or DEFAULT_CONTEXT
        dockerfile = _text(build, "dockerfile", "build.dockerfile") or posixpath.join(
            posixpath.normpath(context), DEFAULT_DOCKERFILE
        )
        builder = _text(build, "builderVersion", "build.builderVersion")
        if builder and builder not in BUILDERS:
            raise ImageError(f"build.builderVersion is {builder!r}; allowed are {' and '.join(BUILDERS)}")
        return cls(
            name=_text(known, "imageName", "imageName"),
            build=BuildContext(context, dockerfile),
            args={key: _argument(key, value) for key, value in _object(build, "args", "build.args").items()},
            target=_text(build, "target", "build.target"),
            platform=_text(build, "platform", "build.platform"),
            builder=builder,
            cache_from=_cache_images(build),
            registry=Registry(
                server=_text(registry, "server", "registry.server"),
                username=_text(registry, "username", "registry.username"),
                password=_text(registry, "password", "registry.password"),
            ),
            skip_push=_flag(known, "skipPush"),
            build_on_preview=_flag(known, "buildOnPreview"),
        )

    @property
    def needs_registry(self) -> bool:
        """Whether a registry has to be talked to."""
        return bool(self.cache_from) or not self.skip_push

    def registry_address(self) -> str:
        """Return the registry that is pushed to; raise ImageError if the name does not say."""
        return registry_address(self.registry.server, self.name)


def completed(properties: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the inputs with defaults and the context's digest, and whether the platform had to be guessed.

    Raises ImageError for what can be known to be wrong before anything is built.
    """
    inputs = without_nulls(properties)
    parsed = ImageInputs.parse(inputs)
    inputs["buildOnPreview"] = parsed.build_on_preview
    given = inputs.get("build")
    if isinstance(given, Unknown):
        return inputs, False
    secret = isinstance(given, Secret)
    build: dict[str, Any] = dict(given.value if isinstance(given, Secret) else given or {})
    if not contains_unknown(build.get("dockerfile")):
        build["dockerfile"] = parsed.build.dockerfile
    if not contains_unknown(build.get("context")):
        build["context"] = parsed.build.directory
    if not contains_unknown([build.get("dockerfile"), build.get("context")]):
        parsed.build.check()
        build["contextDigest"] = parsed.build.digest()
    guessed = build.get("platform") is None
    if guessed:
        build["platform"] = host_platform()
    inputs["build"] = Secret(build) if secret else build
    if not contains_unknown([inputs.get("imageName"), inputs.get("registry")]):
        if not parsed.name:
            raise ImageError("imageName is missing; set it to [registry/]repository[:tag]")
        if parsed.needs_registry:
            parsed.registry_address()
    return inputs, guessed


def minimum_known(properties: Mapping[str, Any]) -> bool:
    """Tell whether enough is known to build at preview."""
    inputs = without_secrets(dict(properties))
    build = inputs.get("build")
    if not isinstance(build, Mapping):
        return False
    needed = [build.get(key) for key in ("dockerfile", "context", "args")]
    return not contains_unknown([inputs.get("imageName"), *needed])


def secret_texts(value: object, *, within: bool = False) -> Iterator[str]:
    """Yield every text that is marked secret, and the registry's password whether it is marked or not."""
    if isinstance(value, Secret):
        yield from secret_texts(value.value, within=True)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from secret_texts(child, within=within or key == "password")
    elif isinstance(value, list):
        for child in value:
            yield from secret_texts(child, within=within)
    elif within and isinstance(value, str) and value:
        yield value


def without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties without the ones that are null, at every depth."""
    return {key: _pruned(child) for key, child in value.items() if child is not None}


def _pruned(value: Any) -> Any:  # noqa: ANN401 - JSON values have no closer type
    if isinstance(value, Secret):
        return Secret(_pruned(value.value))
    if isinstance(value, Mapping):
        return without_nulls(value)
    if isinstance(value, list):
        return [_pruned(child) for child in value]
    return value


def _object(properties: Mapping[str, Any], key: str, name: str = "") -> dict[str, Any]:
    value = properties.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ImageError(f"{name or key} must be an object, not {type(value).__name__}")
    return dict(value)


def _text(properties: Mapping[str, Any], key: str, name: str) -> str:
    value = properties.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ImageError(f"{name} must be a text, not {type(value).__name__}")
    return value


def _argument(key: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ImageError(f"build.args.{key} must be a text, not {type(value).__name__}")
    return value


def _flag(properties: Mapping[str, Any], key: str) -> bool:
    value = properties.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ImageError(f"{key} must be true or false, not {type(value).__name__}")
    return value


def _cache_images(build: Mapping[str, Any]) -> tuple[str, ...]:
    if build.get("cacheFrom") is None:
        return ()
    cache = _object(build, "cacheFrom", "build.cacheFrom")
    images = cache.get("images", [])
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise ImageError("build.cacheFrom.images must be a list of image names")
    return tuple(images)
