"""The organization is deployed from its management account, and from no other."""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity


def check(context: CheckContext) -> Iterator[Finding]:
    """Find stacks of the organization that go to another account than the management account."""
    stacks = context.organization_stacks()
    expected = set(context.management_account_ids)
    if not expected:
        # The account in which the organization is created is the one that manages it.
        expected = {
            stack.account
            for stack in stacks
            if stack.account
            and any(o.stack == stack.name for o in context.model.organizations.values())
        }
    if not expected:
        return
    wanted = " or ".join(f"'{account}'" for account in sorted(expected))
    for stack in stacks:
        if stack.account and stack.account not in expected:
            yield Finding(
                code="ORG107",
                severity=Severity.FATAL,
                message=f"stack '{stack.name}' deploys to account '{stack.account}', the management account is {wanted}",
                remedy=f"give the stack env=Environment(account={min(expected)!r}, …), or correct the settings",
                path=stack.path,
                stack=stack.name,
            )
