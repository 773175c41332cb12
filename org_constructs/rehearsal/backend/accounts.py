"""Accounts: created in the background, moved, shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from . import effective_policies
from .errors import ApiError, constraint_violation, invalid_input
from .ids import Ids
from .membership import join
from .operation import Call, Operation
from .paging import page
from .settings import Settings
from .state import Account, Creation, Json, Organization, World
from .tags import tags_of
from .units import parent

# State is newer than Status and finer; Status is still answered (documentation: a CLOSED
# account has the Status SUSPENDED; inference: what it makes of PENDING_ACTIVATION).
_STATUS = {"PENDING_ACTIVATION": "ACTIVE", "CLOSED": "SUSPENDED"}
_SERVICE_ROLE = "AWSServiceRoleFor"
# The rules for the address of a new account (model: the parameter's description).
_ADDRESS = re.compile(
    r"""(?!\.)[^\s"'()<>\[\]:;,\\|%&@]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?""", re.ASCII
)


def describe_account(organization: Organization, account: Account) -> Json:
    """Return an account as the API shows it."""
    return {
        "Id": account.id,
        "Arn": organization.arn("account", account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": _STATUS.get(account.state, account.state),
        "State": account.state,
        "Paths": [organization.path(account.id)],
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": account.joined_at,
    }


def _describe_creation(creation: Creation) -> Json:
    status: Json = {
        "Id": creation.id,
        "AccountName": creation.name,
        "State": creation.state,
        "RequestedTimestamp": creation.requested_at,
    }
    optional = {
        "CompletedTimestamp": creation.completed_at,
        "AccountId": creation.account_id,
        "FailureReason": creation.failure_reason,
    }
    return status | {key: value for key, value in optional.items() if value is not None}


def account_of(call: Call) -> Account:
    """Return the account that a call names.

    Raises:
        ApiError: `AccountNotFoundException`.
    """
    account = call.organization.accounts.get(call.params["AccountId"])
    if account is None:
        raise ApiError(
            "AccountNotFoundException",
            "We can't find an AWS account with the AccountId that you specified, or the account "
            "whose credentials you used to make this request isn't a member of an organization.",
        )
    return account


def _create(call: Call) -> Json:
    organization, settings = call.organization, call.settings
    if call.params.get("RoleName", "").startswith(_SERVICE_ROLE):
        raise invalid_input(
            f"A role name can't begin with the reserved prefix {_SERVICE_ROLE}.",
            "INVALID_ROLE_NAME",
        )
    tags = tags_of(call.params, settings)
    refuse_while_finalizing(organization, settings, call.clock.now())
    in_progress = sum(c.state == "IN_PROGRESS" for c in organization.creations.values())
    most_at_once = settings.quota("concurrent_account_creations")
    if in_progress >= most_at_once:
        # The text of the reason says so (model); TooManyRequestsException is about rates.
        raise constraint_violation(
            f"You have exceeded the number of accounts that can be created at once: "
            f"{most_at_once}.",
            "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED",
        )
    # Closed accounts count until AWS removes them; pending invitations count too.
    most = settings.quota("accounts")
    invited = sum(
        handshake.organization_id == organization.id
        and (handshake.action, handshake.state) == ("INVITE", "REQUESTED")
        for handshake in call.world.handshakes.values()
    )
    if len(organization.accounts) + in_progress + invited >= most:
        raise constraint_violation(
            f"You have exceeded the allowed number of AWS accounts: {most}.",
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        )
    now = call.clock.now()
    creation = Creation(
        id=call.ids.create_account_request(),
        name=call.params["AccountName"],
        email=call.params["Email"],
        tags=tags,
        requested_at=now,
        due=now + settings.account_creation_seconds,
        fails_with=_planned_failure(call.params["Email"], settings),
    )
    organization.creations[creation.id] = creation
    return {"CreateAccountStatus": _describe_creation(creation)}


def settle(organization: Organization, world: World, ids: Ids, now: float) -> Iterator[Json]:
    """Finish the creations that the clock has finished, and yield how each one ended."""
    for creation in organization.creations.values():
        if creation.state != "IN_PROGRESS" or creation.due > now:
            continue
        creation.completed_at = creation.due
        # AWS accepts the request and finds only then that the address is taken.
        reason = creation.fails_with
        if reason is None and not _is_address(creation.email):
            # The rules are documented, and the reason; that the one comes of the other is not
            # (inference).
            reason = "INVALID_EMAIL"
        if reason is None and world.knows_email(creation.email):
            reason = "EMAIL_ALREADY_EXISTS"
        if reason is not None:
            creation.state, creation.failure_reason = "FAILED", reason
        else:
            creation.state = "SUCCEEDED"
            creation.account_id = _join(organization, world, ids, creation)
        yield _describe_creation(creation)


def _is_address(email: str) -> bool:
    return email.isascii() and _ADDRESS.fullmatch(email) is not None and "." in email.split("@")[1]


def _join(organization: Organization, world: World, ids: Ids, creation: Creation) -> str:
    account_id = ids.account()
    while world.knows_account(account_id):
        account_id = ids.account()
    account = Account(
        id=account_id,
        name=creation.name,
        email=creation.email,
        parent_id=organization.root_id,
        joined_method="CREATED",
        joined_at=creation.due,
    )
    join(organization, account, creation.tags, world, creation.due)
    return account_id


def refuse_while_finalizing(organization: Organization, settings: Settings, now: float) -> None:
    """Refuse new accounts while the organization is not finished.

    Raises:
        ApiError: `FinalizingOrganizationException`.
    """
    if now < organization.created_at + settings.finalizing_seconds:
        raise ApiError(
            "FinalizingOrganizationException",
            "Organizations couldn't perform the operation because your organization hasn't "
            "finished initializing. This can take up to an hour. Try again later.",
        )


def _planned_failure(email: str, settings: Settings) -> str | None:
    for pattern, reason in settings.account_creation_failures.items():
        if fnmatchcase(email.lower(), pattern.lower()):
            return reason
    return None


def _creation_status(call: Call) -> Json:
    creation = call.organization.creations.get(call.params["CreateAccountRequestId"])
    if creation is None:
        raise ApiError(
            "CreateAccountStatusNotFoundException",
            "We can't find a create account request with the CreateAccountRequestId that you "
            "specified.",
        )
    return {"CreateAccountStatus": _describe_creation(creation)}


def _creation_statuses(call: Call) -> Json:
    states = call.params.get("States") or ["IN_PROGRESS", "SUCCEEDED", "FAILED"]
    items = [
        _describe_creation(creation)
        for creation in call.organization.creations.values()
        if creation.state in states
    ]
    return page(call.params, "CreateAccountStatuses", items)


def _move(call: Call) -> Json:
    organization, account = call.organization, account_of(call)
    source, destination = call.params["SourceParentId"], call.params["DestinationParentId"]
    if not organization.is_container(destination):
        raise ApiError(
            "DestinationParentNotFoundException",
            "We can't find the destination container (a root or OU) with the ParentId that you "
            "specified.",
        )
    if account.parent_id == destination:
        raise ApiError(
            "DuplicateAccountException",
            "That account is already present in the specified destination.",
        )
    if not organization.is_container(source) or account.parent_id != source:
        raise ApiError(
            "SourceParentNotFoundException",
            "We can't find a source root or OU with the ParentId that you specified.",
        )
    account.parent_id = destination
    effective_policies.refresh(organization, [account.id], call.clock.now())
    return {}


def _list(call: Call) -> Json:
    organization = call.organization
    items = [describe_account(organization, account) for account in organization.accounts.values()]
    return page(call.params, "Accounts", items)


def _list_for_parent(call: Call) -> Json:
    organization = call.organization
    accounts = organization.accounts_in(parent(organization, call.params["ParentId"]))
    return page(call.params, "Accounts", [describe_account(organization, a) for a in accounts])


OPERATIONS = {
    "CreateAccount": Operation(run=_create),
    "DescribeCreateAccountStatus": Operation(run=_creation_status, read=True),
    "ListCreateAccountStatus": Operation(run=_creation_statuses, read=True),
    "MoveAccount": Operation(run=_move),
    "DescribeAccount": Operation(
        run=lambda call: {"Account": describe_account(call.organization, account_of(call))},
        read=True,
    ),
    "ListAccounts": Operation(run=_list, read=True),
    "ListAccountsForParent": Operation(run=_list_for_parent, read=True),
}
