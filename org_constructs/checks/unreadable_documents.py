"""A document that cannot be read is not judged, and what AWS says of it is known only at deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ._check import CheckContext, Finding, Severity, about, spec_of
from ._documents import READ_TYPES, read, text_of

ACKNOWLEDGEABLE = ("ORG200",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find documents that the rules below cannot read, though their grammar passes."""
    for policy in context.model.policies.values():
        if policy.type not in READ_TYPES or not isinstance(policy.content, Mapping | str):
            continue
        problem = read(text_of(policy.content), policy.type)
        spec = spec_of(policy.type)
        if not isinstance(problem, str) or spec is None:
            continue
        if isinstance(policy.content, Mapping) and any(spec.findings(policy.content)):
            continue
        yield about(
            policy,
            code="ORG200",
            severity=Severity.WARNING,
            message=f"policy '{policy.path}' is not decided, it cannot be read: {problem}",
            remedy="correct it; no other rule about policies has looked at it",
        )
