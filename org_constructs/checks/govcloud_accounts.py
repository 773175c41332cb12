"""CloudFormation cannot create accounts in AWS GovCloud (US).

The handler of AWS::Organizations::Account refuses; CreateGovCloudAccount is called from a commercial account.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.partitions import partition_of

from ._check import CheckContext, Finding, about


def check(context: CheckContext) -> Iterator[Finding]:
    """Find accounts declared in a GovCloud stack."""
    for account in context.model.accounts.values():
        stack = context.model.stack_of(account)
        partition = partition_of(stack.region) if stack.region else None
        if partition is not None and partition.name == "aws-us-gov":
            yield about(
                account,
                code="ORG109",
                message=f"account '{account.path}' cannot be created in region '{stack.region}': AWS GovCloud (US) has no AWS::Organizations::Account",
                remedy="create it with CreateGovCloudAccount from the paired commercial account, then refer to it by Account.from_account_id",
            )
