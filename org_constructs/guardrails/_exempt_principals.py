"""Principals that a guardrail does not apply to: the ARNs that can match, and no others.

`aws:PrincipalArn` holds the ARN of a role, a user, a root user or a federated user session. The
ARN of an assumed-role session is never its value: such an exemption would be without effect.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
"""

from __future__ import annotations

import re

from org_constructs.model.errors import OrgError
from org_constructs.model.partitions import partitions
from org_constructs.policies._names import TOKEN

_ALLOWED = (
    "give the ARN of a role, user or root user such as 'arn:*:iam::123456789012:role/path/Name' "
    "or 'arn:*:iam::*:role/Break*'"
)
_PRINCIPAL = re.compile(
    r"arn:(?P<partition>[^:]+):(?:iam|sts)::(?P<account>[0-9*?]+):"
    r"(?P<resource>root|\*|(?:role|user)/[!-9;-~]+|federated-user/[!-9;-~]+)"
)
_SESSION = re.compile(
    r"arn:(?P<partition>[^:]+):sts::(?P<account>[^:]*):assumed-role/(?P<role>[^/]+)(?:/.*)?"
)
_NAME = re.compile(r"[A-Za-z0-9_+=,.@/*?-]+")
_PLACEHOLDER = re.compile(r"\$\{(?!aws:)[^}]*\}|\[[A-Z_]+\]")
_VARIABLE = re.compile(r"\$\{aws:[^}]*\}")


def check_exempt_principal(value: str, *, what: str) -> str:
    """Return `value` if it can be the value of `aws:PrincipalArn`; a CDK token is not checked.

    Args:
        value: an ARN, with wildcards if need be.
        what: whose exemption it is, for the message.

    Raises:
        OrgError: `ORG007`.
    """
    if TOKEN.search(value):
        return value
    if problem := _problem(value):
        raise OrgError("ORG007", f"{what}: exempt_principals '{value}' {problem}")
    return value


def _problem(value: str) -> str:
    if found := _PLACEHOLDER.search(value):
        return f"has the placeholder '{found[0]}'; write the account id or name itself, or '*'"
    if session := _SESSION.fullmatch(value):
        return _session_problem(session)
    principal = _PRINCIPAL.fullmatch(_VARIABLE.sub("*", value))
    if principal is None or ("federated-user/" in value) != (":sts:" in value):
        return _form_problem(value)
    return _value_problem(principal)


def _value_problem(principal: re.Match[str]) -> str:
    account = principal["account"]
    if account.isdigit() and len(account) != 12:  # noqa: PLR2004
        return f"has an account id of {len(account)} digits instead of 12; {_ALLOWED}"
    partition = principal["partition"]
    if not set("*?") & set(partition) and partition not in partitions():
        known = ", ".join(partitions())
        return f"has the unknown partition '{partition}'; write '*' or one of {known}"
    kind, _, name = principal["resource"].partition("/")
    if kind != "root" and not name.strip("*?/") and not account.strip("*?"):
        return f"exempts everyone, so the guardrail would bind nobody; {_ALLOWED}"
    return ""


def _session_problem(session: re.Match[str]) -> str:
    role = session["role"]
    path = "aws-reserved/sso.amazonaws.com/*" if role.startswith("AWSReservedSSO_") else ""
    return (
        "is the ARN of a session, which aws:PrincipalArn never is: it is the ARN of the role; "
        f"write 'arn:{session['partition']}:iam::{session['account']}:role/{path}{role}'"
        + ("" if path else ", with the path of the role if it has one")
    )


def _form_problem(value: str) -> str:
    if value.isdigit():
        return (
            "is an account id, which aws:PrincipalArn never is; name a role of the account such as "
            f"'arn:*:iam::{value}:role/Name'"
        )
    if value and not value.strip("*?"):
        return f"exempts everyone, so the guardrail would bind nobody; {_ALLOWED}"
    if not value.startswith("arn:") and _NAME.fullmatch(value):
        return f"is not an ARN; write 'arn:*:iam::*:role/{value}' if it is the name of a role"
    return f"is not the ARN of a principal; {_ALLOWED}"
