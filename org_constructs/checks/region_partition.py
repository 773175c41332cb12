"""A region fence allows at least one Region of the partition that it stands in.

One that allows only Regions of another partition denies everything that is not exempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from org_constructs.model.partitions import partition_of

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find policies whose allowed Regions all belong to other partitions."""
    for policy in context.model.policies.values():
        region = context.model.stack_of(policy).region
        home = partition_of(region) if region else None
        if home is None:
            continue
        for allowed in _allowed_regions(policy.content):
            partitions = {getattr(partition_of(name), "name", "?") for name in allowed}
            if home.name not in partitions and "?" not in partitions:
                yield about(
                    policy,
                    code="ORG133",
                    message=f"policy '{policy.path}' allows only {', '.join(allowed)}, none of them a region of "
                    f"partition '{home.name}'; every other request would be denied",
                    remedy=f"allow regions of '{home.name}', such as '{home.organizations_region}'",
                )


def _allowed_regions(content: Any) -> Iterator[list[str]]:
    statements = content.get("Statement", []) if isinstance(content, Mapping) else []
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, Mapping) or statement.get("Effect") != "Deny":
            continue
        # What the grammar refuses is left to it.
        condition = statement.get("Condition")
        for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
            if not operator.startswith("StringNotEquals") or not isinstance(keys, Mapping):
                continue
            for key, value in keys.items():
                values = value if isinstance(value, list | tuple) else [value]
                is_known = bool(values) and all(isinstance(v, str) for v in values)
                if is_known and key.lower() == "aws:requestedregion":
                    yield list(values)
