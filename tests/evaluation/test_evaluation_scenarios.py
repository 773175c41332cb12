"""Every file of `scenarios` is a list of decisions, derived by hand from the AWS page that each cites.

A case has one of these forms:

- `condition`, `context` and `holds`: whether a statement with that condition applies.
- `levels` and perhaps `resource_levels`, `request` and `effect`: a decision. A policy is the name of
  AWS's own, a statement, a list of statements, or a document with its Version.
- `content`, `kind` and `error`: a document that is refused, and what the message has to say.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from org_constructs.evaluation import PolicySyntaxError, Request, decide, parse_policy
from org_constructs.evaluation._operators import OPERATORS

FILES = sorted(Path(__file__).with_name("scenarios").glob("*.json"))
CASES = [
    (path.stem, case) for path in FILES for case in json.loads(path.read_text("utf-8"))["cases"]
]
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NAMED = {
    "FullAWSAccess": ALLOW_ALL,
    "RCPFullAWSAccess": {**ALLOW_ALL, "Principal": "*"},
}
# What every operator is tried with; Null has no values to compare and no IfExists.
COLUMNS = {
    "match",
    "no match",
    "missing key",
    "several values, match",
    "several values, no match",
    "IfExists, match",
    "IfExists, no match",
    "IfExists, missing key",
    "ForAnyValue, one matches",
    "ForAnyValue, none matches",
    "ForAnyValue, missing key",
    "ForAnyValue, no values",
    "ForAnyValue with IfExists, missing key",
    "ForAllValues, all match",
    "ForAllValues, one does not match",
    "ForAllValues, missing key",
    "ForAllValues, no values",
    "ForAllValues with several values, match",
}
NULL_COLUMNS = {
    "match",
    "no match",
    "missing key",
    "missing key, false",
    "several values, match",
    "several values, missing key",
    "no values",
    "ForAnyValue, match",
    "ForAnyValue, missing key",
    "ForAllValues, match",
    "ForAllValues, missing key",
}


def _document(policy: Any) -> dict[str, Any]:
    policy = NAMED.get(policy, policy) if isinstance(policy, str) else policy
    if "Version" in policy:
        return dict(policy)
    return {"Version": "2012-10-17", "Statement": policy}


def _levels(levels: list[list[Any]]) -> list[list[dict[str, Any]]]:
    return [[_document(policy) for policy in level] for level in levels]


def _named(form: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{file}: {case['name']}") for file, case in CASES if form in case
    ]


@pytest.mark.parametrize("case", _named("condition"))
def test_condition(case: dict[str, Any]) -> None:
    """A statement applies exactly when its condition holds, whether it denies or allows."""
    statement = {"Action": "*", "Resource": "*", "Condition": case["condition"]}
    request = Request(action="s3:GetObject", context=case["context"])
    denied = decide(_levels([["FullAWSAccess", {"Effect": "Deny", **statement}]]), request)
    allowed = decide(_levels([[{"Effect": "Allow", **statement}]]), request)
    holds = case["holds"]
    assert denied.effect == ("ExplicitlyDenied" if holds else "Allowed"), denied.explanation
    assert allowed.effect == ("Allowed" if holds else "ImplicitlyDenied"), allowed.explanation
    if "missing_keys" in case:
        assert list(denied.missing_keys) == case["missing_keys"]


@pytest.mark.parametrize("case", _named("levels"))
def test_decision(case: dict[str, Any]) -> None:
    """A request gets the effect that the page says, from the levels that it says."""
    decision = decide(
        _levels(case["levels"]),
        Request(**case["request"]),
        resource_levels=_levels(case.get("resource_levels", [])),
        management_account=case.get("management_account"),
    )
    assert decision.effect == case["effect"], decision.explanation
    if "missing_keys" in case:
        assert list(decision.missing_keys) == case["missing_keys"]
    if "caveat" in case:
        assert any(case["caveat"] in text for text in decision.caveats) == bool(case["caveat"])
        assert all(text in decision.explanation for text in decision.caveats)
    if "denied_at" in case:
        assert [x.number for x in decision.levels if x.denied_by] == case["denied_at"]
    if "not_allowed_at" in case:
        assert [level.number for level in decision.not_allowed_at] == case["not_allowed_at"]
    assert [exemption.kind for exemption in decision.exemptions] == case.get("exempt", [])


@pytest.mark.parametrize("case", _named("error"))
def test_refused(case: dict[str, Any]) -> None:
    """A document that AWS would reject is an error that says where; it decides nothing."""
    content = copy.deepcopy(case["content"])
    with pytest.raises(PolicySyntaxError) as caught:
        parse_policy(content, name="guard", kind=case["kind"])
    assert str(caught.value).startswith("policy 'guard': ")
    assert case["error"] in str(caught.value)
    assert caught.value.code == "ORG030"
    if not isinstance(content, list):
        side = "levels" if case["kind"] == "SERVICE_CONTROL_POLICY" else "resource_levels"
        with pytest.raises(PolicySyntaxError):
            decide(**{"levels": [], side: [[content]]}, request=Request(action="s3:GetObject"))


def test_matrix_is_complete() -> None:
    """No operator is left out, and none is without one of the columns."""
    found: dict[str, set[str]] = {}
    for _, case in CASES:
        if "operator" in case:
            found.setdefault(case["operator"], set()).add(case["column"])
            written = next(iter(case["condition"]))
            assert case["operator"] in written
            for part in ("IfExists", "ForAnyValue", "ForAllValues"):
                assert (part in case["column"]) == (part in written), case["name"]
    assert found.keys() == OPERATORS.keys()
    for operator, columns in found.items():
        assert columns == (NULL_COLUMNS if operator == "Null" else COLUMNS), operator


def test_scenarios_cite_their_source() -> None:
    """Each case names the page of AWS that it encodes, and no two of a file have one name."""
    assert all(case["source"].startswith("https://docs.aws.amazon.com/") for _, case in CASES)
    names = [(file, case["name"]) for file, case in CASES]
    assert len(names) == len(set(names))
