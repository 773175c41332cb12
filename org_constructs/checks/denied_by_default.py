"""Where FullAWSAccess is detached, a policy of the same stack allows something in its place.

Without one, every request below is denied; the settings function refuses to go that far, so the
deployment would fail.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from org_constructs.model.intrinsics import is_function
from org_constructs.model.organization import DeclaredPolicy
from org_constructs.policies import PolicyType

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find targets without FullAWSAccess on which nothing would be allowed."""
    for target, settings in context.model.allow_lists.items():
        for setting in settings:
            policies = context.model.attached.get(target, ())
            allowing = [policy for policy in policies if _may_allow(context, policy)]
            if any(policy.stack_id == setting.stack_id for policy in allowing):
                continue
            elsewhere = ", ".join(f"'{policy.path}'" for policy in allowing)
            yield about(
                setting,
                code="ORG155",
                message=f"'{context.model.shown(target)}' denies by default, and no policy that stack "
                f"'{setting.stack}' attaches to it allows anything"
                + (
                    f" ({elsewhere} does, in another stack, which comes later)" if elsewhere else ""
                ),
                remedy="attach a ServiceControlPolicy with an Allow to it in the same stack; or remove deny_by_default(), "
                "in a deployment of its own if a policy that allows goes or moves as well",
            )


def _may_allow(context: CheckContext, policy: DeclaredPolicy) -> bool:
    if policy.type != PolicyType.SERVICE_CONTROL_POLICY:
        return False
    document = context.model.document_of(policy)
    if not isinstance(document, Mapping) or is_function(document):
        return True
    statements: Any = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return any(
        not isinstance(statement, Mapping)
        or is_function(statement)
        or is_function(statement.get("Effect"))
        or statement.get("Effect") == "Allow"
        for statement in listed
    )
