"""Closing accounts: in the background, with quotas, and gone after the post-closure period."""

from __future__ import annotations

from collections.abc import Iterator

from .accounts import account_of
from .errors import ApiError, constraint_violation
from .membership import forget
from .operation import Call, Operation
from .settings import Settings
from .state import Json, Organization, World
from .trusted_access import need_all_features

_DAY = 86_400
_WINDOW = 30 * _DAY
# Documentation: 20 % of the member accounts if that is more, but never more than 1,000.
_SHARE = 5
_MOST = 1_000


def _close(call: Call) -> Json:
    account, organization, now = account_of(call), call.organization, call.clock.now()
    need_all_features(organization)
    if account.id == organization.management_account_id:
        raise constraint_violation(
            "You cannot close the management account.", "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
        )
    if account.state == "PENDING_CLOSURE":
        raise ApiError("ConflictException", "The account is being closed.")
    if account.state != "ACTIVE":
        raise ApiError("AccountAlreadyClosedException", "This account is already closed.")
    _check_quotas(organization, call.settings, now)
    account.state = "PENDING_CLOSURE"
    account.closes_at = now + call.settings.account_closure_seconds
    organization.closures.append(now)
    return {}


def _check_quotas(organization: Organization, settings: Settings, now: float) -> None:
    at_once = settings.quota("concurrent_account_closures")
    pending = sum(a.state == "PENDING_CLOSURE" for a in organization.accounts.values())
    if pending >= at_once:
        raise constraint_violation(
            f"You have exceeded the number of accounts that you can close at a time: {at_once}.",
            "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED",
        )
    organization.closures = [time for time in organization.closures if time > now - _WINDOW]
    members = len(organization.accounts) - 1
    most = min(max(settings.quota("account_closures_per_30_days"), members // _SHARE), _MOST)
    if len(organization.closures) >= most:
        raise constraint_violation(
            f"You have exceeded the close account quota for the past 30 days: {most}.",
            "CLOSE_ACCOUNT_QUOTA_EXCEEDED",
        )


def settle(
    organization: Organization, world: World, settings: Settings, now: float
) -> Iterator[tuple[str, float]]:
    """Finish what the clock has finished; yield each account that is closed now, and when."""
    suspended = settings.quota("closed_account_suspended_days") * _DAY
    for account in list(organization.accounts.values()):
        if account.closes_at is None or account.closes_at > now:
            continue
        if account.state == "PENDING_CLOSURE":
            # SUSPENDED is what AWS itself has restricted (documentation: account state).
            account.state = "CLOSED"
            yield account.id, account.closes_at
        if account.closes_at + suspended <= now:
            forget(organization, account.id)
            # An id is never given twice, and the address of a closed account stays taken
            # (documentation: accounts, manage-acct-closing).
            world.closed[account.id] = account.email


OPERATIONS = {"CloseAccount": Operation(run=_close)}
