"""A wildcard is one only under the operators that read it as one.

`StringEquals` compares `*` with the sign `*`. Under `StringNotEquals` in a Deny that exempts nobody.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, is_deferred, judged

ACKNOWLEDGEABLE = ("ORG203",)

# The sign itself, as IAM writes it.
_ESCAPED = re.compile(r"\$\{[*?$]\}")
# What these keys hold never has the signs * and ? in it (documentation).
_WITHOUT_WILDCARDS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principaltype",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "ec2:instancetype",
    }
)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find values with a wildcard that is compared as a sign."""
    yield from judged(context, "ORG203", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        for condition in statement.conditions:
            if "Equals" not in condition.operator or not condition.operator.startswith("String"):
                continue
            for value in condition.values:
                if is_deferred(value) or not set("*?") & set(_ESCAPED.sub("", value)):
                    continue
                is_certain = condition.key.lower() in _WITHOUT_WILDCARDS
                like = "StringNotLike" if "Not" in condition.operator else "StringLike"
                yield Judgement(
                    statement=statement,
                    severity=Severity.ERROR if is_certain else Severity.WARNING,
                    message=f"{condition.name} {condition.key} '{value}' has a wildcard, which the operator takes for "
                    "the sign itself" + ("; the key never has that value" if is_certain else ""),
                    remedy=f"write {like}, or spell out the values",
                )
