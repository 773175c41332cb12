"""Resources do not wait for each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.references import find_cycle

from ._check import CheckContext, Finding, Severity


def check(context: CheckContext) -> Iterator[Finding]:
    """Find a cycle of DependsOn, Ref, GetAtt and Sub in each stack of the organization."""
    for stack in context.organization_stacks():
        cycle = find_cycle(stack)
        if not cycle:
            continue
        steps = " -> ".join(f"'{stack.id_path(logical_id)}'" for logical_id in [*cycle, cycle[0]])
        yield Finding(
            code="ORG112",
            severity=Severity.FATAL,
            message=f"dependencies form a cycle: {steps}",
            remedy="remove a dependency that was added by hand; where a policy names an account's id, write the 12 digits",
            path=stack.id_path(cycle[0]),
            stack=stack.name,
            logical_id=cycle[0],
        )
