"""Nothing waits for a resource that is not in the template; CloudFormation refuses the whole of it."""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity


def check(context: CheckContext) -> Iterator[Finding]:
    """Find DependsOn entries that name nothing, such as the policy of a target without guardrails."""
    for stack in context.organization_stacks():
        for logical_id, resource in stack.resources.items():
            depends = resource.get("DependsOn", [])
            for other in depends if isinstance(depends, list) else [depends]:
                if not isinstance(other, str) or other not in stack.resources:
                    path = stack.id_path(logical_id)
                    yield Finding(
                        code="ORG138",
                        severity=Severity.FATAL,
                        message=f"'{path}' depends on '{other}', which is not in stack '{stack.name}'",
                        remedy="depend on the target itself: a target without guardrails has no policy",
                        path=path,
                        stack=stack.name,
                        logical_id=logical_id,
                    )
