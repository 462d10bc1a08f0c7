"""Each call goes to the right address with the right selector, and each refusal is told apart from silence."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from checks.reader import Unreachable
from cluster.api import Cluster
from cluster.errors import ClusterError
from tests.cluster.api_server import BASE
from tests.recorded import JOB, NAME, SELECTOR, deployment, event, job, pod, replica_set


class Server:
    """Answers everything with the same answer and remembers what it was asked."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    @property
    def request(self) -> httpx.Request:
        assert len(self.requests) == 1
        return self.requests[0]

    @property
    def cluster(self) -> Cluster:
        return Cluster(httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)), "development")


def items(*found: object) -> httpx.Response:
    return httpx.Response(200, json={"items": list(found)})


def status(code: int, message: str) -> httpx.Response:
    return httpx.Response(code, json={"kind": "Status", "status": "Failure", "message": message, "code": code})


READS: dict[str, Callable[[Cluster], object]] = {
    "deployment": lambda cluster: cluster.deployment(NAME),
    "replica_sets": lambda cluster: cluster.replica_sets(SELECTOR),
    "job": lambda cluster: cluster.job(JOB),
    "pods": lambda cluster: cluster.pods(SELECTOR),
    "events": lambda cluster: cluster.events("a-pod"),
    "logs": lambda cluster: cluster.logs("a-pod", lines=10),
    "config_map": lambda cluster: cluster.config_map("a-record"),
    "deployment_template": lambda cluster: cluster.deployment_template(NAME),
    "config_maps": lambda cluster: cluster.config_maps("a=b"),
    "replica_set_templates": lambda cluster: cluster.replica_set_templates(SELECTOR),
    "service_selector": lambda cluster: cluster.service_selector(NAME),
    "pods_behind": lambda cluster: cluster.pods_behind(NAME),
}
CHANGES: dict[str, Callable[[Cluster], object]] = {
    "create": lambda cluster: cluster.write_config_map("a-record", {}, resource_version=None),
    "update": lambda cluster: cluster.write_config_map("a-record", {}, resource_version="7"),
    "template": lambda cluster: cluster.replace_deployment_template(NAME, {}),
    "delete_job": lambda cluster: cluster.delete_job(JOB),
    "delete_config_map": lambda cluster: cluster.delete_config_map("a-record"),
    "label_pod": lambda cluster: cluster.label_pod("a-pod", {"serving": "no"}),
}
ALL = [pytest.param(call, id=name) for name, call in {**READS, **CHANGES}.items()]


def test_single_objects_are_read_by_name() -> None:
    server = Server(httpx.Response(200, json=deployment(replicas=3)))
    found = server.cluster.deployment(NAME)
    assert found is not None
    assert found.spec.replicas == 3
    assert server.request.url == f"{BASE}/apis/apps/v1/namespaces/development/deployments/{NAME}"
    server = Server(httpx.Response(200, json=job()))
    assert server.cluster.job(JOB) is not None
    assert server.request.url == f"{BASE}/apis/batch/v1/namespaces/development/jobs/{JOB}"
    server = Server(httpx.Response(200, json={"metadata": {"name": "a-record"}}))
    assert server.cluster.config_map("a-record") == {"metadata": {"name": "a-record"}}
    assert server.request.url == f"{BASE}/api/v1/namespaces/development/configmaps/a-record"


@pytest.mark.parametrize(("code", "exists"), [(200, True), (404, False), (403, True)])
def test_a_namespace_is_looked_for_and_who_may_not_look_is_believed(*, code: int, exists: bool) -> None:
    server = Server(status(code, "namespaces is forbidden"))
    assert server.cluster.namespace_exists() is exists
    assert server.request.url == f"{BASE}/api/v1/namespaces/development"


def test_a_user_that_the_cluster_does_not_know_is_told_before_anything_is_begun() -> None:
    with pytest.raises(ClusterError, match=r"\(401\): Unauthorized"):
        Server(status(401, "Unauthorized")).cluster.namespace_exists()
    with pytest.raises(Unreachable):
        Server(status(500, "starting")).cluster.namespace_exists()


def test_what_is_not_there_is_none() -> None:
    cluster = Server(status(404, "not found")).cluster
    assert cluster.deployment(NAME) is None
    assert cluster.job(JOB) is None
    assert cluster.config_map("a-record") is None
    assert cluster.deployment_template(NAME) is None
    assert cluster.service_selector(NAME) is None
    assert cluster.label_pod("a-pod", {"serving": "no"}) is False
    cluster.delete_job(JOB)
    cluster.delete_config_map("a-record")


def test_lists_are_read_by_selector() -> None:
    server = Server(items(replica_set()))
    assert len(server.cluster.replica_sets(SELECTOR)) == 1
    assert server.request.url.path == "/apis/apps/v1/namespaces/development/replicasets"
    assert server.request.url.params["labelSelector"] == SELECTOR
    server = Server(items())
    assert list(server.cluster.pods(SELECTOR)) == []
    assert server.request.url.path == "/api/v1/namespaces/development/pods"
    assert server.request.url.params["labelSelector"] == SELECTOR


def test_the_pods_behind_a_service_are_those_of_its_endpoints_that_are_ready() -> None:
    def endpoint(name: str, **conditions: object) -> object:
        return {"targetRef": {"kind": "Pod", "name": name}, "conditions": {"serving": True, **conditions}}

    first = {"endpoints": [endpoint("a", ready=True), endpoint("b", ready=False), endpoint("c")]}
    server = Server(items(first, {"endpoints": None}, {"endpoints": [endpoint("d", ready=True)]}))
    assert server.cluster.pods_behind(NAME) == {"a", "c", "d"}
    assert server.request.url.path == "/apis/discovery.k8s.io/v1/namespaces/development/endpointslices"
    assert server.request.url.params["labelSelector"] == f"kubernetes.io/service-name={NAME}"


def test_a_pod_is_labelled_and_nothing_else_of_it_changed() -> None:
    server = Server(httpx.Response(200, json={}))
    assert server.cluster.label_pod("a-pod", {"serving": "no"}, {"cost": "-100"})
    assert server.request.headers["Content-Type"] == "application/merge-patch+json"
    assert json.loads(server.request.content) == {
        "metadata": {"labels": {"serving": "no"}, "annotations": {"cost": "-100"}}
    }


def test_a_config_map_gets_the_labels_that_it_is_listed_by() -> None:
    server = Server(httpx.Response(201, json={}))
    server.cluster.write_config_map("a-record", {}, resource_version=None, labels={"a": "b"})
    assert json.loads(server.request.content)["metadata"]["labels"]["a"] == "b"
    server = Server(items({"metadata": {"name": "one"}}))
    assert server.cluster.config_maps("a=b") == [{"metadata": {"name": "one"}}]
    assert server.request.url.params["labelSelector"] == "a=b"


def test_pods_come_oldest_first_whatever_their_names() -> None:
    younger, older = pod("a", created="2024-05-14T09:31:00Z"), pod("b", created="2024-05-14T09:30:00Z")
    found = Server(items(younger, older)).cluster.pods(SELECTOR)
    assert [each.metadata.name for each in found] == ["b", "a"]


def test_a_pod_without_container_states_can_be_read() -> None:
    [found] = Server(items(pod(phase="Pending", containerStatuses=None))).cluster.pods(SELECTOR)
    assert found.status.container_statuses == []


def test_events_are_those_about_the_object_oldest_first() -> None:
    late, early = event("B", "late", at="2024-05-14T09:31:00Z"), event("A", "early", at="2024-05-14T09:30:00Z")
    newer_api = {**event("C", "latest", at=None), "eventTime": "2024-05-14T09:32:00.000000Z"}
    server = Server(items(newer_api, late, early))
    assert [each.message for each in server.cluster.events("a-pod")] == ["early", "late", "latest"]
    assert server.request.url.params["fieldSelector"] == "involvedObject.name=a-pod"


def test_logs_are_the_last_lines_of_the_run_that_is_asked_for() -> None:
    server = Server(httpx.Response(200, text="one\ntwo\n"))
    assert server.cluster.logs("a-pod", lines=10, previous=True) == ["one", "two"]
    assert server.request.url.path.endswith("/pods/a-pod/log")
    assert dict(server.request.url.params) == {"tailLines": "10", "previous": "true"}


@pytest.mark.parametrize("code", [400, 404])
def test_a_container_that_has_not_started_has_no_log(code: int) -> None:
    assert Server(status(code, "is waiting to start")).cluster.logs("a-pod", lines=10) == []


@pytest.mark.parametrize("call", ALL)
@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_server_that_cannot_answer_now_is_unreachable(call: Callable[[Cluster], object], code: int) -> None:
    with pytest.raises(Unreachable, match=f"{BASE}/? answered {code}"):
        call(Server(status(code, "etcd leader changed")).cluster)


@pytest.mark.parametrize("call", ALL)
@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout(""), httpx.PoolTimeout("")])
def test_silence_is_unreachable_and_says_which(call: Callable[[Cluster], object], error: httpx.HTTPError) -> None:
    with pytest.raises(Unreachable, match=r"gives no answer \((refused|ReadTimeout|PoolTimeout)\); see"):
        call(Server(error).cluster)


@pytest.mark.parametrize("call", ALL)
def test_what_is_forbidden_names_the_words_of_the_cluster_and_the_mend(call: Callable[[Cluster], object]) -> None:
    message = 'User "release" cannot do that in API group "" in the namespace "development"'
    with pytest.raises(ClusterError) as caught:
        call(Server(status(403, message)).cluster)
    text = str(caught.value)
    assert "(403)" in text
    assert message in text
    assert text.endswith("To mend it: give the user of this context the right to do so in namespace development")


def test_a_refusal_that_no_right_would_mend_does_not_send_anybody_for_rights() -> None:
    cluster = Server(status(422, "spec.template.spec.containers: Required value")).cluster
    with pytest.raises(ClusterError, match="Required value") as caught:
        cluster.replace_deployment_template(NAME, {})
    assert "right" not in str(caught.value)


def test_a_refusal_without_json_is_shown_in_short() -> None:
    with pytest.raises(ClusterError, match=r"\(403\): <html>") as caught:
        Server(httpx.Response(403, text="<html>" + "x" * 5000)).cluster.pods(SELECTOR)
    assert len(str(caught.value)) < 600


def test_a_new_record_is_created_and_a_known_one_replaced_only_as_it_was_read() -> None:
    server = Server(httpx.Response(201, json={}))
    assert server.cluster.write_config_map("a-record", {"key": "value"}, resource_version=None)
    assert (server.request.method, server.request.url.path.rpartition("/")[2]) == ("POST", "configmaps")
    body = json.loads(server.request.content)
    assert body["data"] == {"key": "value"}
    assert "resourceVersion" not in body["metadata"]
    server = Server(httpx.Response(200, json={}))
    assert server.cluster.write_config_map("a-record", {}, resource_version="7")
    assert (server.request.method, server.request.url.path.rpartition("/")[2]) == ("PUT", "a-record")
    assert json.loads(server.request.content)["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize("version", [None, "7"])
def test_a_record_that_somebody_else_wrote_is_not_overwritten(version: str | None) -> None:
    conflict = Server(status(409, "the object has been modified")).cluster
    assert conflict.write_config_map("a-record", {}, resource_version=version) is False


def test_only_the_template_of_a_deployment_is_replaced() -> None:
    server = Server(httpx.Response(200, json={}))
    server.cluster.replace_deployment_template(NAME, {"spec": {"containers": []}})
    assert server.request.method == "PATCH"
    assert server.request.headers["Content-Type"] == "application/json-patch+json"
    change = {"op": "replace", "path": "/spec/template", "value": {"spec": {"containers": []}}}
    assert json.loads(server.request.content) == [change]


def test_the_template_is_what_the_cluster_holds() -> None:
    held = {"metadata": {"labels": {}}, "spec": {"containers": [{"name": "api", "unknownField": 1}]}}
    cluster = Server(httpx.Response(200, json=deployment(template=held))).cluster
    assert cluster.deployment_template(NAME) == held


def test_a_job_is_deleted_with_its_pods() -> None:
    server = Server(httpx.Response(200, json={}))
    server.cluster.delete_job(JOB)
    assert server.request.method == "DELETE"
    assert server.request.url.params["propagationPolicy"] == "Background"
