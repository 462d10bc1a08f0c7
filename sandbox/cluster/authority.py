"""A certificate authority of the sandbox's own, and the certificates it signs."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SKEW = timedelta(minutes=5)


def now_utc() -> datetime:
    """Return the time now, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Identity:
    """Whom a certificate speaks for.

    `name` is the stem of its files. One with `hosts` (names or IP addresses) can serve as them; every one can be shown
    as a client, whose user is `common_name` and whose groups are `organizations`.
    """

    name: str
    common_name: str
    organizations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def subject(self) -> x509.Name:
        """Return the subject of its certificate."""
        groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in self.organizations]
        return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])

    def alternative_names(self) -> list[x509.GeneralName]:
        """Return `hosts` as a certificate spells them."""
        return [_general_name(host) for host in self.hosts]


@dataclass(frozen=True)
class Credentials:
    """A certificate and its private key, as files in PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """An authority whose files live in `directory`: ca.crt, ca.key and what it issued.

    Nothing is issued twice: a certificate is renewed only when it is missing, speaks for somebody else, was signed by
    another authority or has fewer than 30 days left.
    """

    directory: Path
    common_name: str
    clock: Callable[[], datetime] = now_utc

    @property
    def certificate(self) -> Path:
        """The certificate that clients are told to trust."""
        return self.directory / "ca.crt"

    @property
    def key(self) -> Path:
        """The authority's private key."""
        return self.directory / "ca.key"

    def ensure(self) -> None:
        """Make the authority unless it is there."""
        if self.certificate.exists() and self.key.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            self._builder(subject, subject, key.public_key(), AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self.key, _pem_of_key(key))
        write_private(self.certificate, certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, identity: Identity) -> Credentials:
        """Return credentials for `identity`, made anew only when those on disk will not do."""
        found = Credentials(self.directory / f"{identity.name}.crt", self.directory / f"{identity.name}.key")
        self.ensure()
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        if found.key.exists() and self._still_good(found.certificate, authority, identity):
            return found
        authority_key = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.key} is not an elliptic-curve key")
        key = ec.generate_private_key(ec.SECP256R1())
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = self._builder(identity.subject(), authority.subject, key.public_key(), LIFETIME)
        if identity.hosts:
            usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
            names = x509.SubjectAlternativeName(identity.alternative_names())
            builder = builder.add_extension(names, critical=False)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(signer, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        found.certificate.unlink(missing_ok=True)
        write_private(found.key, _pem_of_key(key))
        write_private(found.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        return found

    def _still_good(self, file: Path, authority: x509.Certificate, identity: Identity) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(file.read_bytes())
            certificate.verify_directly_issued_by(authority)
        except (OSError, ValueError, InvalidSignature):
            return False
        return (
            certificate.subject == identity.subject()
            and _names_in(certificate) == identity.alternative_names()
            and certificate.not_valid_after_utc - self.clock() > RENEW_BEFORE
        )

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        lifetime: timedelta,
    ) -> x509.CertificateBuilder:
        now = self.clock()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + lifetime)
        )


def ensure_key_pair(directory: Path, name: str) -> Credentials:
    """Return a key pair without a certificate (`name`.pub, `name`.key), made unless it is there."""
    found = Credentials(directory / f"{name}.pub", directory / f"{name}.key")
    if not (found.certificate.exists() and found.key.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        write_private(found.key, _pem_of_key(key))
        write_private(found.certificate, key.public_key().public_bytes(serialization.Encoding.PEM, public))
    return found


def write_private(file: Path, content: bytes) -> None:
    """Write `content` so that only its owner ever reads it and nobody ever sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    draft.replace(file)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _names_in(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
