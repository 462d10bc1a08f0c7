"""How this machine reaches package registries, carried into the base image so that builds reach them likewise.

Index addresses and proxies may hold passwords: they go into files of the image, never into its history, a command
line or a message.
"""

from __future__ import annotations

import configparser
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy")
PROXY_VARIABLES = {"http": ("http_proxy", "HTTP_PROXY"), "https": ("https_proxy", "HTTPS_PROXY")}


@dataclass(frozen=True)
class MachineSettings:
    """Reads the machine's CA bundle, pip configuration and proxies; `root` is where its file system begins."""

    environment: Mapping[str, str]
    root: Path = Path("/")

    @classmethod
    def here(cls) -> MachineSettings:
        """Return the settings of this machine and this process."""
        return cls(environment=dict(os.environ))

    def files(self) -> dict[str, bytes]:
        """Return the files that the base image takes over, by their absolute path in the image."""
        found = {BUNDLE: self._bundle(), "/etc/pip.conf": self._pip(), "/etc/apt/apt.conf.d/80proxy": self._apt()}
        return {path: content for path, content in found.items() if content}

    def lines(self) -> tuple[str, ...]:
        """Return the Dockerfile lines that make clients in the image trust the bundle."""
        return tuple(f"ENV {variable}={BUNDLE}" for variable in BUNDLE_VARIABLES) if self._bundle() else ()

    def _bundle(self) -> bytes:
        named = [self.environment[name] for name in BUNDLE_VARIABLES if self.environment.get(name)]
        for name in [*named, self._pip_options().get("cert", ""), BUNDLE]:
            file = self.root / name.lstrip("/")
            if name and file.is_file():
                return file.read_bytes()
        return b""

    def _pip(self) -> bytes:
        options = self._pip_options()
        proxy = self._proxy("https") or self._proxy("http")
        if proxy:
            options.setdefault("proxy", proxy)
        kept = {name: options[name] for name in PIP_OPTIONS if name in options}
        if not kept:
            return b""
        parser = configparser.RawConfigParser()
        parser["global"] = kept
        text = io.StringIO()
        parser.write(text)
        return text.getvalue().encode()

    def _pip_options(self) -> dict[str, str]:
        home = self.environment.get("HOME", "/root")
        files = ["/etc/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf"]
        files += [self.environment["PIP_CONFIG_FILE"]] if "PIP_CONFIG_FILE" in self.environment else []
        parser = configparser.RawConfigParser()
        parser.read([self.root / file.lstrip("/") for file in files], encoding="utf-8")
        options = dict(parser["global"]) if parser.has_section("global") else {}
        for name in (*PIP_OPTIONS, "cert"):
            value = self.environment.get(f"PIP_{name.replace('-', '_').upper()}")
            if value:
                options[name] = value
        return options

    def _apt(self) -> bytes:
        proxies = {scheme: self._proxy(scheme) for scheme in PROXY_VARIABLES}
        lines = [f'Acquire::{scheme}::Proxy "{proxy}";\n' for scheme, proxy in proxies.items() if proxy]
        return "".join(lines).encode()

    def _proxy(self, scheme: str) -> str:
        return next((self.environment[name] for name in PROXY_VARIABLES[scheme] if self.environment.get(name)), "")
