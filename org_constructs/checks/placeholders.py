"""Every name in a policy stands for something: nothing is left to fill in, and requests have the keys.

`${Account}` reads as a policy variable, and there is none of that name. A condition on a key that no
request has never holds, or always where it is negated.
Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._certain import PRINCIPAL_KEY, REGION_KEY
from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, is_deferred, judged

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

ACKNOWLEDGEABLE = ("ORG209",)

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_ESCAPES = frozenset("*?$")
# A key: `aws:username`, `s3:prefix`, `aws:PrincipalTag/team`, `accounts.google.com:sub`; a default may follow.
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+(?:/[^:,'}]+)?:[^:,'}]+)\s*(?:,\s*'[^']*'\s*)?")
# Forms in which documents leave a place to fill in.
_TO_FILL_IN = re.compile(
    r"<[A-Za-z][A-Za-z0-9_ /-]*>|\[[A-Z][A-Z0-9_ /*-]*\]|\{\{[^{}]*\}\}|(?<![$#])\{[A-Za-z][A-Za-z0-9_ -]*\}"
)
# The key of an object in Amazon S3 may have any sign in it.
_OBJECT = re.compile(r"arn:[^:]*:s3:[^/\\[<{]*/")
# Their values have none of these brackets, whatever they are.
_STRICT_KEYS = frozenset({PRINCIPAL_KEY, REGION_KEY})
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_GLOBAL_KEYS = tuple(
    f"aws:{name}"
    for name in [
        "AssumedRoot",
        "CalledVia",
        "CalledViaAWSMCP",
        "CalledViaFirst",
        "CalledViaLast",
        "ChatbotSourceArn",
        "CurrentTime",
        "Ec2InstanceSourcePrivateIPv4",
        "Ec2InstanceSourceVpc",
        "EpochTime",
        "FederatedProvider",
        "IsMcpServiceAction",
        "MultiFactorAuthAge",
        "MultiFactorAuthPresent",
        "PrincipalAccount",
        "PrincipalArn",
        "PrincipalIsAWSService",
        "PrincipalOrgID",
        "PrincipalOrgPaths",
        "PrincipalServiceName",
        "PrincipalServiceNamesList",
        "PrincipalTag",
        "PrincipalType",
        "Referer",
        "RequestedRegion",
        "RequestTag",
        "ResourceAccount",
        "ResourceOrgID",
        "ResourceOrgPaths",
        "ResourceTag",
        "SecureTransport",
        "SignInSessionArn",
        "SourceAccount",
        "SourceArn",
        "SourceIdentity",
        "SourceIp",
        "SourceOrgID",
        "SourceOrgPaths",
        "SourceVpc",
        "SourceVpcArn",
        "SourceVpce",
        "TagKeys",
        "TokenIssueTime",
        "UserAgent",
        "ViaAWSMCPService",
        "ViaAWSService",
        "VpceAccount",
        "VpceOrgID",
        "VpceOrgPaths",
        "VpcSourceIp",
        "userid",
        "username",
    ]
)
_KNOWN = {key.lower() for key in _GLOBAL_KEYS}


def check(context: CheckContext) -> Iterator[Finding]:
    """Find variables and keys that do not exist, and places that were to be filled in."""
    yield from judged(context, "ORG209", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        seen: set[str] = set()
        texts = [
            *(
                (name, "Resource", not _OBJECT.match(name))
                for name in (*statement.resources, *statement.not_resources)
            ),
            *((name, "Action", True) for name in (*statement.actions, *statement.not_actions)),
            *(
                (value, f"{c.name} {c.key}", c.key.lower() in _STRICT_KEYS)
                for c in statement.conditions
                for value in c.values
            ),
        ]
        for text, where, is_strict in texts:
            if is_deferred(text):
                continue
            for found, severity, problem, remedy in _problems(text, is_strict=is_strict):
                if found in seen:
                    continue
                seen.add(found)
                yield Judgement(
                    statement=statement,
                    severity=severity,
                    message=f"{where} '{text}': {problem}",
                    remedy=remedy,
                )
        yield from _keys(statement)


def _keys(statement: ParsedStatement) -> Iterator[Judgement]:
    for written in dict.fromkeys(condition.key for condition in statement.conditions):
        base = written.partition("/")[0]
        if is_deferred(written) or "${" in written:
            continue
        # An identity provider's name may have a path: oidc.eks.eu-west-1.amazonaws.com/id/A1:sub.
        if ":" not in written:
            severity, problem = (
                Severity.ERROR,
                "is no key of a request: each begins with 'aws:' or a service",
            )
        elif base.lower().startswith("aws:") and base.lower() not in _KNOWN:
            severity, problem = Severity.WARNING, "is a key that AWS does not document"
        else:
            continue
        name = base.rpartition(":")[2]
        near = difflib.get_close_matches(f"aws:{name}".lower(), sorted(_KNOWN), n=1)
        meant = next((key for key in _GLOBAL_KEYS if key.lower() in near), None)
        yield Judgement(
            statement=statement,
            severity=severity,
            message=f"Condition on '{written}', which {problem}; without it a comparison never holds, "
            "a negated one always",
            remedy=f"did you mean '{meant}'?"
            if meant
            else "write a key such as 'aws:PrincipalArn'",
        )


def _problems(text: str, *, is_strict: bool) -> Iterator[tuple[str, Severity, str, str]]:
    for match in _VARIABLE.finditer(text):
        name = match[1]
        if name in _ESCAPES:
            continue
        key = _KEY.fullmatch(name)
        if key is None:
            yield (
                match[0],
                Severity.ERROR,
                f"'{match[0]}' reads as a policy variable, and '{name}' is no key of a request: it never has a value",
                "write the value itself, or '*'",
            )
            continue
        base = key[1].partition("/")[0]
        if base.lower().startswith("aws:") and base.lower() not in _KNOWN:
            near = difflib.get_close_matches(base, _GLOBAL_KEYS, n=1)
            yield (
                match[0],
                Severity.WARNING,
                f"'{match[0]}' names a key that AWS does not document, and has no value without it",
                f"did you mean '{near[0]}'?"
                if near
                else "write a key such as 'aws:PrincipalTag/team'",
            )
    for match in _TO_FILL_IN.finditer(_VARIABLE.sub("", text)):
        yield (
            match[0],
            # A path of an API has a name in braces.
            Severity.ERROR
            if is_strict and (match[0][0] != "{" or not text.startswith("arn:"))
            else Severity.WARNING,
            f"'{match[0]}' looks like a place to fill in",
            "write the value that is meant",
        )
