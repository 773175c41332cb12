"""OUs under one parent have different names.

AWS answers DuplicateOrganizationalUnitException, after other resources have been created.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import DeclaredUnit

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find OUs with the same name under the same parent."""
    seen: dict[tuple[str, str], DeclaredUnit] = {}
    for unit in context.model.organizational_units.values():
        first = seen.setdefault((unit.parent, unit.name), unit)
        if first is not unit and not unit.parent.startswith("?"):
            yield about(
                unit,
                code="ORG102",
                message=f"two organizational units under '{context.model.shown(unit.parent)}' are named '{unit.name}': '{first.path}' and '{unit.path}'",
                remedy="give one of them another name=",
            )
