"""The organization that is deployed keeps its identity: an account has only one."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import Declared

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find an organization under another id or in another stack than the deployed one."""
    deployed = context.lock.organizations if context.lock else {}
    declared = {
        organization.path: organization for organization in context.model.organizations.values()
    }
    kept = {
        path: declared[path]
        for path, locked in deployed.items()
        if path in declared and context.is_same(path, locked, declared[path])
    }
    for organization in declared.values():
        if organization.path in kept:
            continue
        account = context.model.stack_of(organization).account
        for path, locked in deployed.items():
            # Another management account may have an organization of its own.
            home = context.model.stack_of(kept[path]).account if path in kept else None
            if home and account and home != account:
                continue
            yield about(
                organization,
                code="ORG130",
                message=f"the organization is '{locked.logical_id}' of stack '{locked.stack}' in AWS ('{path}') and "
                f"'{organization.logical_id}' of '{organization.stack}' here: AWS would be asked to create another",
                remedy="give it the id and stack that it had, or refer to it by Organization.from_organization_attributes",
            )
            break
    by_account: dict[str | None, Declared] = {}
    for organization in context.model.organizations.values():
        account = context.model.stack_of(organization).account
        first = by_account.setdefault(account, organization)
        if first is not organization:
            yield about(
                organization,
                code="ORG130",
                message=f"'{first.path}' and '{organization.path}' would both create an organization in one account, which has only one",
                remedy="declare it once and refer to it by Organization.from_organization_attributes",
            )
