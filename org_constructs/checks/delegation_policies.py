"""An organization has one resource-based delegation policy.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity

_RESOURCE_POLICY = "AWS::Organizations::ResourcePolicy"


def check(context: CheckContext) -> Iterator[Finding]:
    """Find a second delegation policy of one organization."""
    first: dict[str, str] = {}
    for stack in context.model.assembly.stacks:
        for logical_id, resource in stack.resources.items():
            if resource.get("Type") != _RESOURCE_POLICY:
                continue
            path = stack.id_path(logical_id)
            other = first.setdefault(context.model.root_of(stack.id), path)
            if other != path:
                yield Finding(
                    code="ORG154",
                    severity=Severity.FATAL,
                    message=f"'{path}' is a second delegation policy beside '{other}'; an organization has one",
                    remedy="put all statements into one of them",
                    path=path,
                    stack=stack.name,
                    logical_id=logical_id,
                )
