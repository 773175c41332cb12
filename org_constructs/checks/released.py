"""What was let go is still in AWS: it is imported, not made again.

AWS would answer that the e-mail address or the name is taken, after other resources were made.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, about

# It may have been imported, or removed from AWS by hand, since it was let go.
ACKNOWLEDGEABLE = ("ORG141",)

_REMEDY = (
    "bring it back with `cdk import`, with ORG141 acknowledged at this path, then run orgctl lock"
)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find accounts, OUs and policies that were let go and are declared again."""
    if context.lock is None:
        return
    lock, model = context.lock, context.model
    for account in lock.released.accounts:
        for again in account.declared_in(model):
            if account.is_still(again, model):
                continue
            yield about(
                again,
                code="ORG141",
                message=f"account '{again.path}': email '{again.email}' is that of the account '{account.path}', "
                "which was let go and is still in AWS; it cannot be created again",
                remedy=f"{_REMEDY}; or refer to it by Account.from_account_id",
            )
    for unit in lock.released.organizational_units:
        for taker in unit.declared_in(model):
            if unit.is_still(taker, model):
                continue
            held = lock.organizational_units.get(taker.path)
            if held is None or (held.parent, held.name) != (unit.parent, unit.name):
                yield about(
                    taker,
                    code="ORG141",
                    message=f"organizational unit '{taker.path}': '{unit.path}' with the name '{unit.name}' under "
                    f"'{unit.parent}' was let go and is still in AWS; the name is taken",
                    remedy=f"{_REMEDY}; or refer to it by OrganizationalUnit.from_organizational_unit_id",
                )
    for policy in lock.released.policies:
        for namesake in policy.declared_in(model):
            if getattr(lock.policies.get(namesake.path), "name", None) != policy.name:
                yield about(
                    namesake,
                    code="ORG141",
                    message=f"policy '{namesake.path}': '{policy.path}' with the name '{policy.name}' was retained "
                    "and is still in AWS; the name is taken",
                    remedy=f"{_REMEDY}; or give it another name=",
                )
