"""An Allow adds nothing where AWS's FullAWSAccess is attached as well, which allows everything.

AWS attaches FullAWSAccess to the root, to every OU and to every account; a template detaches it by
`deny_by_default()` alone.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._certain import is_about_everything
from ._check import CheckContext, Finding
from ._documents import Judgement, PolicyDocument, finding_of
from ._patterns import EVERYTHING

ACKNOWLEDGEABLE = ("ORG211",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find attached allow lists."""
    for document in context.documents:
        judgement = _judgement(document)
        if judgement is None:
            continue
        for policy in document.policies:
            if any(target not in context.model.allow_lists for target in policy.targets):
                yield finding_of(policy, "ORG211", judgement)


def _judgement(document: PolicyDocument) -> Judgement | None:
    if not document.binds_principals:
        return None
    narrow = [
        statement
        for statement in document.parsed.statements
        if statement.effect == "Allow"
        and not (
            EVERYTHING in statement.actions
            and is_about_everything(statement)
            and not statement.conditions
        )
    ]
    if not narrow:
        return None
    return Judgement(
        statement=narrow[0],
        message="an Allow restricts nothing while AWS's FullAWSAccess is attached to the same target, which it is "
        "unless somebody has detached it; once it is detached, whatever no policy there allows is denied",
        remedy="write a Deny with NotAction; or detach FullAWSAccess by deny_by_default() of each target, or by hand after "
        "this is deployed, and acknowledge ORG211 then",
    )
