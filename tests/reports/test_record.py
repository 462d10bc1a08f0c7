"""verification.json has one form, which its schema describes, and the table says the same in the terminal."""

from __future__ import annotations

import json

import jsonschema
import pytest
from pydantic import ValidationError

from reports.record import VerificationRecord
from reports.table import WIDTH, table
from tests.reports.sample import record, step


def test_the_record_is_as_its_schema_says_and_can_be_read_again() -> None:
    written = json.loads(json.dumps(record().model_dump(mode="json")))
    schema = VerificationRecord.model_json_schema(mode="serialization")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(written, schema)
    assert VerificationRecord.model_validate_json(json.dumps(written)) == record()


def test_each_step_has_its_verdict_numbers_query_and_times() -> None:
    [pods, smoke, metrics] = record().model_dump(mode="json")["steps"]
    assert (pods["verdict"], pods["numbers"], pods["query"]) == ("PASS", {"wanted": 9.0}, "Deployment x")
    assert (pods["began"], pods["ended"], pods["seconds"]) == ("2024-05-14T09:30:00Z", "2024-05-14T09:30:02Z", 2.0)
    assert (smoke["verdict"], smoke["output"]) == ("FAIL", ["FAIL /metrics"])
    assert (metrics["verdict"], metrics["began"], metrics["seconds"]) == ("NOT_TAKEN", None, None)


@pytest.mark.parametrize("wrong", [{"outcome": "fine"}, {"format": 2}, {"surprise": 1}])
def test_what_is_not_of_the_form_is_no_record(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        record(**wrong)


def test_the_table_has_a_line_for_each_step_with_its_columns_in_place() -> None:
    lines = table(record()).splitlines()
    assert lines[0] == "verification of v2024.05.14 in production: failed after 9.0 s"
    assert [line[:23] for line in lines[1:]] == [
        "STEP         VERDICT   ",
        "pods         PASS      ",
        "smoke tests  FAIL      ",
        "key metrics  not taken",
    ]
    at = lines[2].index("9 of 9 pods")
    assert lines[3][at:].startswith("ended with status 1")
    assert lines[1][at:] == "WHAT"


def test_no_line_of_the_table_is_too_long_or_two() -> None:
    long = record(steps=(step("pods", "FAIL", reason="a reason\n" * 50),))
    lines = table(long).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) == WIDTH
