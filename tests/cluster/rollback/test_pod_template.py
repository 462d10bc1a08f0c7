"""The canary's template is stable's in everything but the track, and what was added by hand moves no pod."""

from __future__ import annotations

from cluster.rollback.pod_template import as_canary, is_as, what_runs
from tests.cluster.two_tracks import serving_template
from tests.recorded import Json


def spread(version: str) -> Json:
    made = serving_template(version)
    labels = {"app": "release-manager", "track": "stable"}
    made["spec"]["topologySpreadConstraints"] = [{"maxSkew": 1, "labelSelector": {"matchLabels": labels}}]
    made["spec"]["containers"][0]["env"].append({"name": "track", "value": "stable"})
    return made


def test_the_canarys_template_differs_wherever_pods_are_told_apart_by_track_and_nowhere_else() -> None:
    stable = spread("v1")
    canary = as_canary(stable)
    assert canary["metadata"]["labels"] == {**stable["metadata"]["labels"], "track": "canary"}
    [constraint] = canary["spec"]["topologySpreadConstraints"]
    assert constraint["labelSelector"]["matchLabels"] == {"app": "release-manager", "track": "canary"}
    assert canary["spec"]["containers"] == stable["spec"]["containers"]
    assert stable == spread("v1"), "what it was made from stays as it is"
    assert what_runs(canary) == what_runs(stable)


def test_a_restart_by_hand_is_no_other_template_but_another_probe_or_a_missing_label_is() -> None:
    wanted = serving_template("v1")
    restarted = serving_template("v1")
    restarted["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2024-05-14T10:00:00Z"}
    restarted["metadata"]["labels"]["more"] = "label"
    assert is_as(restarted, wanted)
    probed = serving_template("v1")
    probed["spec"]["containers"][0]["readinessProbe"] = {"periodSeconds": 9}
    assert not is_as(probed, wanted)
    assert what_runs(probed) == what_runs(wanted), "though its pods run the same release"
    unlabelled = serving_template("v1")
    del unlabelled["metadata"]["labels"]["serving"]
    assert not is_as(unlabelled, wanted)
