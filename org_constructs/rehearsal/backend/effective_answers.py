"""The operations that show effective policies."""

from __future__ import annotations

from .accounts import account_of, describe_account
from .callers import is_delegated_administrator
from .effective_policies import effective_policy
from .errors import ApiError, invalid_input
from .operation import Call, Operation
from .paging import page
from .state import Json, Organization
from .trusted_access import need_all_features


def _not_found() -> ApiError:
    return ApiError(
        "EffectivePolicyNotFoundException",
        "If you ran this action on the management account, this policy type is not enabled. If "
        "you ran the action on a member account, the account doesn't have an effective policy of "
        "this type.",
    )


def _need_type(organization: Organization, policy_type: str) -> None:
    need_all_features(organization)
    if not organization.is_enabled(policy_type):
        raise _not_found()


def _describe(call: Call) -> Json:
    organization, policy_type = call.organization, call.params["PolicyType"]
    target = call.params.get("TargetId") or call.account_id
    may_see_others = (
        call.account_id == organization.management_account_id
        or is_delegated_administrator(organization, call.account_id)
    )
    if target != call.account_id and not may_see_others:
        # A member sees its own only (inference).
        raise ApiError(
            "AccessDeniedException", "You don't have permissions to access this resource."
        )
    if organization.is_container(target):
        raise invalid_input(
            "Only an account has an effective policy, not a root or an OU.", "TARGET_NOT_SUPPORTED"
        )
    if target not in organization.accounts:
        raise ApiError(
            "TargetNotFoundException", "We can't find an account with the TargetId you specified."
        )
    _need_type(organization, policy_type)
    effective = effective_policy(organization, target, policy_type)
    if effective is None or effective.content is None:
        raise _not_found()
    return {
        "EffectivePolicy": {
            "PolicyContent": effective.content,
            "LastUpdatedTimestamp": effective.updated_at,
            "TargetId": target,
            "PolicyType": policy_type,
        }
    }


def _invalid_accounts(call: Call) -> Json:
    organization, policy_type = call.organization, call.params["PolicyType"]
    _need_type(organization, policy_type)
    items = [
        describe_account(organization, account)
        for account in organization.accounts.values()
        if (effective := effective_policy(organization, account.id, policy_type)) is not None
        and effective.errors
    ]
    return page(call.params, "Accounts", items) | {"PolicyType": policy_type}


def _validation_errors(call: Call) -> Json:
    organization, policy_type = call.organization, call.params["PolicyType"]
    account = account_of(call)
    _need_type(organization, policy_type)
    effective = effective_policy(organization, account.id, policy_type)
    if effective is None:
        raise _not_found()
    return page(call.params, "EffectivePolicyValidationErrors", effective.errors) | {
        "AccountId": account.id,
        "PolicyType": policy_type,
        "Path": organization.path(account.id),
        "EvaluationTimestamp": effective.evaluated_at,
    }


OPERATIONS = {
    "DescribeEffectivePolicy": Operation(run=_describe, read=True),
    "ListAccountsWithInvalidEffectivePolicy": Operation(run=_invalid_accounts, read=True),
    "ListEffectivePolicyValidationErrors": Operation(run=_validation_errors, read=True),
}
