"""Service control policies: the most that principals of member accounts may do.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from org_constructs.policies._iam_grammar import (
    condition_findings,
    document_findings,
    either_findings,
    hint,
    is_deferred,
    sid_findings,
)
from org_constructs.policies.policy_type import PolicyType, PolicyTypeSpec

_ELEMENTS = (
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)


def _findings(content: Mapping[str, Any]) -> Iterator[str]:
    yield from document_findings(content, _statement)


def _statement(statement: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in statement:
        if key in ("Principal", "NotPrincipal"):
            yield (
                f"{where}: {key} is not part of a service control policy, which is about the "
                "principals of the account it reaches; compare aws:PrincipalArn in Condition"
            )
        elif key not in _ELEMENTS:
            yield f"{where}: element '{key}' is unknown{hint(key, _ELEMENTS)}"
    yield from sid_findings(statement, where)
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny") and not is_deferred(effect):
        yield f"{where}: Effect is {effect!r}; write 'Allow' or 'Deny'"
    yield from either_findings(statement, where, "Action")
    yield from either_findings(statement, where, "Resource")
    yield from condition_findings(statement, where)


POLICY_TYPE = PolicyTypeSpec(
    policy_type=PolicyType.SERVICE_CONTROL_POLICY,
    title="service control policy",
    characters="scp_characters",
    per_target="scps_per_target",
    per_target_minimum="scps_per_target_minimum",
    per_organization="scps",
    aws_managed="FullAWSAccess",
    grammar=_findings,
    documented_at="https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html",
)
