"""The build context: which files belong to it, their digest, and the archive that the engine is sent."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sandbox.plugins.docker.errors import ImageError
from sandbox.plugins.docker.ignore import Ignore

IGNORE_FILE = ".dockerignore"
# Kept in memory up to here, on disk beyond.
SPOOLED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class BuildContext:
    """A directory and the Dockerfile that builds it; both may be relative to the working directory."""

    directory: str
    dockerfile: str

    @property
    def relative_dockerfile(self) -> str:
        """The Dockerfile as seen from the directory; it begins with `../` where it lies outside."""
        return os.path.relpath(self.dockerfile, self.directory)

    def check(self) -> None:
        """Raise ImageError if the directory or the Dockerfile is not there."""
        if not Path(self.directory).is_dir():
            raise ImageError(f"build.context {self.directory!r} is not a directory; set it to the directory to build")
        if Path(self.dockerfile).is_file():
            return
        inside = Path(self.directory, self.dockerfile)
        if not Path(self.dockerfile).is_absolute() and inside.is_file():
            raise ImageError(
                f"build.dockerfile {self.dockerfile!r} is not a file; the path starts at the project's directory, "
                f"so set it to {str(inside)!r}"
            )
        raise ImageError(f"build.dockerfile {self.dockerfile!r} is not a file; set it to the Dockerfile of the image")

    def ignore(self) -> Ignore:
        """Return the rules of `<Dockerfile>.dockerignore`, or else of `.dockerignore` in the directory."""
        for candidate in (Path(f"{self.dockerfile}.dockerignore"), Path(self.directory, IGNORE_FILE)):
            if candidate.is_file():
                return Ignore.parse(candidate.read_text(encoding="utf-8"))
        return Ignore()

    def digest(self) -> str:
        """Return the hexadecimal SHA-256 of the Dockerfile and of every file that is sent.

        It covers names, modes and contents, and a link's target instead of what it points to: the same bytes that
        the official provider hashes, so that neither sees the other's state as changed. Raises ImageError for a file
        that cannot be read.
        """
        total = hashlib.sha256()
        try:
            _add(total, "Dockerfile", "----------", _file_digest(Path(self.dockerfile)))
            for name in self.ignore().walk(Path(self.directory)):
                path = Path(self.directory, name)
                mode = path.lstat().st_mode
                if not stat.S_ISDIR(mode):
                    _add(total, name, mode_text(mode), _content_digest(path, mode))
        except OSError as error:
            raise ImageError(f"build.context {self.directory!r} cannot be read: {error}") from error
        return total.hexdigest()

    def archive(self) -> tuple[IO[bytes], str]:
        """Return the archive of the context and the name of the Dockerfile in it. The caller closes the archive.

        Everything in it belongs to root. The Dockerfile and the ignore file are sent even where they are ignored.
        """
        relative = self.relative_dockerfile
        outside = relative.startswith("../")
        kept = (IGNORE_FILE,) if outside else (IGNORE_FILE, relative)
        file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOLED_BYTES)  # noqa: SIM115 - the caller closes it
        try:
            with tarfile.open(fileobj=file, mode="w") as archive:
                for member, name in self._members(archive, kept):
                    if member.isfile():
                        with Path(self.directory, name).open("rb") as content:
                            archive.addfile(member, content)
                    else:
                        archive.addfile(member)
                if outside:
                    relative = _add_dockerfile(archive, Path(self.dockerfile))
        except OSError as error:
            file.close()
            raise ImageError(f"build.context {self.directory!r} cannot be packed: {error}") from error
        file.seek(0)
        return file, relative

    def _members(self, archive: tarfile.TarFile, kept: tuple[str, ...]) -> Iterator[tuple[tarfile.TarInfo, str]]:
        for name in self.ignore().with_exceptions(*kept).walk(Path(self.directory)):
            path = Path(self.directory, name)
            if stat.S_ISSOCK(path.lstat().st_mode):
                continue
            member = archive.gettarinfo(path, arcname=name)
            # A second name of the same file is sent as a file of its own, as Docker does.
            if member.islnk():
                member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.lstat().st_size
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            yield member, name


def mode_text(mode: int) -> str:
    """Return a file's mode as Go prints it, for example `-rw-r--r--` or `Lrwxrwxrwx`."""
    flags = [
        ("L", stat.S_ISLNK(mode)),
        ("D", stat.S_ISBLK(mode) or stat.S_ISCHR(mode)),
        ("p", stat.S_ISFIFO(mode)),
        ("S", stat.S_ISSOCK(mode)),
        ("u", bool(mode & stat.S_ISUID)),
        ("g", bool(mode & stat.S_ISGID)),
        ("c", stat.S_ISCHR(mode)),
        ("t", bool(mode & stat.S_ISVTX)),
    ]
    kind = "".join(letter for letter, present in flags if present) or "-"
    permissions = "".join(letter if mode & (1 << (8 - index)) else "-" for index, letter in enumerate("rwxrwxrwx"))
    return kind + permissions


def _add(total: hashlib._Hash, name: str, mode: str, digest: bytes) -> None:
    total.update(name.encode("utf-8", "surrogateescape") + mode.encode("ascii") + digest + b"\0")


def _content_digest(path: Path, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        target = path.resolve(strict=True)
        text = str(target) if path.is_absolute() else os.path.relpath(target)
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return _file_digest(path) if stat.S_ISREG(mode) else hashlib.sha256().digest()


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _add_dockerfile(archive: tarfile.TarFile, dockerfile: Path) -> str:
    content = dockerfile.read_bytes()
    member = tarfile.TarInfo(f".dockerfile.{hashlib.sha256(content).hexdigest()[:20]}")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
    return member.name
