"""Effective policies: kept for each account, because AWS keeps the last valid one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .inheritance import merge
from .state import EffectivePolicy, Json, Organization, Policy

# The types that say themselves how they are inherited (model: EffectivePolicyType).
_AUTHORIZATION = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
# Documentation: a backup plan has at most ten rules.
_RULES_PER_PLAN = 10
# Documentation: what a plan and a rule need, merged from whatever policies.
_PLAN = ("rules", "regions", "selections")
_RULE = ("schedule_expression", "target_backup_vault_name")
# Documentation: both lists of Regions must be there, though they may be empty.
_REGIONS = ("enable_in_regions", "disable_in_regions")
_ENABLEMENTS = ("securityhub", "inspector", "network_security_director")


def accounts_below(organization: Organization, target_id: str) -> list[str]:
    """Return the ids of the accounts that a policy attached to a target reaches."""
    if target_id in organization.accounts:
        return [target_id]
    return [id for id in organization.accounts if target_id in _chain(organization, id)]


def refresh(
    organization: Organization,
    account_ids: Iterable[str],
    now: float,
    policy_type: str | None = None,
) -> None:
    """Work out the effective policies of accounts anew.

    Args:
        organization: where they are.
        account_ids: the accounts.
        now: the time of the change.
        policy_type: the type that changed; every type that is enabled by default.
    """
    types = organization.policy_types if policy_type is None else [policy_type]
    kept = [t for t in types if t not in _AUTHORIZATION and organization.is_enabled(t)]
    if kept:
        for account_id in account_ids:
            for name in kept:
                _refresh(organization, account_id, name, now)


def forget(organization: Organization, account_id: str) -> None:
    """Drop the effective policies of an account that is gone."""
    for key, effective in list(organization.effective.items()):
        if effective.account_id == account_id:
            del organization.effective[key]


def forget_type(organization: Organization, policy_type: str) -> None:
    """Drop the effective policies of a type that is off."""
    for key, effective in list(organization.effective.items()):
        if effective.type == policy_type:
            del organization.effective[key]


def effective_policy(
    organization: Organization, account_id: str, policy_type: str
) -> EffectivePolicy | None:
    """Return what is known about one account's effective policy of a type."""
    return organization.effective.get(_key(account_id, policy_type))


def _key(account_id: str, policy_type: str) -> str:
    return f"{account_id}/{policy_type}"


def _refresh(organization: Organization, account_id: str, policy_type: str, now: float) -> None:
    nodes = [organization.attached(id, policy_type) for id in _chain(organization, account_id)]
    policies = [policy for node in nodes for policy in node]
    key = _key(account_id, policy_type)
    if not policies:
        organization.effective.pop(key, None)
        return
    document = merge([[policy.content for policy in node] for node in nodes])
    errors = [_error(*problem, policies) for problem in _problems(policy_type, document)]
    content = json.dumps(document, separators=(",", ":"))
    before = organization.effective.get(key)
    if before is not None and (errors or before.content == content):
        before.errors = errors
        before.evaluated_at = now
        return
    organization.effective[key] = EffectivePolicy(
        account_id=account_id,
        type=policy_type,
        content=None if errors else content,
        updated_at=now,
        evaluated_at=now,
        errors=errors,
    )


def _chain(organization: Organization, account_id: str) -> list[str]:
    """Return the root, the OUs on the way and the account."""
    ids = [account_id]
    while ids[-1] != organization.root_id:
        ids.append(organization.parent_of(ids[-1]))
    return ids[::-1]


def _error(code: str, message: str, path: str, policies: list[Policy]) -> Json:
    return {
        "ErrorCode": code,
        "ErrorMessage": message,
        "PathToError": path,
        "ContributingPolicies": [policy.id for policy in policies],
    }


def _problems(policy_type: str, document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return code, message and path of what makes an effective policy invalid.

    Of the rules that AWS checks these are coded; a policy that breaks others counts as valid here.
    """
    if policy_type == "BACKUP_POLICY":
        return _backup_problems(document)
    return [
        problem for top in _ENABLEMENTS if top in document for problem in _regions(document, top)
    ]


def _backup_problems(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    problems: list[tuple[str, str, str]] = []
    for name, plan in _objects(document.get("plans")):
        path = f"plans/{name}"
        problems += _required(plan, _PLAN, path)
        if plan.get("regions") == []:
            problems.append(
                ("ELEMENTS_TOO_FEW", "at least one Region is needed", f"{path}/regions")
            )
        rules = _objects(plan.get("rules"))
        if len(rules) > _RULES_PER_PLAN:
            message = f"{len(rules)} rules, at most {_RULES_PER_PLAN} are allowed"
            problems.append(("ELEMENTS_TOO_MANY", message, f"{path}/rules"))
        for rule, content in rules:
            problems += _required(content, _RULE, f"{path}/rules/{rule}")
    return problems


def _required(
    value: dict[str, Any], keys: tuple[str, ...], path: str
) -> list[tuple[str, str, str]]:
    missing = [key for key in keys if key not in value]
    return [("KEY_REQUIRED", f"{key} is required", path) for key in missing]


def _regions(value: dict[str, Any], path: str) -> list[tuple[str, str, str]]:
    """Look for places that have one list of Regions without the other."""
    node = value[path.rpartition("/")[2]]
    if not isinstance(node, dict):
        return []
    present = [key for key in _REGIONS if key in node]
    problems = [
        ("KEY_REQUIRED", f"{key} is required", f"{path}/{key}")
        for key in _REGIONS
        if present and key not in node
    ]
    for name, _ in _objects(node):
        problems += _regions(node, f"{path}/{name}")
    return problems


def _objects(value: object) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(value, dict):
        return []
    return [(name, item) for name, item in value.items() if isinstance(item, dict)]
