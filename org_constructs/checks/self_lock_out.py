"""A guardrail does not lock out what has to work: CDK's roles, and the role for emergencies.

The management account is exempt from every service control policy, so what is meant is the member
accounts: without the roles of CDK's bootstrap nothing is deployed there any more, not even the
repair. Whoever denies everything to everybody means it; that is not found here.
Source: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from org_constructs.model.partitions import partitions

from ._certain import PRINCIPAL_KEY, REGION_KEY, applies, is_about_everything
from ._check import CheckContext, Finding
from ._documents import Judgement, PolicyDocument, is_deferred, judged, listed, of_key
from ._patterns import EVERYTHING, covers

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

ACKNOWLEDGEABLE = ("ORG210",)

_ACCOUNT = "123456789012"
_CDK_ROLE = (
    "arn:{partition}:iam::"
    + _ACCOUNT
    + ":role/cdk-hnb659fds-{role}-role-"
    + _ACCOUNT
    + "-us-east-1"
)
# What each role calls in every deployment (documentation: the template of the bootstrap stack).
_NEEDED = {
    "deploy": (
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStacks",
        "cloudformation:ExecuteChangeSet",
        "iam:PassRole",
        "ssm:GetParameter",
    ),
    "file-publishing": ("s3:GetBucketLocation", "s3:PutObject"),
}
_EMERGENCY = re.compile(r"role/(?:[^*?]*/)?[^/]*(?:break.?glass|emergency)[^/]*$", re.IGNORECASE)
_NEEDED_IN_EMERGENCY = ("*", "iam:*", "sts:*")


def check(context: CheckContext) -> Iterator[Finding]:
    """Find denials that bind CDK's roles, or an emergency role that other statements exempt."""
    yield from judged(context, "ORG210", _cdk)
    emergency = sorted(
        {
            (role, policy.path)
            for document in context.documents
            for policy in document.policies
            for statement in document.denials
            for role in _exempt_emergency_roles(statement)
        }
    )
    if not emergency:
        return

    def judge(document: PolicyDocument) -> Iterator[Judgement]:
        return _emergency(document, emergency)

    yield from judged(context, "ORG210", judge)


def _cdk(document: PolicyDocument) -> Iterator[Judgement]:
    if not document.binds_principals:
        return
    for statement in document.denials:
        # What a Region fence leaves open is for the rules about fences.
        if (
            _denies_everything(statement)
            or not is_about_everything(statement)
            or any(of_key(statement, REGION_KEY))
            or _exempts_cdk(statement)
        ):
            continue
        denied = [
            action
            for role, actions in _NEEDED.items()
            for action in actions
            if _names(statement, action)
            and _binds(
                statement,
                _CDK_ROLE.format(partition=document.partition, role=role),
                document.partition,
            )
        ]
        if denied:
            yield Judgement(
                statement=statement,
                message=f"denies {listed(denied)} to the roles that CDK deploys with, 'role/cdk-*', in every account it "
                "reaches; nothing can be deployed there, not even the repair",
                remedy="exempt them: ArnNotLike aws:PrincipalArn 'arn:*:iam::*:role/cdk-*'; "
                "acknowledge ORG210 where CDK deploys nothing",
            )


def _exempts_cdk(statement: ParsedStatement) -> bool:
    """Tell whether a statement exempts roles of CDK, those of another qualifier included."""
    return any(
        "role/cdk-" in value
        for condition in of_key(statement, PRINCIPAL_KEY)
        if "Not" in condition.operator
        for value in condition.values
    )


def _emergency(document: PolicyDocument, known: list[tuple[str, str]]) -> Iterator[Judgement]:
    if not document.binds_principals:
        return
    for statement in document.denials:
        if not is_about_everything(statement) or statement.not_actions:
            continue
        if not any(action.lower() in _NEEDED_IN_EMERGENCY for action in statement.actions):
            continue
        for role, path in known:
            principal = role.replace("*", "x").replace("?", "x")
            principal = re.sub(r"::[^:]*:", f"::{_ACCOUNT}:", principal)
            principal = re.sub(r"^arn:[^:]*:", f"arn:{document.partition}:", principal)
            if _binds(statement, principal, document.partition):
                yield Judgement(
                    statement=statement,
                    message=f"denies {listed(statement.actions)} to '{role}', which '{path}' exempts",
                    remedy=f"exempt it here as well: ArnNotLike aws:PrincipalArn '{role}'",
                )
                break


def _binds(statement: ParsedStatement, principal: str, partition: str) -> bool:
    """Tell whether a statement binds a principal in every Region, whatever else is true."""
    return all(
        applies(statement, region=region, principal=principal) is True
        for region in partitions()[partition].regions
    )


def _names(statement: ParsedStatement, action: str) -> bool:
    name = action.lower()
    if statement.not_actions:
        return not any(covers(pattern.lower(), name) for pattern in statement.not_actions)
    return any(covers(pattern.lower(), name) for pattern in statement.actions)


def _denies_everything(statement: ParsedStatement) -> bool:
    """Tell whether a statement closes an account to all but some."""
    return EVERYTHING in statement.actions and all(
        condition.key.lower() == PRINCIPAL_KEY and "Not" in condition.operator
        for condition in statement.conditions
    )


def _exempt_emergency_roles(statement: ParsedStatement) -> Iterator[str]:
    for condition in of_key(statement, PRINCIPAL_KEY):
        if "Not" in condition.operator:
            for value in condition.values:
                if _EMERGENCY.search(value) and not is_deferred(value) and "${" not in value:
                    yield value
