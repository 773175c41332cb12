"""Creating the organization is a deployment of its own.

For up to an hour AWS finalizes a new organization and refuses to create accounts; the handler does not retry.
Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity, about

# A rehearsal does not have to wait for AWS.
ACKNOWLEDGEABLE = ("ORG114",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Refuse accounts in the stack that creates the organization, until it is deployed."""
    for organization in context.model.organizations.values():
        if context.lock is not None and organization.path in context.lock.organizations:
            continue
        accounts = [
            a for a in context.model.accounts.values() if a.stack_id == organization.stack_id
        ]
        if accounts:
            yield about(
                organization,
                code="ORG114",
                severity=Severity.FATAL,
                message=f"stack '{organization.stack}' creates the organization and {len(accounts)} account(s); "
                "AWS can refuse to create accounts for up to an hour after",
                remedy="create the organization in a stack of its own and refer to its root with Root.from_root_id, "
                "or add the accounts once it is deployed",
            )
