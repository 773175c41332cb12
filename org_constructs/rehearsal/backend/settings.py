"""What can be adjusted about the embedded Organizations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from org_constructs.model.quotas import quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the embedded Organizations behaves.

    Attributes:
        seed: ids are a function of it and of the order of calls.
        account_creation_seconds: how long an account is IN_PROGRESS (AWS: some seconds to minutes).
        policy_type_seconds: how long a policy type is PENDING_ENABLE or PENDING_DISABLE.
        service_control_policies_at_birth: whether a new organization has SCPs enabled. The API's
            documentation says so, users report the opposite; off is the reading that fails early.
        quotas: quotas that AWS has raised for this organization, by name in `model.quotas`.
        partition: the partition in ARNs.
        side_by_side: whether writes of one stack operation meet that no dependency orders.
    """

    seed: int = 1
    account_creation_seconds: float = 0.2
    policy_type_seconds: float = 0.2
    service_control_policies_at_birth: bool = False
    quotas: Mapping[str, int] = field(default_factory=dict)
    partition: str = "aws"
    side_by_side: bool = True

    def quota(self, name: str) -> int:
        """Return the quota that holds here."""
        return quota(name, self.quotas)
