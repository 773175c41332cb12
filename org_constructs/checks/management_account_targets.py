"""No service control policy binds the management account, so attaching one to it misleads.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity, about

ACKNOWLEDGEABLE = ("ORG139",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Advise against service control policies on the management account itself."""
    accounts = context.management_accounts()
    for policy in context.model.policies.values():
        for target in policy.targets:
            if target in accounts and policy.type == "SERVICE_CONTROL_POLICY":
                yield about(
                    policy,
                    code="ORG139",
                    severity=Severity.WARNING,
                    message=f"policy '{policy.path}' is attached to the management account '{target}', which no service control policy binds",
                    remedy="run nothing there, and restrict who may sign in to it",
                )
