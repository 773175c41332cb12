"""No more policies of one type attach to a target than AWS allows; its own FullAWSAccess counts.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import DeclaredPolicy

from ._check import CheckContext, Finding, about, spec_of


def check(context: CheckContext) -> Iterator[Finding]:
    """Find targets with too many policies of one type."""
    attached: dict[tuple[str, str], list[DeclaredPolicy]] = {}
    for policy in context.model.policies.values():
        for target in set(policy.targets):
            attached.setdefault((policy.type, target), []).append(policy)
    for (policy_type, target), policies in attached.items():
        spec = spec_of(policy_type)
        if spec is None:
            continue
        limit = context.quota(spec.per_target) - (1 if spec.aws_managed else 0)
        if len(policies) > limit:
            listed = ", ".join(f"'{policy.path}'" for policy in policies)
            yield about(
                policies[-1],
                code="ORG105",
                message=f"'{context.model.shown(target)}' has {len(policies)} policies of type {policy_type}, "
                f"{limit} are allowed beside AWS's own: {listed}",
                remedy="attach guardrails to the target instead, which share one policy, or merge policies",
            )
