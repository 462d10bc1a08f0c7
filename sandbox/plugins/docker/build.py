"""Build an image and push it, step by step, and say what went wrong in one line."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from sandbox.plugins.docker.engine import BuildOptions, Credentials, Engine, Message
from sandbox.plugins.docker.errors import ImageError
from sandbox.plugins.docker.inputs import ImageInputs
from sandbox.plugins.docker.reference import Reference, parse
from sandbox.plugins.docker.report import Report

LINES_IN_AN_ERROR = 12
DEFAULT_TAG = "latest"
EXIT_CODE = re.compile(r"returned a non-zero code: (\d+)$")
# What the engine says about its own containers and layers tells nothing about the build.
NOISE = (" ---> ", "Removing intermediate container ")
KIT_NOTE = (
    "build.builderVersion is BuilderBuildKit, but this stand-in always builds with the classic builder; "
    "what only BuildKit can do (RUN --mount, COPY --link, ...) fails"
)


@dataclass(frozen=True)
class Built:
    """The outcome: `image_id` is the local id; `repo_digest` is `repository@sha256:...` once pushed, else None."""

    image_id: str
    repo_digest: str | None


@dataclass
class Progress:
    """Where a running build stands: its last step and the last lines it printed."""

    step: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_IN_AN_ERROR))

    def take(self, line: str) -> None:
        """Note one line of output."""
        if line.startswith("Step ") and " : " in line:
            self.step = line
            self.lines.clear()
        else:
            self.lines.append(line)


def build_image(image: ImageInputs, engine: Engine, report: Report, *, push: bool) -> Built:
    """Build `image`, and push it if `push`. Raises ImageError."""
    reference = parse(image.name)
    image.build.check()
    login = credentials(image, report) if image.cache_from or push else None
    if image.builder == "BuilderBuildKit":
        report.warning(KIT_NOTE)
    for cached in image.cache_from:
        _pull(cached, image.platform, login, engine, report)
    image_id = _build(image, login, engine, report)
    if not push:
        return Built(image_id, None)
    return Built(image_id, _push(reference, login, engine, report))


def credentials(image: ImageInputs, report: Report) -> Credentials | None:
    """Return the login of the program, or None for what the machine's own Docker configuration has."""
    address = image.registry_address()
    username, password = image.registry.username, image.registry.password
    if username and password:
        return Credentials(address, username, password)
    if username or password:
        missing = "password" if username else "username"
        report.warning(f"registry.{missing} is not set, so the login of this machine's Docker configuration is used")
    return None


def _build(image: ImageInputs, login: Credentials | None, engine: Engine, report: Report) -> str:
    report.status("Building the image")
    archive, dockerfile = image.build.archive()
    options = BuildOptions(
        tag=image.name,
        dockerfile=dockerfile,
        args=image.args,
        target=image.target,
        platform=image.platform,
        cache_from=image.cache_from,
    )
    progress = Progress()
    image_id = ""
    with closing(archive):
        for message in _started(engine.build(archive, options, login), image):
            if error := _error(message):
                raise ImageError(_failed_step(image, progress, report.masked(error), report))
            image_id = _auxiliary(message, "ID") or image_id
            for line in _lines(message):
                progress.take(line)
                report.status(line)
    return image_id or str(engine.inspect(image.name)["Id"])


def _started(messages: Iterator[Message], image: ImageInputs) -> Iterator[Message]:
    """Yield the messages; say which image the engine refused."""
    try:
        yield from messages
    except ImageError as error:
        raise ImageError(f"building {image.name} from {image.build.dockerfile} failed: {error}") from error


def _pull(image: str, platform: str, login: Credentials | None, engine: Engine, report: Report) -> None:
    report.status(f"Pulling {image} as a build cache")
    try:
        _follow(engine.pull(image, platform, login), report, f"pulling {image}")
    except ImageError as error:
        # A missing cache only makes the build slower.
        report.warning(f"{error}; building without this cache")


def _push(reference: Reference, login: Credentials | None, engine: Engine, report: Report) -> str:
    tag = reference.tag or DEFAULT_TAG
    name = f"{reference.repository}:{tag}"
    report.status(f"Pushing {name}")
    messages = engine.push(reference.repository, tag, login)
    digest = _follow(messages, report, f"pushing {name}")
    if digest:
        return f"{reference.repository}@{digest}"
    found = [str(item) for item in engine.inspect(name).get("RepoDigests") or []]
    for candidate in found:
        if candidate.partition("@")[0] == reference.repository:
            return candidate
    raise ImageError(f"the Docker engine pushed {name} but tells no digest of it; it lists {found or 'none'}")


def _follow(messages: Iterable[Message], report: Report, doing: str) -> str:
    """Show the messages; return the digest among them, or an empty text. Raises ImageError."""
    digest = ""
    shown: dict[str, str] = {}
    for message in messages:
        if error := _error(message):
            raise ImageError(f"{doing} failed: {report.masked(error)}; {_mend(error)}")
        digest = _auxiliary(message, "Digest") or digest
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        # Each layer repeats its status with every few kilobytes.
        if status and shown.get(layer) != status:
            shown[layer] = status
            report.status(f"{layer}: {status}" if layer else status)
    return digest


def _failed_step(image: ImageInputs, progress: Progress, error: str, report: Report) -> str:
    step = f" at '{report.masked(progress.step)}'" if progress.step else ""
    # The engine repeats the whole command, which the step's line has said already.
    code = EXIT_CODE.search(error) if progress.step else None
    reason = f"the command ended with status {code.group(1)}" if code else error
    first = f"building {image.name} from {image.build.dockerfile} failed{step}: {reason}"
    if not progress.lines:
        return first
    last = "\n".join(f"  {report.masked(line)}" for line in progress.lines)
    return f"{first}\nThe last lines of that step:\n{last}"


def _mend(error: str) -> str:
    lowered = error.lower()
    if any(word in lowered for word in ("unauthorized", "authentication", "denied", "no basic auth")) or error == "EOF":
        return "set registry.username and registry.password to a login that may push there, or run docker login"
    if any(word in lowered for word in ("connection refused", "no such host", "timeout", "i/o timeout")):
        return "see that the registry runs and that the image's name begins with its address"
    return "see the registry's log"


def _error(message: Message) -> str:
    detail = message.get("errorDetail")
    text = detail.get("message") if isinstance(detail, dict) else None
    return str(text or message.get("error") or "").strip()


def _auxiliary(message: Message, key: str) -> str:
    extra = message.get("aux")
    return str(extra.get(key, "")) if isinstance(extra, dict) else ""


def _lines(message: Message) -> Iterator[str]:
    text = str(message.get("stream") or ("" if message.get("progress") else message.get("status", "")))
    for line in text.splitlines():
        if line.strip() and not line.startswith(NOISE):
            yield line.rstrip()
