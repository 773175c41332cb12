"""No deployment opens a gap: a denial that holds before and after holds at every moment between."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.changes import UNDECLARED, find_gaps
from org_constructs.model.lock import Lock

from ._check import CheckContext, Finding, Severity

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG131",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Replay the deployment call by call against what is deployed."""
    for gap in find_gaps(context.lock or Lock(), context.model):
        yield Finding(
            code="ORG131",
            severity=Severity.FATAL,
            message=f"{_named(gap.account)} would lose a denial in the middle of the deployment: when {gap.step}, "
            "what replaces it is not in force yet",
            remedy="deploy twice: first add the new policy or target and keep the old one, then remove the old one; "
            "or acknowledge ORG131 with a reason",
            path=gap.path,
            stack=gap.stack,
            logical_id=gap.logical_id,
        )


def _named(account: str) -> str:
    container = account.removeprefix(UNDECLARED)
    return f"account '{account}'" if container == account else f"any account in '{container}'"
