"""A resource control policy reaches the resources of some services only; elsewhere it does nothing.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.policies import PolicyType
from org_constructs.policies.types.resource_control_policy import uncovered_services

from ._check import CheckContext, Finding, Severity, about

# AWS adds services; the list that comes with this release has a date.
ACKNOWLEDGEABLE = ("ORG142",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise against resource control policies for services that they do not reach."""
    for policy in context.model.policies.values():
        if policy.type != PolicyType.RESOURCE_CONTROL_POLICY:
            continue
        services = uncovered_services(policy.content)
        if services:
            yield about(
                policy,
                code="ORG142",
                severity=Severity.WARNING,
                message=f"policy '{policy.path}' names {', '.join(services)}, whose resources no resource control policy reaches",
                remedy="use a service control policy for what principals do there; if AWS covers the service by now, acknowledge ORG142",
            )
