"""Invites an account that exists, and places it once it has joined.

The owner accepts inside the invited account, days later or never, so the setting is in force when
the invitation is sent. Who has joined already is placed at once; who joins later is placed by the
sweep (`sweep.py`).
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from ..errors import SettingError, explained
from ..invitations import Invited, invitations, member, pending, place, state_of
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from . import Run

_LOGGER = logging.getLogger(__name__)

_LONGEST_NOTES: Final = 1024
# CloudFormation shows no empty attribute.
_NONE: Final = "none"

_NOT_VERIFIED: Final = (
    "the address of the management account is not verified; follow the link in the e-mail that AWS "
    "has sent there ('Send verification request' in the console of AWS Organizations sends it again), "
    "and deploy again"
)
# What AWS says against an invitation, by its reason or code (model).
_REMEDIES: Final[Mapping[str, str]] = {
    "ACCOUNT_NUMBER_LIMIT_EXCEEDED": (
        "the organization has as many accounts and pending invitations as it may have; ask for a "
        "higher quota of accounts, or cancel invitations that nobody needs, and deploy again"
    ),
    "ALREADY_IN_AN_ORGANIZATION": (
        "it is in an organization. Its owner has to leave that one first, signed in to the account "
        "('aws organizations leave-organization'); then deploy again"
    ),
    "HANDSHAKE_RATE_LIMIT_EXCEEDED": (
        "too many invitations were sent within a day; wait until tomorrow and deploy again"
    ),
    "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES": (
        "no account can be invited while all features are being enabled; finish or cancel that, and "
        "deploy again"
    ),
    "MANAGEMENT_ACCOUNT_EMAIL_NOT_VERIFIED": _NOT_VERIFIED,
    "ORGANIZATION_FROM_DIFFERENT_SELLER_OF_RECORD": (
        "it has another seller of record than the organization (AWS Inc., AWS EMEA, AWS India, …), "
        "and accounts of different sellers cannot be in one organization; ask AWS Support"
    ),
    "ORGANIZATION_MEMBERSHIP_CHANGE_RATE_LIMIT_EXCEEDED": (
        "too many accounts have joined or left; wait until tomorrow and deploy again"
    ),
    "PAYMENT_INSTRUMENT_REQUIRED": (
        "it has no valid means of payment; its owner adds one, and you deploy again"
    ),
    "AccountOwnerNotVerifiedException": _NOT_VERIFIED,
    "DuplicateHandshakeException": (
        "it has a pending invitation already, sent in another form (by its address where this one "
        "goes by its id, or the other way round); cancel that one ('aws organizations cancel-handshake'), or declare it in that form"
    ),
    "FinalizingOrganizationException": (
        "AWS is still setting the organization up, which takes up to an hour; wait and deploy again"
    ),
}


class AccountInvitationSetting(Setting):
    """The resource type `Custom::AccountInvitation` with `ParentId`, and `AccountId` or `Email`."""

    resource_type = "Custom::AccountInvitation"
    actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DescribeAccount": "tells whether the account has joined",
        "organizations:DescribeOrganization": "tells which account manages the organization",
        "organizations:InviteAccountToOrganization": "sends the invitation",
        "organizations:ListAccounts": "finds an account that was invited by its address",
        "organizations:ListHandshakesForOrganization": "finds the invitations that were sent",
        "organizations:ListParents": "tells where an account is that has joined",
        "organizations:ListTagsForResource": "tells whether an OU is a quarantine",
        "organizations:MoveAccount": "places an account that has joined",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:CancelHandshake": "withdraws a pending invitation whose code is gone",
        "organizations:ListHandshakesForOrganization": "finds it",
    }
    kept = (
        "an account that has joined stays in the organization, where it is; to let it go, call "
        "RemoveAccountFromOrganization yourself"
    )

    def apply(
        self,
        properties: Mapping[str, Any],
        previous: Mapping[str, Any],  # noqa: ARG002 - where the account is, AWS tells
        run: Run,
    ) -> Outcome:
        """See `Setting.apply`."""
        invited, notes = Invited.of(properties), _notes(properties)
        client: OrganizationsClient = run.client("organizations")
        _refuse_management_account(client, invited, run)
        account = member(client, invited, run.patience)
        if account is not None:
            return _placed(client, invited, account, run)
        handshake = pending(invitations(client, run.patience), invited)
        if handshake is None:
            handshake = _invite(client, invited, notes, run)
            _LOGGER.info("account %s is invited: %s", invited.name, handshake["Id"])
        else:
            _LOGGER.info("account %s has a pending invitation already", invited.name)
        return _outcome(invited, state="REQUESTED", handshake_id=str(handshake["Id"]))

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """Withdraw the invitation if nobody has accepted it; see `Setting.remove`."""
        invited = Invited.of(properties)
        client: OrganizationsClient = run.client("organizations")
        handshake = pending(invitations(client, run.patience), invited)
        if handshake is None:
            return f"no invitation of '{invited.name}' is pending; {self.kept}"
        handshake_id = str(handshake["Id"])
        try:
            run.patience.call(
                lambda: client.cancel_handshake(HandshakeId=handshake_id),
                awaited=f"invitation '{handshake_id}' to be withdrawn",
            )
        except (
            client.exceptions.HandshakeAlreadyInStateException,
            client.exceptions.HandshakeNotFoundException,
            client.exceptions.InvalidHandshakeTransitionException,
        ):
            # Answered, expired or withdrawn in this moment.
            return f"invitation '{handshake_id}' has ended by itself; {self.kept}"
        return f"invitation '{handshake_id}' of '{invited.name}' is withdrawn"


SETTING = AccountInvitationSetting()


def _notes(properties: Mapping[str, Any]) -> str:
    notes = properties.get("Notes", "")
    if not isinstance(notes, str) or len(notes) > _LONGEST_NOTES:
        raise SettingError(
            f"property Notes is no text of at most {_LONGEST_NOTES} characters; shorten it"
        )
    return notes


def _refuse_management_account(client: OrganizationsClient, invited: Invited, run: Run) -> None:
    organization = run.patience.call(
        lambda: client.describe_organization()["Organization"],
        awaited="the organization",
    )
    manager = {
        "Id": organization.get("MasterAccountId"),
        "Email": organization.get("MasterAccountEmail"),
    }
    if invited.is_account(manager):
        raise SettingError(
            f"'{invited.name}' is the management account of the organization, which cannot be "
            "invited and stays in the root; declare an invitation of another account"
        )


def _placed(client: OrganizationsClient, invited: Invited, account: Any, run: Run) -> Outcome:
    account_id, state = str(account["Id"]), state_of(account)
    if state not in ("ACTIVE", ""):
        raise SettingError(
            f"account '{account_id}' is in the organization and {state}; it is neither invited nor "
            "moved. Reopen it with AWS Support, or remove its invitation from the code"
        )
    found = place(client, account_id, invited.parent_id, run.patience)
    return _outcome(
        invited,
        state="QUARANTINED" if found == "quarantined" else "PLACED",
        account_id=account_id,
    )


def _invite(client: OrganizationsClient, invited: Invited, notes: str, run: Run) -> Any:
    request: dict[str, Any] = {"Target": invited.target}
    if notes:
        request["Notes"] = notes
    with explained(f"account '{invited.name}' cannot be invited", _REMEDIES):
        try:
            return run.patience.call(
                lambda: client.invite_account_to_organization(**request)["Handshake"],
                awaited=f"account '{invited.name}' to be invited",
            )
        except client.exceptions.DuplicateHandshakeException:
            # A repeated request, or the list of invitations was older than the invitation.
            handshake = pending(invitations(client, run.patience), invited)
            if handshake is None:
                raise
            return handshake


def _outcome(
    invited: Invited, *, state: str, handshake_id: str = _NONE, account_id: str | None = None
) -> Outcome:
    return Outcome(
        physical_id=f"invitation/{invited.name}",
        attributes={
            "State": state,
            "HandshakeId": handshake_id,
            "AccountId": account_id or invited.account_id or _NONE,
        },
    )
