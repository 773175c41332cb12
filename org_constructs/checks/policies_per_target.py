"""No more policies of one type attach to a target than AWS allows; its own FullAWSAccess counts.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import DeclaredPolicy

from ._check import CheckContext, Finding, about, spec_of


def check(context: CheckContext) -> Iterator[Finding]:
    """Find targets with too many policies of one type."""
    attached: dict[tuple[str, str, str], list[DeclaredPolicy]] = {}
    for policy in context.model.policies.values():
        for target in set(policy.targets):
            organization = context.organization_of(policy)
            attached.setdefault((policy.type, target, organization), []).append(policy)
    leaving = _leaving(context)
    for (policy_type, target, organization), policies in attached.items():
        spec = spec_of(policy_type)
        if spec is None:
            continue
        limit = context.quota(spec.per_target) - (1 if spec.aws_managed else 0)
        gone = leaving.get((policy_type, context.model.shown(target), organization), [])
        if limit >= len(policies) > limit - len(gone):
            yield about(
                policies[-1],
                code="ORG105",
                message=f"'{context.model.shown(target)}' would have {len(policies) + len(gone)} policies of type {policy_type} "
                f"during the deployment, {limit} are allowed beside AWS's own: new ones are attached before "
                f"{', '.join(repr(path) for path in gone)} is removed",
                remedy="deploy twice: first without the old policies, then with the new ones",
            )
        if len(policies) > limit:
            listed = ", ".join(f"'{policy.path}'" for policy in policies)
            yield about(
                policies[-1],
                code="ORG105",
                message=f"'{context.model.shown(target)}' has {len(policies)} policies of type {policy_type}, "
                f"{limit} are allowed beside AWS's own: {listed}",
                remedy="attach guardrails to the target instead, which share one policy, or merge policies",
            )


def _leaving(context: CheckContext) -> dict[tuple[str, str, str], list[str]]:
    """Return deployed policies that this deployment deletes, by type, target and organization."""
    declared = {policy.path: policy for policy in context.model.policies.values()}
    found: dict[tuple[str, str, str], list[str]] = {}
    for path, locked in (context.lock.policies if context.lock else {}).items():
        if path not in declared or not context.is_same(path, locked, declared[path]):
            organization = context.model.deployed_root(locked.stack, path)
            for target in locked.targets:
                found.setdefault((locked.type, target, organization), []).append(path)
    return found
