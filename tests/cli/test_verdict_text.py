"""What `orgctl rehearse` prints of gaps and doubts."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from org_constructs.cli._verdict import show_verdict
from org_constructs.rehearsal.gaps import Doubt, Gap
from org_constructs.rehearsal.steps import Outcome, StepName
from org_constructs.rehearsal.verdict import Verdict

ACCOUNT = "222222222222"
DENIAL = json.dumps(
    {"Action": "s3:*", "Condition": {"Null": {"a": "true"}}, "Effect": "Deny", "Resource": "*"}
)
GAP: dict[str, Any] = {
    "account": ACCOUNT,
    "denial": DENIAL,
    "call": 3,
    "operation": "DetachPolicy",
    "until": 5,
}
BEGIN = f"gap app {ACCOUNT} was not denied Action s3:* under a condition"


def shown(verdict: Verdict) -> str:
    """Return what is printed of a verdict."""
    out = io.StringIO()
    outcome = Outcome(name=StepName.DEPLOY, runs=(), verdict=verdict)
    show_verdict(outcome, {ACCOUNT: "app"}, Console(file=out, width=1000, color_system=None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, f"{BEGIN} from call 3 (DetachPolicy) to call 5\n"),
        (
            {"example": "s3:Get a=[x]"},
            f"{BEGIN} from call 3 (DetachPolicy) to call 5; a request that passed: s3:Get a=[x]\n",
        ),
        (
            {"undecided": "no", "entered": True},
            "under a condition from call 3 (DetachPolicy) to call 5 (compared as documents, since no)\n",
        ),
    ],
)
def test_a_gap(more: dict[str, Any], line: str) -> None:
    """It names a request that passed, or why none is known."""
    verdict = Verdict(gaps=(Gap(**GAP, **more),))
    text = shown(verdict)
    assert "deploy: converged, 1 gap(s)" in text
    assert line in text
    (plain,) = verdict.to_json()["gaps"]
    assert plain == {
        **GAP,
        "denial": json.loads(DENIAL),
        "entered": False,
        "example": "",
        "undecided": "",
        **more,
    }


def test_a_doubt() -> None:
    """It is no gap, and it is said."""
    doubt = Doubt(account=ACCOUNT, call=3, operation="UpdatePolicy", why="of variables")
    verdict = Verdict(doubts=(doubt,))
    text = shown(verdict)
    assert "deploy: converged, no gap" in text
    assert (
        f"doubt app {ACCOUNT}: not known whether a denial was lacking after call 3 "
        "(UpdatePolicy): of variables\n"
    ) in text
    assert list(verdict.to_json()["doubts"]) == [
        {"account": ACCOUNT, "call": 3, "operation": "UpdatePolicy", "why": "of variables"}
    ]
