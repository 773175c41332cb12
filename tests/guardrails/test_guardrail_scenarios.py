"""Every file of `scenarios` is one guardrail with its arguments, and what becomes of them.

A case has a `guardrail` and `arguments`, and either the `statements` expected or the `error` with
its `code`. In an expected statement `NotAction` may be given as `NotActionIncludes` and
`NotActionExcludes`, for the lists that are data; `{botocore}` in an error is its version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore
import pytest

from org_constructs import guardrails
from org_constructs.model.errors import OrgError

FILES = sorted(Path(__file__).with_name("scenarios").glob("*.json"))
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in FILES
    for case in json.loads(path.read_text("utf-8"))["cases"]
]


@pytest.mark.parametrize("case", CASES)
def test_scenario(case: dict[str, Any]) -> None:
    """The guardrail gives the statements that the cited page of AWS calls for, or the refusal."""
    kind = getattr(guardrails, case["guardrail"])
    if "error" in case:
        with pytest.raises(OrgError) as caught:
            kind(**case["arguments"])
        expected_error = case["error"].replace("{botocore}", botocore.__version__)
        assert [caught.value.code, str(caught.value)] == [case["code"], expected_error]
        return
    found = [statement.to_json() for statement in kind(**case["arguments"]).statements()]
    for statement, expected in zip(found, case["statements"], strict=True):
        wanted = dict(expected)
        if "NotActionIncludes" in wanted:
            actions = statement.pop("NotAction")
            assert set(wanted.pop("NotActionIncludes")) <= set(actions)
            assert not set(wanted.pop("NotActionExcludes")) & set(actions)
        assert statement == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario_files_cite_their_source(path: Path) -> None:
    """Each file names the page that it encodes, and is about a guardrail that exists."""
    content = json.loads(path.read_text("utf-8"))
    assert all(url.startswith("https://docs.aws.amazon.com/") for url in content["sources"])
    assert {case["guardrail"] for case in content["cases"]} <= set(guardrails.__all__)


def test_every_guardrail_has_scenarios() -> None:
    """No guardrail is without a scenario of its own."""
    assert {path.stem for path in FILES} >= set(guardrails._modules().values()) - {"_guardrail"}  # type: ignore[attr-defined]
