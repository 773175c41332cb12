"""Policies take effect only when their type is on.

AttachPolicy answers PolicyTypeNotEnabledException in an organization that has never used the type.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity, about

# Advice may be taken as read.
ACKNOWLEDGEABLE = ("ORG134",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise to turn a policy type on in the app that uses it."""
    enabled = {
        str(stack.properties_of(logical_id).get("PolicyType"))
        for stack in context.model.assembly.stacks
        for logical_id, resource in stack.resources.items()
        if resource.get("Type") == "Custom::OrganizationPolicyType"
    }
    seen: set[str] = set()
    for policy in context.model.policies.values():
        if policy.targets and policy.type not in enabled and policy.type not in seen:
            seen.add(policy.type)
            yield about(
                policy,
                code="ORG134",
                severity=Severity.WARNING,
                message=f"no stack of this app turns {policy.type} on; where it is off, attaching '{policy.path}' fails",
                remedy=f"call organization.enable_policy_type(PolicyType.{policy.type}); already on is success",
            )
