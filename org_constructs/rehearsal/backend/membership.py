"""Joining and leaving: what becomes of an account, its tags and its policies."""

from __future__ import annotations

from . import all_features, effective_policies
from .callers import is_delegated_administrator
from .errors import ApiError, constraint_violation
from .operation import Call, Operation
from .policy_types import attach_default_policies
from .settings import Settings
from .state import Account, Json, Organization, Outsider, World

_DAY = 86_400


def join(
    organization: Organization, account: Account, tags: dict[str, str], world: World, now: float
) -> None:
    """Make an account a member, in the container that it names."""
    organization.accounts[account.id] = account
    organization.tags[account.id] = dict(tags)
    attach_default_policies(organization, account.id)
    effective_policies.refresh(organization, [account.id], now)
    world.outsiders.pop(account.id, None)


def depart(organization: Organization, account_id: str, world: World, now: float) -> None:
    """Make a member a standalone account, which AWS still knows by name and address."""
    account = organization.accounts[account_id]
    forget(organization, account_id)
    world.outsiders[account_id] = Outsider(account_id, account.name, account.email)
    all_features.without(organization, account_id, world, now)


def forget(organization: Organization, account_id: str) -> None:
    """Remove an account with all that is attached to it; tags do not outlive membership."""
    del organization.accounts[account_id]
    organization.attachments.pop(account_id, None)
    organization.tags.pop(account_id, None)
    effective_policies.forget(organization, account_id)
    for administrators in organization.delegated_administrators.values():
        administrators.pop(account_id, None)


def refuse_leaving(
    organization: Organization, account_id: str, settings: Settings, now: float
) -> None:
    """Refuse when an account may not leave.

    Raises:
        ApiError: `MasterCannotLeaveOrganizationException` or `ConstraintViolationException`.
    """
    account = organization.accounts[account_id]
    if account_id == organization.management_account_id:
        raise ApiError(
            "MasterCannotLeaveOrganizationException",
            "You can't remove a management account from an organization.",
        )
    if is_delegated_administrator(organization, account_id):
        raise constraint_violation(
            "You must first deregister this account as a delegated administrator.",
            "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
        )
    days = settings.quota("member_account_minimum_age_days")
    if account.joined_method == "CREATED" and now < account.joined_at + days * _DAY:
        raise constraint_violation(
            f"You must wait until at least {days} days after the account was created.",
            "WAIT_PERIOD_ACTIVE",
        )
    if not settings.stand_alone:
        raise constraint_violation(
            "The account has no payment method with which it could stand alone.",
            "MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED",
        )


def _leave(call: Call) -> Json:
    organization, now = call.organization, call.clock.now()
    refuse_leaving(organization, call.account_id, call.settings, now)
    depart(organization, call.account_id, call.world, now)
    return {}


def _remove(call: Call) -> Json:
    organization, account_id = call.organization, call.params["AccountId"]
    if account_id not in organization.accounts:
        raise ApiError(
            "AccountNotFoundException",
            "We can't find an AWS account with the AccountId that you specified.",
        )
    refuse_leaving(organization, account_id, call.settings, call.clock.now())
    depart(organization, account_id, call.world, call.clock.now())
    return {}


OPERATIONS = {
    "LeaveOrganization": Operation(run=_leave),
    "RemoveAccountFromOrganization": Operation(run=_remove),
}
