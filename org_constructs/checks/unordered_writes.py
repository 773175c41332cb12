"""AWS Organizations takes one write at a time: no two of a stack's resources are made side by side.

CloudFormation makes resources without a dependency between them in parallel, and AWS answers
ConcurrentModificationException.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-account.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from org_constructs.model.assembly import StackTemplate

from ._check import CheckContext, Finding, Severity, is_organization_write

# Advice may be taken as read.
ACKNOWLEDGEABLE = ("ORG135",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise on resources that are outside the chain, such as L1s beside this library's constructs."""
    for stack in context.organization_stacks():
        writes = [key for key in stack.deployment_order if _writes(stack, key)]
        for before, after in pairwise(writes):
            if not stack.waits_for(after, before):
                yield Finding(
                    code="ORG135",
                    severity=Severity.WARNING,
                    message=f"'{stack.id_path(before)}' and '{stack.id_path(after)}' may be written side by side; "
                    "AWS Organizations takes one write at a time",
                    remedy="declare both with this library, or let one depend on the other",
                    path=stack.id_path(after),
                    stack=stack.name,
                    logical_id=after,
                )
                break


def _writes(stack: StackTemplate, logical_id: str) -> bool:
    return is_organization_write(str(stack.resources[logical_id].get("Type", "")))
