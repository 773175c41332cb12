"""Who may call an operation: anyone, members, delegated administrators, the management account."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

from .api_model import Caller, OperationModel
from .errors import ApiError
from .state import Json, Organization, World


def check_caller(
    operation: str,
    params: Json,
    model: OperationModel,
    world: World,
    account_id: str,
    *,
    read: bool,
) -> None:
    """Refuse a call by an account that may not make it.

    Args:
        operation: its name, such as `ListAccounts`.
        params: its parameters.
        model: what AWS's model says about it.
        world: every organization.
        account_id: the caller.
        read: whether the operation leaves everything as it was.

    Raises:
        ApiError: `AWSOrganizationsNotInUseException` or `AccessDeniedException`.
    """
    if model.caller is Caller.ANYONE:
        # From now on the account can be invited by its address, too.
        if operation != "CreateOrganization" and world.find(account_id) is None:
            world.see(account_id)
        return
    organization = world.of(account_id)
    if model.caller is Caller.MEMBER or account_id == organization.management_account_id:
        return
    if model.caller is Caller.DELEGATED_ADMINISTRATOR:
        # Being registered for any service gives the reading operations; writing takes a statement
        # of the resource-based delegation policy (documentation: orgs_integrate_delegated_admin,
        # orgs_delegate_policies).
        if read and is_delegated_administrator(organization, account_id):
            return
        if _is_delegated(organization, account_id, operation, params):
            return
    raise ApiError("AccessDeniedException", "You don't have permissions to access this resource.")


def is_delegated_administrator(organization: Organization, account_id: str) -> bool:
    """Tell whether an account administers any service for the organization."""
    return any(account_id in ids for ids in organization.delegated_administrators.values())


def _is_delegated(
    organization: Organization, account_id: str, operation: str, params: Json
) -> bool:
    """Tell whether the resource policy lets an account call an operation.

    Resources are not looked at, and of conditions only those on the type of a policy: rather too
    little is refused.
    """
    if organization.resource_policy is None:
        return False
    policy_type = _policy_type(organization, params)
    verdicts = {
        statement.get("Effect")
        for statement in _strings_or_list(
            json.loads(organization.resource_policy.content).get("Statement")
        )
        if isinstance(statement, dict)
        and _names(statement.get("Principal"), account_id)
        and _matches(statement.get("Action"), f"organizations:{operation}")
        and _holds(statement.get("Condition") or {}, policy_type)
    }
    return "Allow" in verdicts and "Deny" not in verdicts


def _policy_type(organization: Organization, params: Json) -> str | None:
    """Return the type of the policies that a call is about."""
    for name in ("PolicyType", "Type", "Filter"):
        if isinstance(params.get(name), str):
            return str(params[name])
    policy = organization.policies.get(params.get("PolicyId") or params.get("ResourceId") or "")
    return None if policy is None else policy.type


def _holds(condition: dict[str, dict[str, object]], policy_type: str | None) -> bool:
    """Tell whether a type meets a condition; operators are those of IAM (documentation)."""
    for operator, keys in condition.items():
        is_negated = "Not" in operator
        for key, value in keys.items():
            if key.lower() != "organizations:policytype":
                continue
            if policy_type is None:
                # The key is not there: IfExists and negations hold.
                is_met = operator.endswith("IfExists") or is_negated
            else:
                wanted = [str(item) for item in _strings_or_list(value)]
                found = (
                    any(fnmatchcase(policy_type, pattern) for pattern in wanted)
                    if "Like" in operator
                    else policy_type in wanted
                )
                is_met = found is not is_negated
            if not is_met:
                return False
    return True


def _names(principal: object, account_id: str) -> bool:
    if isinstance(principal, dict):
        principal = principal.get("AWS")
    return any(
        isinstance(value, str) and (value in ("*", account_id) or f":iam::{account_id}:" in value)
        for value in _strings_or_list(principal)
    )


def _matches(actions: object, action: str) -> bool:
    return any(
        isinstance(pattern, str) and fnmatchcase(action.lower(), pattern.lower())
        for pattern in _strings_or_list(actions)
    )


def _strings_or_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
