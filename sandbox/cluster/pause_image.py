"""The image that holds a pod's namespaces open, made from a static busybox so that it needs no registry."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

COMMAND = ("/bin/busybox", "sleep", "2147483647")
PROGRAM_MODE = 0o755


@dataclass(frozen=True)
class PauseImage:
    """A docker archive made of one program."""

    busybox: Path

    @property
    def reference(self) -> str:
        """Its full name; another busybox makes another name, so that a name never changes its meaning."""
        digest = hashlib.sha256(self.busybox.read_bytes()).hexdigest()
        return f"localhost/release-manager-sandbox/pause:{digest[:12]}"

    def archive(self) -> bytes:
        """Return the archive, the same bytes for the same busybox."""
        layer = _tar({"bin/busybox": (self.busybox.read_bytes(), PROGRAM_MODE)})
        layer_digest = hashlib.sha256(layer).hexdigest()
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": list(COMMAND)},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
                "history": [{"created": "1970-01-01T00:00:00Z"}],
            },
            sort_keys=True,
        ).encode()
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        layer_name = f"{layer_digest}/layer.tar"
        manifest = [{"Config": config_name, "RepoTags": [self.reference], "Layers": [layer_name]}]
        return _tar(
            {
                config_name: (config, 0o644),
                layer_name: (layer, 0o644),
                "manifest.json": (json.dumps(manifest).encode(), 0o644),
            }
        )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = mode
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
