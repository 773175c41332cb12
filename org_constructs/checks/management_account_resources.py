"""The management account runs no workloads: what its stacks hold manages the organization.

Service control policies do not bind the management account, so nothing fences what runs there.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_best-practices_mgmt-acct.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.assembly import StackTemplate

from ._check import SETTINGS, CheckContext, Finding, Severity

# Kinds that manage the organization by nature; all else is a workload or helps one.
_ALLOWED = (
    "AWS::Organizations::",
    "AWS::CDK::Metadata",
    "AWS::SSO::",
    "AWS::ControlTower::",
    "AWS::Budgets::",
    "AWS::CE::",
    "AWS::CloudFormation::StackSet",
    "AWS::CloudFormation::WaitConditionHandle",
)

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG106",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find resources in the management account's stacks that do not manage the organization."""
    organization = {stack.id for stack in context.organization_stacks()}
    accounts = context.management_accounts()
    for stack in context.model.assembly.stacks:
        if stack.id in organization or stack.account in accounts:
            yield from _workloads(context, stack)
    for stack in context.elsewhere:
        yield from _workloads(context, stack)


def _workloads(context: CheckContext, stack: StackTemplate) -> Iterator[Finding]:
    for logical_id, resource in stack.resources.items():
        kind = str(resource.get("Type", ""))
        path = stack.id_path(logical_id)
        if kind.startswith(_ALLOWED) or kind in SETTINGS or path in context.own_paths:
            continue
        yield Finding(
            code="ORG106",
            severity=Severity.FATAL,
            message=f"{kind} '{path}' does not manage the organization; the management account runs no workloads",
            remedy="move it to a stack of a member account, or acknowledge ORG106 with a reason",
            path=path,
            stack=stack.name,
            logical_id=logical_id,
        )
    if stack.template.get("Transform"):
        yield Finding(
            code="ORG106",
            severity=Severity.FATAL,
            message=f"stack '{stack.name}' has the transform {stack.template['Transform']!r}, which may add any resource",
            remedy="expand it before synthesis, or acknowledge ORG106 with a reason",
            path=stack.path,
            stack=stack.name,
        )
