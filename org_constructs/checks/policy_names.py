"""Policies of one type have different names; AWS answers DuplicatePolicyException.

CloudFormation makes a new policy before it deletes one that has gone, so a name cannot pass from
one to the other in one deployment.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import DeclaredPolicy

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find policies with the same name and type, across stacks too."""
    seen: dict[tuple[str, str, str], DeclaredPolicy] = {}
    for policy in context.model.policies.values():
        if policy.name.startswith("?"):
            continue
        first = seen.setdefault((context.organization_of(policy), policy.type, policy.name), policy)
        if first is not policy:
            yield about(
                policy,
                code="ORG136",
                message=f"policies '{first.path}' and '{policy.path}' of type {policy.type} are both named '{policy.name}'",
                remedy="give one of them another name=, or leave both to the library",
            )
        yield from _taken_over(context, policy)


def _taken_over(context: CheckContext, policy: DeclaredPolicy) -> Iterator[Finding]:
    deployed = context.lock.policies if context.lock else {}
    for path, locked in deployed.items():
        if (
            (locked.type, locked.name) == (policy.type, policy.name)
            and not context.is_same(path, locked, policy)
            and context.shares_organization(path, locked, policy)
        ):
            yield about(
                policy,
                code="ORG136",
                message=f"policy '{policy.path}' is named '{policy.name}' as the deployed '{path}', which is deleted only after it is made",
                remedy="give it another name=, or keep the id that it had",
            )
