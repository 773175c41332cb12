"""What can be adjusted about the embedded Organizations."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from org_constructs.model.quotas import default_quotas, quota

from .api_model import creation_failures, operations

# How long a write takes where conflicts are rehearsed: long enough for calls that a client makes
# at the same time to meet, short enough for a deployment of some dozens of writes. AWS takes longer.
WRITE_SECONDS = 0.02
# What CloudTrail tells besides calls.
SERVICE_EVENTS = (
    *("AccountDepartedOrganization", "AccountJoinedOrganization"),
    *("CloseAccountResult", "CreateAccountResult"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the embedded Organizations behaves.

    Attributes:
        seed: ids are a function of it and of the order of calls.
        account_creation_seconds: how long an account is IN_PROGRESS (AWS: some seconds to minutes).
        account_closure_seconds: how long an account is PENDING_CLOSURE (AWS: some minutes).
        account_creation_failures: with which reason creations fail, by address; `*` stands for
            any characters, such as `{"*@bad.example": "INVALID_EMAIL"}`.
        policy_type_seconds: how long a policy type is PENDING_ENABLE or PENDING_DISABLE.
        finalizing_seconds: for how long a new organization creates and invites no accounts (AWS:
            up to an hour).
        invitations_open: whether invitations that wait for an answer are shown as OPEN, as in the
            examples of AWS's documentation, and not as REQUESTED, as its text has it.
        email_verified: whether the address of the management account is verified.
        service_linked_roles: whether callers may create service-linked roles.
        stand_alone: whether member accounts have the payment method with which they may leave.
        service_control_policies_at_birth: whether a new organization has SCPs enabled. The API's
            documentation says so, users report the opposite; off is the reading that fails early.
        quotas: quotas that AWS has raised for this organization, by name in `model.quotas`.
        partition: the partition in ARNs.
        side_by_side: whether writes of one stack operation meet that no dependency orders.
        throttling: whether calls above AWS's documented rates are refused.
        write_seconds: how long a write takes during which others are refused; 0 lets all pass.
        schedules: whether EventBridge rules with a schedule fire by themselves as time goes by, and
            not only when the clock is moved or they are told to.
        lost_events: names of events that nobody is told of, such as `AcceptHandshake`; `*` is all.
        service_events_as_calls: whether what AWS tells of by itself has the detail-type of calls.
            AWS documents no detail-type for joining and leaving, and sources differ.
    """

    seed: int = 1
    account_creation_seconds: float = 0.2
    account_closure_seconds: float = 0.2
    account_creation_failures: Mapping[str, str] = field(default_factory=dict)
    policy_type_seconds: float = 0.2
    finalizing_seconds: float = 0.0
    invitations_open: bool = False
    email_verified: bool = True
    service_linked_roles: bool = True
    stand_alone: bool = True
    service_control_policies_at_birth: bool = False
    quotas: Mapping[str, int] = field(default_factory=dict)
    partition: str = "aws"
    side_by_side: bool = True
    throttling: bool = False
    write_seconds: float = 0.0
    schedules: bool = False
    lost_events: Sequence[str] = ()
    service_events_as_calls: bool = False

    @classmethod
    def served(cls) -> Settings:
        """Return the settings of an embedded AWS that a person works with.

        Writes can conflict, and schedules run.
        """
        return cls(write_seconds=WRITE_SECONDS, schedules=True)

    def quota(self, name: str) -> int:
        """Return the quota that holds here."""
        return quota(name, self.quotas)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        values = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        failures = dict(self.account_creation_failures)
        return values | {
            "quotas": dict(self.quotas),
            "account_creation_failures": failures,
            "lost_events": list(self.lost_events),
        }

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """Return these settings with some of them changed.

        Args:
            changes: settings by name, as plain data.

        Raises:
            ValueError: a setting does not exist or its value is none.
        """
        current = self.to_json()
        for name, value in changes.items():
            if name not in current:
                raise ValueError(f"there is no setting '{name}'; give one of {', '.join(current)}")
            check = _CHECKS.get(name)
            problem = check(value) if check else _problem(value, current[name])
            if problem is not None:
                raise ValueError(f"setting {name}={value!r}: {problem}")
        if unknown := set(changes.get("quotas", ())) - set(default_quotas()):
            raise ValueError(
                f"there is no quota '{min(unknown)}'; give one of {', '.join(default_quotas())}"
            )
        lost_events = tuple(changes.get("lost_events", self.lost_events))
        return dataclasses.replace(self, **{**changes, "lost_events": lost_events})


def _plan_problem(value: object) -> str | None:
    """Return what is wrong with a plan of failing creations, or None."""
    if not isinstance(value, Mapping):
        return "it is reasons by address"
    wrong = [reason for reason in value.values() if reason not in creation_failures()]
    return f"{wrong[0]!r} is not one of {', '.join(creation_failures())}" if wrong else None


def _events_problem(value: object) -> str | None:
    """Return what is wrong with the names of events, or None."""
    if not isinstance(value, list | tuple):
        return "it is a list of names"
    known = {"*", *operations(), *SERVICE_EVENTS}
    wrong = [name for name in value if name not in known]
    return (
        f"there is no event {wrong[0]!r}; name an operation or a result of one" if wrong else None
    )


_CHECKS = {"account_creation_failures": _plan_problem, "lost_events": _events_problem}


def _problem(value: object, current: object) -> str | None:
    """Return what is wrong with a value in the place of a current one, or None."""
    if isinstance(current, bool):
        return None if isinstance(value, bool) else "it is true or false"
    if isinstance(current, Mapping):
        is_mapping = isinstance(value, Mapping) and all(
            isinstance(item, int) and not isinstance(item, bool) for item in value.values()
        )
        return None if is_mapping else "it is numbers by name"
    if isinstance(current, str):
        return None if isinstance(value, str) and value else "it is a text"
    allowed = (int, float) if isinstance(current, float) else int
    is_number = isinstance(value, allowed) and not isinstance(value, bool)
    return None if is_number and 0 <= value < math.inf else "it is a number from 0"  # type: ignore[operator]
