"""No deployment opens a gap: what is denied before and after is denied at every moment between."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.changes import UNDECLARED, find_gaps
from org_constructs.model.denials import Denials, K, Lost
from org_constructs.model.lock import Lock

from ._check import CheckContext, Finding, Severity

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG040", "ORG131")


def check(context: CheckContext) -> Iterator[Finding]:
    """Replay the deployment call by call against what is deployed."""
    for gap in find_gaps(context.lock or Lock(), context.model, _by_decisions):
        if gap.is_open:
            passes = f"; a request that would pass: {gap.example}" if gap.example else ""
            how = f" (compared as documents, since {gap.undecided})" if gap.undecided else ""
            code, severity = "ORG131", Severity.FATAL
            message = (
                f"{_named(gap.account)} would lose a denial in the middle of the deployment: when {gap.step}, "
                f"what replaces it is not in force yet{passes}{how}"
            )
            remedy = (
                "deploy twice: first add the new policy or target and keep the old one, then remove the old one; "
                "or acknowledge ORG131 with a reason"
            )
        else:
            code, severity = "ORG040", Severity.WARNING
            message = (
                f"it is not known whether {_named(gap.account)} loses a denial in the middle of the deployment, "
                f"when {gap.step}: {gap.undecided}"
            )
            remedy = (
                "deploy twice if it matters: first add the new policy or target and keep the old one, then remove "
                "the old one"
            )
        yield Finding(
            code=code,
            severity=severity,
            message=message,
            remedy=remedy,
            path=gap.path,
            stack=gap.stack,
            logical_id=gap.logical_id,
        )


def _by_decisions(before: Denials[K], after: Denials[K], now: Denials[K]) -> Lost[K]:
    # Loaded where documents alone do not show that nothing is lacking.
    from org_constructs.evaluation.coverage import lost_denials

    return lost_denials(before, after, now)


def _named(account: str) -> str:
    container = account.removeprefix(UNDECLARED)
    return f"account '{account}'" if container == account else f"any account in '{container}'"
