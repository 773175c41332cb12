"""Checks of parameters by themselves: presence, length and form, as the API's model states them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .errors import invalid_input
from .state import Json

_ROOT = r"r-[0-9a-z]{4,32}"
_UNIT = r"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"
_ACCOUNT = r"[0-9]{12}"
_POLICY = r"p-[0-9a-zA-Z_]{8,128}"

POLICY_TYPES = (
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "TAG_POLICY",
    "BACKUP_POLICY",
    "AISERVICES_OPT_OUT_POLICY",
    "CHATBOT_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "SECURITYHUB_POLICY",
    "INSPECTOR_POLICY",
    "UPGRADE_ROLLOUT_POLICY",
    "BEDROCK_POLICY",
    "S3_POLICY",
    "NETWORK_SECURITY_DIRECTOR_POLICY",
    "GUARDDUTY_POLICY",
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """The form of a string parameter."""

    pattern: str = r"[\s\S]*"
    shortest: int = 0
    longest: int = 1_000_000
    choices: tuple[str, ...] = ()


# Names mean the same in every operation, so one table serves all of them (botocore 1.43.106).
_RULES = {
    "AccountId": _Rule(_ACCOUNT),
    "AccountName": _Rule(r"[ -~]+", 1, 50),
    "ChildId": _Rule(f"{_ACCOUNT}|{_UNIT}", 0, 100),
    "ChildType": _Rule(choices=("ACCOUNT", "ORGANIZATIONAL_UNIT")),
    "Content": _Rule(shortest=1),
    "CreateAccountRequestId": _Rule(r"car-[a-z0-9]{8,32}"),
    "Description": _Rule(longest=512),
    "DestinationParentId": _Rule(f"{_ROOT}|{_UNIT}", 0, 100),
    "Email": _Rule(r"[^\s@]+@[^\s@]+\.[^\s@]+", 6, 64),
    "FeatureSet": _Rule(choices=("ALL", "CONSOLIDATED_BILLING")),
    "Filter": _Rule(choices=POLICY_TYPES),
    "IamUserAccessToBilling": _Rule(choices=("ALLOW", "DENY")),
    "Name": _Rule(shortest=1, longest=128),
    "OrganizationalUnitId": _Rule(_UNIT),
    "ParentId": _Rule(f"{_ROOT}|{_UNIT}", 0, 100),
    "PolicyId": _Rule(_POLICY),
    "PolicyType": _Rule(choices=POLICY_TYPES),
    "ResourceId": _Rule(rf"{_ROOT}|{_ACCOUNT}|{_UNIT}|{_POLICY}|rp-[0-9a-zA-Z_]{{4,128}}", 0, 130),
    "RoleName": _Rule(r"[\w+=,.@-]{1,64}"),
    "RootId": _Rule(_ROOT),
    "SourceParentId": _Rule(f"{_ROOT}|{_UNIT}", 0, 100),
    "TargetId": _Rule(f"{_ROOT}|{_ACCOUNT}|{_UNIT}", 0, 100),
    "Type": _Rule(choices=POLICY_TYPES),
}


def check_parameters(params: Json, required: Iterable[str]) -> None:
    """Refuse a call whose parameters AWS refuses without looking at the organization.

    Raises:
        ApiError: `InvalidInputException`.
    """
    for name in required:
        if params.get(name) is None:
            raise invalid_input(f"{name} is required.", "INPUT_REQUIRED")
    for name, value in params.items():
        rule = _RULES.get(name)
        if rule is not None:
            _check(name, value, rule)


def _check(name: str, value: object, rule: _Rule) -> None:
    if not isinstance(value, str):
        raise invalid_input(f"{name} is not a string.", "INVALID_PATTERN")
    if rule.choices and value not in rule.choices:
        enum = "INVALID_ENUM_POLICY_TYPE" if rule.choices is POLICY_TYPES else "INVALID_ENUM"
        raise invalid_input(
            f"You specified an invalid value for {name}: {value!r} is not one of "
            f"{', '.join(rule.choices)}.",
            enum,
        )
    if len(value) < rule.shortest:
        raise invalid_input(
            f"{name} has {len(value)} characters, at least {rule.shortest} are needed.",
            "MIN_LENGTH_EXCEEDED",
        )
    if len(value) > rule.longest:
        raise invalid_input(
            f"{name} has {len(value)} characters, at most {rule.longest} are allowed.",
            "MAX_LENGTH_EXCEEDED",
        )
    if not re.fullmatch(rule.pattern, value):
        reason = "INVALID_PATTERN_TARGET_ID" if name == "TargetId" else "INVALID_PATTERN"
        raise invalid_input(
            f"You provided a value that does not match the required pattern: {name} {value!r} "
            f"does not match {rule.pattern}",
            reason,
        )
