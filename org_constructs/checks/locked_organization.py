"""The lock file belongs to the organization that is synthesized."""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity


def check(context: CheckContext) -> Iterator[Finding]:
    """Find a lock that was written for another management account."""
    lock = context.lock
    if lock is None or lock.management_account_id is None:
        return
    known = lock.organizations or lock.organizational_units or lock.accounts or lock.policies
    stacks = context.organization_stacks()
    if not known or any(stack.account == lock.management_account_id for stack in stacks):
        # What goes to another account is another organization of this app, which is still new.
        return
    for stack in stacks:
        if stack.account and stack.account != lock.management_account_id:
            yield Finding(
                code="ORG129",
                severity=Severity.FATAL,
                message=f"the lock file is that of management account '{lock.management_account_id}', "
                f"stack '{stack.name}' deploys to '{stack.account}'",
                remedy="give each organization a lock file of its own, by the context key org-constructs:lockFile or as ORG=@settings.json does",
                path=stack.path,
                stack=stack.name,
            )
