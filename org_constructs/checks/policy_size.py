"""A policy fits into what AWS stores; white space counts as sent, and CloudFormation sends an object minified.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ._check import CheckContext, Finding, about, spec_of


def check(context: CheckContext) -> Iterator[Finding]:
    """Find policies over the quota of their type; intrinsic functions count as nothing."""
    for policy in context.model.policies.values():
        spec = spec_of(policy.type)
        if spec is None:
            continue
        limit = context.quota(spec.characters)
        size = characters(policy.content)
        if size <= limit:
            continue
        sizes = context.guardrail_sizes.get(policy.path, {})
        if sizes:
            listed = ", ".join(
                f"{name} {n}" for name, n in sorted(sizes.items(), key=lambda e: -e[1])
            )
            largest = max(sizes, key=lambda name: (sizes[name], name))
            detail = f": {listed}"
            remedy = f"move {largest} into a ServiceControlPolicy of its own with the same target"
        else:
            detail = ""
            remedy = "split its statements over two policies"
        yield about(
            policy,
            code="ORG104",
            message=f"policy '{policy.path}' has {size} characters, at most {limit} are allowed{detail}",
            remedy=remedy,
        )


def characters(content: Any) -> int:
    """Return how many characters AWS counts: a string as it is, an object minified."""
    if isinstance(content, str):
        return len(content)
    return len(json.dumps(_known(content), separators=(",", ":"), ensure_ascii=False))


def _known(value: Any) -> Any:
    """Return the content with intrinsic functions shortened to an empty string."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return ""
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return value
