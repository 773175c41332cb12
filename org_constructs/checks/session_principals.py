"""`aws:PrincipalArn` is compared with what it can be: the ARN of a role, user or root user.

For a session it holds the ARN of the role, never that of the session.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ._certain import PRINCIPAL_KEY
from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, is_deferred, judged, of_key

ACKNOWLEDGEABLE = ("ORG202",)

_SESSION = re.compile(
    r"arn:(?P<partition>[^:]*):[^:]*:[^:]*:(?P<account>[^:]*):assumed-role/(?P<role>[^/]*)(?:/.*)?"
)
_GROUP = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:group/.*")
_ACCOUNT = re.compile(r"[0-9]{12}")


def check(context: CheckContext) -> Iterator[Finding]:
    """Find principals that no request comes from."""
    yield from judged(context, "ORG202", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        for condition in of_key(statement, PRINCIPAL_KEY):
            if condition.operator == "Null":
                continue
            for value in condition.values:
                problem = None if is_deferred(value) else _problem(value)
                if problem is None:
                    continue
                yield Judgement(
                    statement=statement,
                    severity=Severity.ERROR,
                    message=f"{condition.name} {condition.key} '{value}' {problem[0]}, which the key never is",
                    remedy=problem[1],
                )


def _problem(value: str) -> tuple[str, str] | None:
    if session := _SESSION.fullmatch(value):
        path = "aws-reserved/sso.amazonaws.com/*" * session["role"].startswith("AWSReservedSSO_")
        role = f"arn:{session['partition']}:iam::{session['account']}:role/{path}{session['role']}"
        return "is the ARN of a session", f"write the ARN of its role: '{role}'"
    if _GROUP.fullmatch(value):
        return "is the ARN of a group", "name its users, or better a role that they assume"
    if _ACCOUNT.fullmatch(value):
        return (
            "is an account id",
            f"compare aws:PrincipalAccount, or name a role: 'arn:*:iam::{value}:role/Name'",
        )
    return None
