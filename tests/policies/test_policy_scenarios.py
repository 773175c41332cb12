"""Every file of `scenarios` is one policy type, with documents and what is wrong with each.

The file is named after the type. A case has a `document`, or one `statement` of a document that is
right otherwise, and the `findings` expected, none when AWS takes it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from org_constructs.policies import PolicyType, policy_type_spec

FILES = sorted(Path(__file__).with_name("scenarios").glob("*.json"))
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in FILES
    for case in json.loads(path.read_text("utf-8"))["cases"]
]


@pytest.mark.parametrize(("policy_type", "case"), CASES)
def test_scenario(policy_type: str, case: dict[str, Any]) -> None:
    """What AWS takes has no findings; what it calls malformed has the one that says what to write."""
    spec = policy_type_spec(PolicyType(policy_type.upper()))
    assert spec is not None
    document = (
        case["document"]
        if "document" in case
        else {"Version": "2012-10-17", "Statement": [case["statement"]]}
    )
    assert spec.findings(document) == case["findings"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_policy_scenario_files_cite_their_source(path: Path) -> None:
    """Each file names the page that it encodes, and has cases of either kind."""
    content = json.loads(path.read_text("utf-8"))
    assert all(url.startswith("https://docs.aws.amazon.com/") for url in content["sources"])
    assert {bool(case["findings"]) for case in content["cases"]} == {True, False}
