"""Each judgement finds its planted mistake, and accepts the twin that is just right.

The files in planted/ hold both: `wrong` has findings of the code (and of `also`) only, `right` none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from org_constructs.checks import CheckContext, Finding, run_checks
from org_constructs.model import OrganizationModel

FILES = sorted((Path(__file__).parent / "planted").glob("*.json"))
CASES = [
    pytest.param(content["code"], case, id=f"{content['code']}: {case['title']}")
    for file in FILES
    for content in [json.loads(file.read_text("utf-8"))]
    for case in content["cases"]
]
# Judged from the tree rather than from a document.
OF_THE_TREE = {"ORG213", "ORG216", "ORG217"}


def _judgements(statements: list[dict[str, Any]]) -> list[Finding]:
    content = {"Version": "2012-10-17", "Statement": statements}
    policy = {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "planted",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": content,
            "TargetIds": ["ou-ab12-34cd56ef"],
        },
    }
    model = OrganizationModel.from_templates({"Org": {"Resources": {"Planted": policy}}})
    found = run_checks(CheckContext(model=model))
    assert {finding.code for finding in found} - {"ORG134"} == {
        finding.code for finding in found if finding.code >= "ORG200"
    }
    return [finding for finding in found if finding.code >= "ORG200"]


@pytest.mark.parametrize(("code", "case"), CASES)
def test_planted_mistake(code: str, case: dict[str, Any]) -> None:
    """The mistake is found, with its severity, a place, what is wrong and what to do."""
    found = _judgements(case["wrong"])
    assert {finding.code for finding in found} == {code, *case.get("also", ())}
    text = "\n".join(f"{f.message} | {f.remedy}" for f in found if f.code == code)
    for part in case["says"]:
        assert part in text
    assert {f.severity for f in found if f.code == code} == {case["severity"]}
    for finding in found:
        assert finding.message.startswith("policy 'Org/Planted'")
        assert not finding.message.endswith(".")
        assert finding.remedy


@pytest.mark.parametrize(("code", "case"), CASES)
def test_the_twin_is_accepted(code: str, case: dict[str, Any]) -> None:
    """What differs in the mistake only has no finding at all."""
    del code
    assert _judgements(case["right"]) == []


def test_every_judgement_has_a_planted_mistake() -> None:
    """A new code needs a case here, or one of the tree."""
    planted = {json.loads(file.read_text("utf-8"))["code"] for file in FILES}
    assert planted | OF_THE_TREE == {f"ORG{number}" for number in range(200, 219)}
