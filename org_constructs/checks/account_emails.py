"""Every account has an e-mail address of its own; AWS compares them without case.

CreateAccount fails with EMAIL_ALREADY_EXISTS, after other resources have been created.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import DeclaredAccount

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find accounts with the same e-mail in any case, across stacks too."""
    seen: dict[str, DeclaredAccount] = {}
    for account in context.model.accounts.values():
        if account.email.startswith("?"):
            continue
        first = seen.setdefault(account.email.lower(), account)
        if first is not account:
            yield about(
                account,
                code="ORG103",
                message=f"accounts '{first.path}' and '{account.path}' have one email: '{first.email}' and '{account.email}'",
                remedy="give each account an address of its own, such as one with +name before the @",
            )
