"""An account whose e-mail reaches nobody cannot be recovered.

Source: https://www.rfc-editor.org/rfc/rfc2606 and https://www.rfc-editor.org/rfc/rfc6761
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.identifiers import is_reserved_email

from ._check import CheckContext, Finding, Severity, about

# Advice may be taken as read.
ACKNOWLEDGEABLE = ("ORG116",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise against addresses in domains that are reserved for examples."""
    if context.allow_placeholders:
        return
    for account in context.model.accounts.values():
        if is_reserved_email(account.email):
            yield about(
                account,
                code="ORG116",
                severity=Severity.WARNING,
                message=f"account '{account.path}': email '{account.email}' is in a reserved domain, no mail reaches it",
                remedy="give an address that your company receives; the account's root user is recovered by it",
            )
