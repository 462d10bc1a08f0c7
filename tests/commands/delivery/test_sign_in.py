"""A job signs in with the identity that its forge vouches for; no token is written into a kubeconfig."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from cluster.access import connect
from commands.delivery.errors import DeliveryError
from commands.delivery.sign_in import cluster_token, sign_in
from concerns.cluster import ClusterSettings
from tests.commands.delivery.world import World
from tests.notify.forge.stand_in import ID_TOKEN

AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def wanted(tmp_path: Path) -> ClusterSettings:
    return ClusterSettings(kubeconfig=str(tmp_path / "kube/config"), context="production", namespace="production")


@pytest.fixture(autouse=True)
def _a_job(world: World) -> None:
    world.variables |= {
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://identity.example/id-token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "not-a-real-bearer",
        "CLUSTER_SERVER": "https://cluster.example:6443",
        "CLUSTER_AUTHORITY": AUTHORITY,
    }


def test_the_kubeconfig_names_the_cluster_and_asks_for_a_token_each_time(world: World, wanted: ClusterSettings) -> None:
    sign_in(wanted, world.around, world.places)
    text = Path(wanted.kubeconfig).read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    cluster = found["clusters"][0]["cluster"]
    assert cluster["server"] == "https://cluster.example:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]).decode() == AUTHORITY
    assert found["users"][0]["user"]["exec"]["args"] == ["-m", "commands.delivery", "cluster-token"]
    assert ID_TOKEN not in text
    assert Path(wanted.kubeconfig).stat().st_mode & 0o077 == 0


def test_signing_in_again_is_harmless(world: World, wanted: ClusterSettings) -> None:
    for _ in range(2):
        sign_in(wanted, world.around, world.places)


def test_a_kubeconfig_of_somebody_is_left_alone(world: World, wanted: ClusterSettings) -> None:
    file = Path(wanted.kubeconfig)
    file.parent.mkdir()
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(DeliveryError, match="was not written by this command"):
        sign_in(wanted, world.around, world.places)
    assert file.read_text(encoding="utf-8") == "mine"


def test_without_a_cluster_to_sign_in_to_the_kubeconfig_stays(world: World, wanted: ClusterSettings) -> None:
    del world.variables["CLUSTER_SERVER"]
    assert "stays as it is" in sign_in(wanted, world.around, world.places)[0]
    assert not Path(wanted.kubeconfig).exists()


def test_the_product_can_use_the_kubeconfig(world: World, wanted: ClusterSettings) -> None:
    world.variables["CLUSTER_AUTHORITY"] = Path("/etc/ssl/certs/ca-certificates.crt").read_text(encoding="utf-8")
    sign_in(wanted, world.around, world.places)
    assert connect(wanted.kubeconfig, "production", "production").namespace == "production"


def test_a_token_says_when_it_ends(world: World) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1795471200}).encode()).decode().rstrip("=")
    world.variables["CLUSTER_ID_TOKEN"] = f"head.{claims}.signature"
    found = json.loads(cluster_token(world.around)[0])
    assert (found["kind"], found["apiVersion"]) == ("ExecCredential", "client.authentication.k8s.io/v1")
    assert found["status"]["expirationTimestamp"] == "2026-11-23T22:00:00Z"


def test_a_job_without_an_identity_is_told_which_permission_it_lacks(world: World, wanted: ClusterSettings) -> None:
    del world.variables["ACTIONS_ID_TOKEN_REQUEST_URL"]
    with pytest.raises(DeliveryError, match="ACTIONS_ID_TOKEN_REQUEST_URL is not set"):
        sign_in(wanted, world.around, world.places)


def test_the_token_for_the_state_is_written_where_its_backend_looks(world: World, wanted: ClusterSettings) -> None:
    file = world.root / "state" / "token"
    world.variables |= {"AWS_ROLE_ARN": "arn:aws:iam::1:role/state", "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)}
    sign_in(wanted, world.around, world.places)
    assert file.read_text(encoding="utf-8") == ID_TOKEN
    assert file.stat().st_mode & 0o077 == 0
