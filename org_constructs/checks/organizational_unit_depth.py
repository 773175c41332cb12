"""OUs nest at most five levels below the root.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find OUs that are too deep; an existing OU as outermost parent counts as one level."""
    limit = context.quota("organizational_unit_depth")
    for unit in context.model.organizational_units.values():
        chain = [
            node for node in context.model.chain_of(unit.key) if not context.model.is_root(node)
        ]
        if len(chain) > limit:
            shown = "/".join(
                [
                    "Root",
                    *(
                        context.model.organizational_units[n].name
                        if n in context.model.organizational_units
                        else n
                        for n in chain
                    ),
                ]
            )
            yield about(
                unit,
                code="ORG101",
                message=f"ou path '{shown}' has {len(chain)} levels below the root, at most {limit} are allowed",
                remedy=f"move '{unit.name}' up {len(chain) - limit} level(s)",
            )
