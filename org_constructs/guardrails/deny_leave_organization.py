"""An account does not leave the organization by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from org_constructs.policies import Statement

from ._guardrail import Guardrail


@dataclass(frozen=True, kw_only=True)
class DenyLeaveOrganization(Guardrail):
    """Deny `organizations:LeaveOrganization`, by which a member account frees itself of all rules.

    The management account can still remove an account.

    Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html#example-scp-leave-org
    """

    documented_at: ClassVar[str] = (
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html#example-scp-leave-org"
    )

    @property
    def why(self) -> str:
        """The reason, in one line."""
        return "an account that leaves the organization is bound by none of its policies"

    def statements(self) -> Sequence[Statement]:
        """Return one statement."""
        return [self.deny(actions=["organizations:LeaveOrganization"])]
