"""The second entry point: places accounts that have joined by invitation.

Runs on a schedule, and when AWS tells that an invitation was accepted. What it does follows from
the declared invitations, which every rule hands over, and from what AWS shows; the event itself
is not read, so that one that is lost costs nothing but time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from .errors import SettingError, explain
from .index import Surroundings, connect
from .invitations import Invited, members, place, state_of
from .settings import discover

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from .retry import Patience

_LOGGER = logging.getLogger(__package__)
_LOGGER.setLevel(logging.INFO)

# Left for the report.
_RESERVE_SECONDS: Final = 20.0


class SweepError(Exception):
    """Accounts could not be placed; Lambda counts the run as failed, and does not repeat it."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Place who has joined.

    Args:
        event: `{"Invitations": [{"AccountId" or "Email", "ParentId"}, …]}`.
        context: Lambda's context object.

    Returns:
        What became of each invitation: `{"Invitations": [{"Name", "Found", "AccountId"}, …]}`.

    Raises:
        SweepError: an account could not be placed; the others were.
    """
    return sweep(event, context, Surroundings(settings=discover, client=connect))


def sweep(event: Mapping[str, Any], context: Any, surroundings: Surroundings) -> dict[str, Any]:
    """Place who has joined, with what `surroundings` offers.

    Raises:
        SweepError: as `handler`.
    """
    seconds = context.get_remaining_time_in_millis() / 1000
    patience = surroundings.patience(seconds - min(_RESERVE_SECONDS, seconds / 5))
    client: OrganizationsClient = surroundings.client("organizations")
    report: list[dict[str, str]] = []
    failures: list[str] = []
    wanted: list[Invited] = []
    for entry in event.get("Invitations", ()):
        try:
            wanted.append(Invited.of(entry))
        except SettingError as error:
            failures.append(f"{dict(entry)}: {error}")
    joined = _joined(client, wanted, patience)
    settled = _settled(client, {invited.parent_id for invited, _ in joined}, patience)
    accounts = {id(invited): account for invited, account in joined}
    homes: dict[str, set[str]] = {}
    for invited, account in joined:
        homes.setdefault(str(account["Id"]), set()).add(invited.parent_id)
    for invited in wanted:
        account = accounts.get(id(invited))
        found, account_id = "waiting", "" if account is None else str(account["Id"])
        if len(homes.get(account_id, ())) > 1:
            # By its id and by its address: no synthesis can know that these are one account.
            found = "failed"
            failures.append(
                f"{invited.name}: account {account_id} is invited into "
                f"{' and '.join(sorted(homes[account_id]))}, and stays where it is; declare one"
            )
        elif account is not None:
            try:
                found = _place(client, invited, account, settled, patience)
            except Exception as error:  # noqa: BLE001 - the next one may be placed yet
                found = "failed"
                failures.append(f"{invited.name}: {explain(error)}")
        _LOGGER.info("invitation of %s: %s", invited.name, found)
        report.append({"Name": invited.name, "Found": found, "AccountId": account_id})
    if failures:
        raise SweepError("; ".join(failures))
    return {"Invitations": report}


def _joined(
    client: OrganizationsClient, wanted: Iterable[Invited], patience: Patience
) -> list[tuple[Invited, Any]]:
    """Return the invitations whose account has joined, with the account."""
    by_id: dict[str, Any] = {}
    by_email: dict[str, Any] = {}
    for account in members(client, patience):
        by_id[str(account["Id"])] = account
        by_email[str(account.get("Email", "")).lower()] = account
    found = (
        (one, by_id.get(one.account_id) if one.account_id else by_email.get(one.name))
        for one in wanted
    )
    return [(invited, account) for invited, account in found if account is not None]


def _settled(
    client: OrganizationsClient, parents: Iterable[str], patience: Patience
) -> set[tuple[str, str]]:
    """Return who is in one of the places where invited accounts belong, as pairs with the place."""
    found: set[tuple[str, str]] = set()
    for parent_id in sorted(parents):
        try:
            pages = patience.call(
                lambda parent_id=parent_id: list(  # type: ignore[misc]
                    client.get_paginator("list_accounts_for_parent").paginate(ParentId=parent_id)
                ),
                awaited=f"the accounts in '{parent_id}'",
            )
        except client.exceptions.ParentNotFoundException:
            # Moving an account there says so, with the account's name.
            continue
        found.update(
            (str(account["Id"]), parent_id) for page in pages for account in page["Accounts"]
        )
    return found


def _place(
    client: OrganizationsClient,
    invited: Invited,
    account: Any,
    settled: set[tuple[str, str]],
    patience: Patience,
) -> str:
    account_id, state = str(account["Id"]), state_of(account)
    if str(account.get("Arn", "")).split(":")[4:5] == [account_id]:
        # The ARN of each account names the one that manages it. The deployment refuses this one.
        return "management"
    if state not in ("ACTIVE", ""):
        # Closed accounts cannot be moved, and one that is being activated can be later.
        return state.lower()
    if (account_id, invited.parent_id) in settled:
        return "placed"
    return place(client, account_id, invited.parent_id, patience)
