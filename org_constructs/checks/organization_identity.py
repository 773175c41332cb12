"""The organization that is deployed keeps its identity: an account has only one."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import Declared

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find an organization under another id or in another stack than the deployed one."""
    deployed = context.lock.organizations if context.lock else {}
    known = {(locked.stack, locked.logical_id) for locked in deployed.values()}
    for organization in context.model.organizations.values():
        if known and (organization.stack, organization.logical_id) not in known:
            path, locked = next(iter(deployed.items()))
            yield about(
                organization,
                code="ORG130",
                message=f"the organization is '{locked.logical_id}' of stack '{locked.stack}' in AWS ('{path}') and "
                f"'{organization.logical_id}' of '{organization.stack}' here: AWS would be asked to create another",
                remedy="give it the id and stack that it had, or refer to it by Organization.from_organization_attributes",
            )
    by_account: dict[str | None, Declared] = {}
    for organization in context.model.organizations.values():
        account = context.model.assembly.by_name[organization.stack].account
        first = by_account.setdefault(account, organization)
        if first is not organization:
            yield about(
                organization,
                code="ORG130",
                message=f"'{first.path}' and '{organization.path}' would both create an organization in one account, which has only one",
                remedy="declare it once and refer to it by Organization.from_organization_attributes",
            )
