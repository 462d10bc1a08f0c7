"""The pack as Pulumi's engine asks it: levels, violations, unknown values, and a configuration that it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from jsonschema import Draft7Validator
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy import policy, proxy

from policies.guarded import GuardedServicer, guarded
from policies.levels import RULES, level_of
from policies.pack import policies
from policies.rules.checklist import CHECKLIST as CHECKLIST_KIND
from policies.rules.images import BUILD
from policies.rules.outline import OUTLINE as OUTLINE_KIND
from policies.rules.pods import DEPLOYMENT as DEPLOYMENT_KIND
from tests.policies.plain_data import CHECKLIST, DEPLOYMENT, OUTLINE, Json, changed, item, part

PACK = Path(__file__).resolve().parents[2] / "policies"
PREFIX = "urn:pulumi:prod::release-manager::"


class RefusedError(Exception):
    """The call was ended with a status that is not OK."""


class Context:
    """What a server is given with a call."""

    def abort(self, code: grpc.StatusCode, text: str) -> None:
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        raise RefusedError(text)


def pack(environment: str = "prod") -> Any:
    """Return what answers the engine for the pack of this environment."""
    with guarded(environment):
        servicer: Any = policy._PolicyAnalyzerServicer
    assert issubclass(servicer, GuardedServicer)
    return servicer("release-manager", "0.0.1", policies(environment), policy.EnforcementLevel.ADVISORY)


def struct(properties: Json) -> struct_pb2.Struct:
    found = struct_pb2.Struct()
    found.update(properties)
    return found


def analyze(kind: str, properties: Json, environment: str = "prod", found: Any = None) -> list[tuple[str, str]]:
    """Return the name of each policy that finds something, with its level."""
    request = proto.AnalyzeRequest(type=kind, properties=struct(properties), urn=f"{PREFIX}{kind}::x", name="x")
    answer = (found or pack(environment)).Analyze(request, Context())
    levels = proto.EnforcementLevel
    return [(each.policyName, levels.Name(each.enforcementLevel).lower()) for each in answer.diagnostics]


def configure(environment: str, **wanted: tuple[str, Json]) -> Any:
    answering = pack(environment)
    configured = {
        name.replace("_", "-"): proto.PolicyConfig(
            enforcementLevel=proto.EnforcementLevel.Value(level.upper()), properties=struct(properties)
        )
        for name, (level, properties) in wanted.items()
    }
    answering.Configure(proto.ConfigureAnalyzerRequest(policyConfig=configured), Context())
    return answering


@pytest.mark.parametrize(
    ("kind", "properties"), [(DEPLOYMENT_KIND, DEPLOYMENT), (CHECKLIST_KIND, CHECKLIST), (OUTLINE_KIND, OUTLINE)]
)
def test_what_is_right_is_let(kind: str, properties: Json) -> None:
    assert analyze(kind, properties) == []


@pytest.mark.parametrize(
    ("kind", "properties", "name"),
    [
        (DEPLOYMENT_KIND, changed("hostPID", value=True), "no-host-access"),
        (CHECKLIST_KIND, item("review", state="missing"), "checklist-03-review"),
        (OUTLINE_KIND, part("gate", "-verified"), "verification-is-last"),
        (OUTLINE_KIND, part("alerts", ""), "alert-for-each-limit"),
    ],
)
def test_what_is_wrong_is_refused(kind: str, properties: Json, name: str) -> None:
    assert (name, "mandatory") in analyze(kind, properties)


@pytest.mark.parametrize(
    ("kind", "properties"), [(DEPLOYMENT_KIND, DEPLOYMENT), (CHECKLIST_KIND, CHECKLIST), (OUTLINE_KIND, OUTLINE)]
)
def test_no_rule_turns_into_advice_because_a_value_is_unknown(kind: str, properties: Json) -> None:
    for key in properties:
        for found in analyze(kind, {**properties, key: proxy.UNKNOWN_OBJECT_VALUE}):
            assert found[1] == "mandatory", found
    assert analyze(kind, dict.fromkeys(properties, proxy.UNKNOWN_OBJECT_VALUE))


def test_what_is_found_says_what_mends_it_and_holds_no_secret() -> None:
    wrong = changed(".env", [{"name": "API_TOKEN", "value": "hunter2"}])
    request = proto.AnalyzeRequest(type=DEPLOYMENT_KIND, properties=struct(wrong), urn=f"{PREFIX}x::x", name="x")
    [found] = pack().Analyze(request, Context()).diagnostics
    assert "container api has API_TOKEN in plain environment. To mend it: Put it into a Secret" in found.message
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_each_policy_is_as_strict_as_the_table_has_it(environment: str) -> None:
    info = pack(environment).GetAnalyzerInfo(None, None)
    levels = {each.name: proto.EnforcementLevel.Name(each.enforcementLevel).lower() for each in info.policies}
    assert {rule.name: level_of(rule, environment).value for rule in RULES}.items() <= levels.items()
    assert len(levels) == len(RULES) + 2
    assert levels["unknown-image-is-built-here"] == ("advisory" if environment == "dev" else "mandatory")
    assert levels["checklist-and-outline-declared"] == ("disabled" if environment == "dev" else "mandatory")


def test_what_is_advice_in_staging_is_told_as_such() -> None:
    wrong = {**DEPLOYMENT, "metadata": {"namespace": "staging"}}
    wrong["spec"] = {**wrong["spec"], "strategy": {"type": "Recreate"}}
    assert set(analyze(DEPLOYMENT_KIND, wrong, "staging")) == {("strategy-of-the-guide", "advisory")}
    assert analyze(DEPLOYMENT_KIND, {**wrong, "metadata": {"namespace": "development"}}, "dev") == []


def test_a_configuration_that_takes_a_rule_of_production_away_ends_the_update() -> None:
    for level in ("disabled", "advisory"):
        with pytest.raises(RefusedError) as caught:
            configure("prod", checklist_03_review=(level, {}), no_latest=("mandatory", {}))
        assert str(caught.value) == (
            f"checklist-03-review is mandatory in prod, and the configuration makes it {level};"
            " to mend it, take it out of the file that --policy-pack-config names"
        )
    with pytest.raises(RefusedError, match=r"allowed is 0\.5 or less"):
        configure("prod", alert_for_each_limit=("mandatory", {"p99Seconds": 5}))


def test_a_policy_of_the_whole_stack_is_not_taken_away_either() -> None:
    for environment, name in (("staging", "checklist_and_outline_declared"), ("prod", "unknown_image_is_built_here")):
        with pytest.raises(RefusedError, match="is mandatory in"):
            configure(environment, **{name: ("advisory", {})})


def test_a_configuration_that_makes_a_rule_stricter_is_followed() -> None:
    strict = configure("prod", alert_for_each_limit=("mandatory", {"p99Seconds": 0.2}))
    assert analyze(OUTLINE_KIND, OUTLINE, found=strict) == [("alert-for-each-limit", "mandatory")]
    steps = configure("prod", gate_for_each_step=("mandatory", {"steps": [10, 25, 50, 100]}))
    assert analyze(OUTLINE_KIND, OUTLINE, found=steps) == [("gate-for-each-step", "mandatory")]
    held = configure("dev", no_latest=("mandatory", {}))
    tagged = {**changed(".image", "app:latest"), "metadata": {"namespace": "development"}}
    assert ("no-latest", "mandatory") in analyze(DEPLOYMENT_KIND, tagged, found=held)


def test_the_schema_of_each_configuration_is_one() -> None:
    info = pack().GetAnalyzerInfo(None, None)
    [found] = [each for each in info.policies if each.name == "gate-for-each-step"]
    schema = json.loads(
        json.dumps(
            {"properties": {key: dict(value) for key, value in found.configSchema.properties.items()}}, default=list
        )
    )
    assert list(schema["properties"]) == ["steps"]
    assert schema["properties"]["steps"]["type"] == "array"
    for rule in RULES:
        for each in rule.thresholds:
            Draft7Validator.check_schema(each.schema)
            assert Draft7Validator(each.schema).is_valid(each.default)


def stack(*resources: proto.AnalyzerResource) -> list[tuple[str, str]]:
    answer = pack().AnalyzeStack(proto.AnalyzeStackRequest(resources=resources), Context())
    return [(each.policyName, each.urn) for each in answer.diagnostics]


def resource(kind: str, properties: Json, **others: Any) -> proto.AnalyzerResource:
    return proto.AnalyzerResource(
        type=kind, properties=struct(properties), urn=f"{PREFIX}{kind}::x", name="x", **others
    )


NEEDED = (resource(CHECKLIST_KIND, {}), resource(OUTLINE_KIND, {}))


def test_an_image_that_the_preview_does_not_know_passes_only_where_this_update_builds_it() -> None:
    unknown = changed(".image", proxy.UNKNOWN_STRING_VALUE)
    assert analyze(DEPLOYMENT_KIND, unknown) == [], "a policy of one resource cannot tell what it comes from"
    elsewhere = "kubernetes:core/v1:Secret"
    for origin, found in ((BUILD, []), (elsewhere, [("unknown-image-is-built-here", f"{PREFIX}{DEPLOYMENT_KIND}::x")])):
        source = resource(origin, {})
        from_it = {"spec": proto.AnalyzerPropertyDependencies(urns=[source.urn])}
        assert stack(*NEEDED, source, resource(DEPLOYMENT_KIND, unknown, propertyDependencies=from_it)) == found
    assert stack(*NEEDED, resource(DEPLOYMENT_KIND, unknown))


def test_a_stack_has_a_checklist_and_an_outline() -> None:
    assert stack(*NEEDED) == []
    for left in NEEDED:
        assert stack(left) == [("checklist-and-outline-declared", "")]
    assert stack(*NEEDED, NEEDED[0]) == [("checklist-and-outline-declared", "")]


@pytest.mark.parametrize(("named", "level"), [("staging", "advisory"), ("prod", "mandatory"), ("other", "mandatory")])
def test_the_pack_is_as_strict_as_the_stack_that_the_engine_names_to_it(named: str, level: str) -> None:
    """An engine that runs packs through their language's host starts them without saying for which stack."""
    answering = pack("prod")
    answering.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack=named), Context())
    found = analyze(OUTLINE_KIND, {"environment": named, "parts": []}, found=answering)
    assert ("gate-for-each-step", level) in found


def test_packs_that_are_made_elsewhere_are_as_they_were() -> None:
    before = policy._PolicyAnalyzerServicer
    with guarded("prod"):
        assert policy._PolicyAnalyzerServicer is not before
    assert policy._PolicyAnalyzerServicer is before


@pytest.mark.parametrize(("stack", "held"), [("prod", "mandatory"), ("dev", "disabled"), ("other", "mandatory")])
def test_the_pack_starts_as_the_engine_starts_it_and_is_as_strict_as_its_stack(stack: str, held: str) -> None:
    """The engine asks a process for its port, and that port for what the pack holds."""
    variables = {"PULUMI_PROJECT": "release-manager", "PULUMI_STACK": stack, "PULUMI_DRY_RUN": "true"}
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=PACK, env={**os.environ, **variables}
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                asked = analyzer_pb2_grpc.AnalyzerStub(channel)
                found = asked.GetAnalyzerInfo(empty_pb2.Empty(), timeout=20)
                config = {"checklist-03-review": proto.PolicyConfig(enforcementLevel=proto.DISABLED)}
                refused: str | None = None
                try:
                    asked.Configure(proto.ConfigureAnalyzerRequest(policyConfig=config), timeout=20)
                except grpc.RpcError as error:
                    refused = error.details()
        finally:
            process.kill()
    levels = {each.name: proto.EnforcementLevel.Name(each.enforcementLevel).lower() for each in found.policies}
    assert levels["checklist-03-review"] == held
    assert (refused or "").startswith("checklist-03-review is mandatory in prod" if held == "mandatory" else "")
    assert (refused is None) is (held == "disabled")
