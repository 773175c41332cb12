"""The organization is deployed in the Region in which its partition keeps Organizations.

Events of AWS Organizations appear there alone.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.partitions import partition_of

from ._check import CheckContext, Finding, Severity


def check(context: CheckContext) -> Iterator[Finding]:
    """Find stacks of the organization in another Region."""
    for stack in context.organization_stacks():
        partition = partition_of(stack.region) if stack.region else None
        if partition is None or stack.region == partition.organizations_region:
            continue
        yield Finding(
            code="ORG108",
            severity=Severity.FATAL,
            message=f"stack '{stack.name}' deploys to region '{stack.region}', AWS Organizations of partition "
            f"'{partition.name}' is in '{partition.organizations_region}'",
            remedy=f"give the stack env=Environment(region='{partition.organizations_region}', …)",
            path=stack.path,
            stack=stack.name,
        )
