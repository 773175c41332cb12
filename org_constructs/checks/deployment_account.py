"""The organization is deployed from its management account, and from no other."""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity


def check(context: CheckContext) -> Iterator[Finding]:
    """Find stacks of the organization that go to another account than the management account."""
    for stack in context.organization_stacks():
        expected = context.management_accounts(stack)
        if not expected:
            continue
        wanted = " or ".join(f"'{account}'" for account in sorted(expected))
        if stack.account and stack.account not in expected:
            yield Finding(
                code="ORG107",
                severity=Severity.FATAL,
                message=f"stack '{stack.name}' deploys to account '{stack.account}', the management account is {wanted}",
                remedy=f"give the stack env=Environment(account={min(expected)!r}, …), or correct the settings",
                path=stack.path,
                stack=stack.name,
            )
