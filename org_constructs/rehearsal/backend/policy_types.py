"""Policy types: switched on and off per root, each with its own limits."""

from __future__ import annotations

from dataclasses import dataclass

from . import effective_policies
from .errors import ApiError, constraint_violation
from .operation import Call, Operation
from .settings import Settings
from .state import (
    ENABLED,
    PENDING_DISABLE,
    PENDING_ENABLE,
    Json,
    Organization,
    Policy,
    PolicyTypeState,
)
from .trusted_services import services_of_policy_types

_ALLOW_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
_ALLOW_ALL_RCP = (
    '{"Version":"2012-10-17",'
    '"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
)

# The AWS managed policy that a type attaches to every root, OU and account. Only that of RCPs
# cannot be detached.
DEFAULT_POLICIES = {
    "SERVICE_CONTROL_POLICY": Policy(
        id="p-FullAWSAccess",
        name="FullAWSAccess",
        description="Allows access to every operation",
        type="SERVICE_CONTROL_POLICY",
        content=_ALLOW_ALL,
        aws_managed=True,
    ),
    "RESOURCE_CONTROL_POLICY": Policy(
        id="p-RCPFullAWSAccess",
        name="RCPFullAWSAccess",
        description="Allows access to every resource",
        type="RESOURCE_CONTROL_POLICY",
        content=_ALLOW_ALL_RCP,
        aws_managed=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How large and how many policies of a type may be."""

    characters: int
    per_target: int
    per_organization: int
    minimum: int


# The names of the quotas of each type, where it has its own.
_QUOTAS = {
    "SERVICE_CONTROL_POLICY": ("scp_characters", "scps_per_target", "scps"),
    "RESOURCE_CONTROL_POLICY": ("rcp_characters", "rcps_per_target", "rcps"),
    "AISERVICES_OPT_OUT_POLICY": (
        "ai_opt_out_policy_characters",
        "ai_opt_out_policies_per_target",
        "declarative_policies",
    ),
    "CHATBOT_POLICY": (
        "declarative_policy_characters",
        "chatbot_policies_per_target",
        "declarative_policies",
    ),
}
_OTHER_QUOTAS = (
    "declarative_policy_characters",
    "declarative_policies_per_target",
    "declarative_policies",
)


def limits(policy_type: str, settings: Settings) -> Limits:
    """Return the limits of a policy type."""
    characters, per_target, count = _QUOTAS.get(policy_type, _OTHER_QUOTAS)
    is_scp = policy_type == "SERVICE_CONTROL_POLICY"
    return Limits(
        characters=settings.quota(characters),
        per_target=settings.quota(per_target),
        per_organization=settings.quota(count),
        minimum=settings.quota("scps_per_target_minimum") if is_scp else 0,
    )


def attach_default_policies(organization: Organization, target_id: str) -> None:
    """Give a new OU or account what AWS attaches to it by itself."""
    for policy_type, policy in DEFAULT_POLICIES.items():
        if organization.is_enabled(policy_type):
            organization.attachments.setdefault(target_id, []).append(policy.id)


def switch_on(organization: Organization, policy_type: str, now: float) -> None:
    """Enable a type at once and attach its default policy everywhere."""
    organization.policy_types[policy_type] = PolicyTypeState(ENABLED, now)
    default = DEFAULT_POLICIES.get(policy_type)
    if default is not None:
        for target in organization.targets():
            attached = organization.attachments.setdefault(target, [])
            if default.id not in attached:
                attached.append(default.id)


def settle(organization: Organization, now: float) -> None:
    """Finish what the clock has finished."""
    for policy_type, state in list(organization.policy_types.items()):
        if state.due > now:
            continue
        if state.status == PENDING_ENABLE:
            switch_on(organization, policy_type, now)
        elif state.status == PENDING_DISABLE:
            _switch_off(organization, policy_type)


def _switch_off(organization: Organization, policy_type: str) -> None:
    # Attachments are lost: enabling the type again brings back only the default policy.
    del organization.policy_types[policy_type]
    effective_policies.forget_type(organization, policy_type)
    for target, attached in organization.attachments.items():
        organization.attachments[target] = [
            policy for policy in attached if organization.policies[policy].type != policy_type
        ]


def describe_root(organization: Organization) -> Json:
    """Return the root as the API shows it: types that are off are not listed."""
    return {
        "Id": organization.root_id,
        "Arn": organization.arn("root", organization.root_id),
        "Name": "Root",
        "PolicyTypes": [
            {"Type": policy_type, "Status": state.status}
            for policy_type, state in sorted(organization.policy_types.items())
        ],
    }


def _enable(call: Call) -> Json:
    organization, policy_type = _checked(call)
    state = organization.policy_types.get(policy_type)
    if state is not None and state.status == PENDING_DISABLE:
        raise changes_in_progress()
    if state is not None:
        raise ApiError(
            "PolicyTypeAlreadyEnabledException",
            "The specified policy type is already enabled.",
        )
    if organization.feature_set != "ALL":
        raise ApiError(
            "PolicyTypeNotAvailableForOrganizationException",
            "This policy type is not available: the organization does not have all features.",
        )
    service = services_of_policy_types().get(policy_type)
    if service is not None and service not in organization.trusted_services:
        raise constraint_violation(
            f"Service access is not enabled for {service}. Call EnableAWSServiceAccess first.",
            "SERVICE_ACCESS_NOT_ENABLED",
        )
    due = call.clock.now() + call.settings.policy_type_seconds
    organization.policy_types[policy_type] = PolicyTypeState(PENDING_ENABLE, due)
    return {"Root": describe_root(organization)}


def _disable(call: Call) -> Json:
    organization, policy_type = _checked(call)
    state = organization.policy_types.get(policy_type)
    if state is None:
        raise ApiError(
            "PolicyTypeNotEnabledException",
            "This operation can be performed only for enabled policy types.",
        )
    if state.status != ENABLED:
        raise changes_in_progress()
    due = call.clock.now() + call.settings.policy_type_seconds
    organization.policy_types[policy_type] = PolicyTypeState(PENDING_DISABLE, due)
    return {"Root": describe_root(organization)}


def _checked(call: Call) -> tuple[Organization, str]:
    organization = call.organization
    if call.params["RootId"] != organization.root_id:
        raise ApiError("RootNotFoundException", "We can't find a root with the specified RootId.")
    return organization, call.params["PolicyType"]


def changes_in_progress() -> ApiError:
    """Return the refusal of what meets a change of the policy type."""
    return ApiError(
        "PolicyChangesInProgressException",
        "Changes to the effective policy are in progress. Try again later.",
    )


OPERATIONS = {
    "EnablePolicyType": Operation(run=_enable),
    "DisablePolicyType": Operation(run=_disable),
}
