"""What an organization consists of does not hang on a condition of the template.

A condition that turns false removes the resource: a policy is deleted, an account drops out of the
stack, and neither the code nor the lock shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity, is_organization_write

ACKNOWLEDGEABLE = ("ORG137",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find organization resources with a Condition."""
    for stack in context.organization_stacks():
        for logical_id, resource in stack.resources.items():
            if "Condition" in resource and is_organization_write(str(resource.get("Type", ""))):
                path = stack.id_path(logical_id)
                yield Finding(
                    code="ORG137",
                    severity=Severity.FATAL,
                    message=f"'{path}' has the condition '{resource['Condition']}'; when it is false, CloudFormation removes it",
                    remedy="decide in Python whether it is declared, or acknowledge ORG137 with a reason",
                    path=path,
                    stack=stack.name,
                    logical_id=logical_id,
                )
