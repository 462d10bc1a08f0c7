"""Certificates speak for whom they should, are private, and are renewed only when they must be."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from sandbox.cluster.authority import Authority, Identity, ensure_key_pair
from sandbox.cluster.certificates import ADMINISTRATOR, API_SERVER, KUBELET, Certificates
from sandbox.cluster.kubeconfig import kubeconfig
from sandbox.cluster.layout import CONTEXT, Layout
from sandbox.ingress.ingress import HOSTS, SERVER
from sandbox.paths import Paths

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def authority(directory: Path, now: datetime = NOW) -> Authority:
    return Authority(directory, "test", clock=lambda: now)


def certificate_of(authority: Authority, identity: Identity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.issue(identity).certificate.read_bytes())


def hosts_in(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_the_api_server_is_trusted_at_its_loopback_address_and_as_a_service(tmp_path: Path) -> None:
    found = hosts_in(certificate_of(authority(tmp_path), API_SERVER))
    assert {"127.0.0.1", "198.19.0.1", "kubernetes.default.svc"} <= found


def test_the_ingress_is_trusted_for_the_three_environments(tmp_path: Path) -> None:
    assert hosts_in(certificate_of(authority(tmp_path), SERVER)) == set(HOSTS)
    assert set(HOSTS) == {"dev-api.internal", "staging-api.internal", "api.internal"}


def test_the_kubelet_is_a_node_and_the_administrator_a_master(tmp_path: Path) -> None:
    for identity, group, user in (
        (KUBELET, "system:nodes", "system:node:sandbox"),
        (ADMINISTRATOR, "system:masters", "sandbox:administrator"),
    ):
        subject = certificate_of(authority(tmp_path), identity).subject
        assert [one.value for one in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == [group]
        assert [one.value for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [user]


def test_a_certificate_is_signed_by_its_authority(tmp_path: Path) -> None:
    maker = authority(tmp_path)
    issued = certificate_of(maker, API_SERVER)
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(maker.certificate.read_bytes()))


def test_a_good_certificate_is_kept(tmp_path: Path) -> None:
    first = certificate_of(authority(tmp_path), API_SERVER)
    assert certificate_of(authority(tmp_path, NOW + timedelta(days=300)), API_SERVER) == first


def test_a_certificate_is_renewed_before_it_expires(tmp_path: Path) -> None:
    first = certificate_of(authority(tmp_path), API_SERVER)
    later = NOW + timedelta(days=340)
    renewed = certificate_of(authority(tmp_path, later), API_SERVER)
    assert renewed != first
    assert renewed.not_valid_after_utc > later + timedelta(days=300)


def test_a_certificate_is_renewed_when_its_hosts_change(tmp_path: Path) -> None:
    maker = authority(tmp_path)
    certificate_of(maker, Identity("server", "server", hosts=("a.internal",)))
    assert hosts_in(certificate_of(maker, Identity("server", "server", hosts=("b.internal",)))) == {"b.internal"}


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    maker = authority(tmp_path)
    first = certificate_of(maker, API_SERVER)
    maker.certificate.unlink()
    assert certificate_of(maker, API_SERVER) != first


def test_half_a_certificate_after_a_kill_is_made_anew(tmp_path: Path) -> None:
    maker = authority(tmp_path)
    maker.issue(API_SERVER).certificate.write_text("-----BEGIN CERT", encoding="ascii")
    assert "127.0.0.1" in hosts_in(certificate_of(maker, API_SERVER))


def test_private_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    maker = authority(tmp_path)
    keys = [maker.issue(API_SERVER).key, maker.key, ensure_key_pair(tmp_path, "tokens").key]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_key_pair_stays_the_same(tmp_path: Path) -> None:
    first = ensure_key_pair(tmp_path, "tokens").key.read_bytes()
    assert ensure_key_pair(tmp_path, "tokens").key.read_bytes() == first


def test_a_kubeconfig_has_one_context_and_names_no_other_file() -> None:
    document = kubeconfig(b"authority", b"certificate", b"key")
    assert document["current-context"] == CONTEXT
    assert [one["name"] for one in document["contexts"]] == [CONTEXT]
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:16443"
    settings = {**document["clusters"][0]["cluster"], **document["users"][0]["user"]}
    assert set(settings) == {
        "server",
        "certificate-authority-data",
        "client-certificate-data",
        "client-key-data",
    }


def test_the_administrators_kubeconfig_is_private_and_left_alone_when_nothing_changed(tmp_path: Path) -> None:
    paths = Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run")
    certificates = Certificates(Layout(paths))
    certificates.ensure()
    first = paths.kubeconfig.stat()
    certificates.ensure()
    assert stat.S_IMODE(first.st_mode) == 0o600
    assert paths.kubeconfig.stat().st_ino == first.st_ino
