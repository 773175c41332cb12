"""Accounts, OUs and the organization stay when their code goes.

CloudFormation deletes an account by closing it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, about

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG117",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find accounts, OUs and organizations whose deletion or replacement policy is not Retain."""
    declared = [
        *context.model.organizations.values(),
        *context.model.organizational_units.values(),
        *context.model.accounts.values(),
    ]
    for item in declared:
        resource = context.model.stack_of(item).resources[item.logical_id]
        for key in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(key) != "Retain":
                yield about(
                    item,
                    code="ORG117",
                    message=f"'{item.path}' has {key} '{resource.get(key, 'not set')}'; it would be deleted with its code",
                    remedy="leave the removal policy to the construct, or acknowledge ORG117 with a reason",
                )
                break
