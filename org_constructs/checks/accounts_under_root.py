"""Accounts are in OUs: what is directly under the root gets the policies of the root and no others.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_best-practices_member-acct.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity, about

ACKNOWLEDGEABLE = ("ORG216",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise against accounts directly under the root."""
    for account in context.model.accounts.values():
        if context.model.is_root(account.parent):
            yield about(
                account,
                code="ORG216",
                severity=Severity.WARNING,
                message=f"account '{account.path}' is directly under the root, where no policy can be for it and others "
                "of its kind alone",
                remedy="declare it in an OU; AWS moves it there in place",
            )
