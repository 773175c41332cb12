"""A policy's document has the grammar of its type; AWS answers MalformedPolicyDocumentException."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ._check import CheckContext, Finding, about, spec_of


def check(context: CheckContext) -> Iterator[Finding]:
    """Find documents that AWS would refuse."""
    for policy in context.model.policies.values():
        spec = spec_of(policy.type)
        if spec is None or not isinstance(policy.content, Mapping):
            continue
        for problem in spec.findings(policy.content):
            yield about(
                policy,
                code="ORG119",
                message=f"policy '{policy.path}': {problem}",
                remedy=f"see {spec.documented_at}",
            )
