"""What pydantic found is handed on as it is: kind, keys, what stands there, and what it was held against."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from forecast.basics.issues import Finding, Issue, as_json, from_pydantic, nearest


class Row(BaseModel):
    shares: dict[str, list[float]]
    year: int = Field(le=2100)


def test_every_finding_is_told() -> None:
    seen: list[Finding] = []

    def told(finding: Finding) -> Issue:
        seen.append(finding)
        return Issue("E320", values={"field": finding.kind, "found": finding.found})

    with pytest.raises(ValidationError) as caught:
        Row.model_validate({"shares": {"330302": [0.5, "x"]}, "year": 2200})
    issues = from_pydantic(caught.value, told)
    assert [issue.code for issue in issues] == ["E320", "E320"]
    assert [finding.keys for finding in seen] == [("shares", "330302", 1), ("year",)]
    assert [finding.found for finding in seen] == ['"x"', "2200"]
    assert seen[1].context == {"le": 2100}


def test_what_was_found_is_cut_to_what_can_be_printed() -> None:
    assert as_json({"a": "字"}) == '{"a": "字"}'
    assert len(as_json("x" * 100)) == 60


def test_a_near_word_is_offered_and_a_far_one_only_if_asked_for() -> None:
    assert nearest("fertilty", ["mortality", "fertility"]) == "fertility"
    assert nearest("zzz", ["mortality", "fertility"]) == ""
    assert nearest("ty", ["mortality"], cutoff=0.0) == "mortality"
