"""A member account is not closed from within."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from org_constructs.policies import Statement

from ._guardrail import Guardrail


@dataclass(frozen=True, kw_only=True)
class DenyCloseAccount(Guardrail):
    """Deny closing the account from within it.

    `account:CloseAccount` is the permission by which the root user or an administrator of a
    member account closes that account. `organizations:CloseAccount` is the API with which the
    management account closes a member; it is denied too, so that no principal of a member can
    ever use it, but **no SCP binds the management account**: there, deny it in an identity policy
    (https://docs.aws.amazon.com/organizations/latest/userguide/orgs_account_close_policy.html).
    Leaving the organization is another action; see `DenyLeaveOrganization`.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
    """

    documented_at: ClassVar[str] = (
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html"
    )

    @property
    def why(self) -> str:
        """The reason, in one line."""
        return "a closed account takes its workloads with it and is gone for good after 90 days"

    def statements(self) -> Sequence[Statement]:
        """Return one statement."""
        return [self.deny(actions=["account:CloseAccount", "organizations:CloseAccount"])]
