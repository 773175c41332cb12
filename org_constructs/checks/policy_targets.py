"""A policy targets containers or accounts, not both: they take different places in the chain of writes."""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find policies that are attached to accounts and to the root or OUs."""
    for policy in context.model.policies.values():
        known = [target for target in policy.targets if not target.startswith("?")]
        accounts = [t for t in known if t in context.model.accounts or t.isdigit()]
        if accounts and len(accounts) < len(known):
            yield about(
                policy,
                code="ORG110",
                message=f"policy '{policy.path}' targets accounts and containers",
                remedy="declare one policy for the root and OUs and another for the accounts",
            )
