"""No service or resource control policy binds the management account: attaching one to it misleads.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
and https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.policies import PolicyType

from ._check import CheckContext, Finding, Severity, about, spec_of

_BINDING_MEMBERS_ONLY = frozenset(
    {PolicyType.SERVICE_CONTROL_POLICY, PolicyType.RESOURCE_CONTROL_POLICY}
)

ACKNOWLEDGEABLE = ("ORG139",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise against such policies on the management account itself."""
    accounts = context.management_accounts()
    for policy in context.model.policies.values():
        spec = spec_of(policy.type)
        if spec is None or spec.policy_type not in _BINDING_MEMBERS_ONLY:
            continue
        for target in policy.targets:
            if target in accounts:
                yield about(
                    policy,
                    code="ORG139",
                    severity=Severity.WARNING,
                    message=f"policy '{policy.path}' is attached to the management account '{target}', which no {spec.title} binds",
                    remedy="run nothing there, and restrict who may sign in to it",
                )
