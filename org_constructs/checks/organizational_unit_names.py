"""OUs under one parent have different names.

AWS answers DuplicateOrganizationalUnitException, after other resources have been created.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import DeclaredUnit

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find OUs with the same name under the same parent."""
    seen: dict[tuple[str, str, str], DeclaredUnit] = {}
    for unit in context.model.organizational_units.values():
        first = seen.setdefault((context.organization_of(unit), unit.parent, unit.name), unit)
        if first is not unit and not unit.parent.startswith("?"):
            yield about(
                unit,
                code="ORG102",
                message=f"two organizational units under '{context.model.shown(unit.parent)}' are named '{unit.name}': '{first.path}' and '{unit.path}'",
                remedy="give one of them another name=",
            )
        yield from _still_taken(context, unit)


def _still_taken(context: CheckContext, unit: DeclaredUnit) -> Iterator[Finding]:
    """Find a name that another deployed OU gives up in the same deployment: AWS may see it twice."""
    deployed = context.lock.organizational_units if context.lock else {}
    for path, locked in deployed.items():
        other = context.model.units_by_path.get(path)
        if (
            path != unit.path
            and (locked.parent, locked.name) == (context.model.shown(unit.parent), unit.name)
            and context.shares_organization(path, locked, unit)
            and (other is None or other.name != locked.name)
        ):
            yield about(
                unit,
                code="ORG102",
                message=f"organizational unit '{unit.path}' takes the name '{unit.name}', which '{path}' still has when AWS is asked",
                remedy="deploy twice: first rename the other one, then this one",
            )
