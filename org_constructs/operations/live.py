"""The organization as it is: read from AWS Organizations by an account that may see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAccount:
    """A member account as AWS shows it."""

    id: str
    name: str
    email: str
    state: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUnit:
    """The root or an OU as AWS shows it, with all that is below it."""

    id: str
    name: str
    policies: tuple[str, ...]
    units: tuple[LiveUnit, ...] = ()
    accounts: tuple[LiveAccount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOrganization:
    """The organization of the caller.

    Attributes:
        id: its id.
        management_account_id: the account that manages it.
        root: its tree.
        policy_types: policy types and their states.
    """

    id: str
    management_account_id: str
    root: LiveUnit
    policy_types: dict[str, str] = field(default_factory=dict)


def read_organization(client: Any) -> LiveOrganization:
    """Read the whole organization, units and accounts by name.

    Args:
        client: boto3 client of Organizations, of the management account or a delegated
            administrator.

    Raises:
        botocore.exceptions.ClientError: as AWS answers.
    """
    organization = client.describe_organization()["Organization"]
    root = client.list_roots()["Roots"][0]
    types = {entry["Type"]: entry["Status"] for entry in root["PolicyTypes"]}
    enabled = [name for name, status in types.items() if status == "ENABLED"]
    return LiveOrganization(
        id=organization["Id"],
        management_account_id=organization["MasterAccountId"],
        root=_unit(client, root["Id"], root["Name"], enabled),
        policy_types=types,
    )


def organizations_client(session: Session) -> Any:
    """Return a client that slows down when AWS throttles, which reading a large tree provokes."""
    from botocore.config import Config

    # Adaptive mode lowers the rate instead of failing.
    retries = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
    return session.client("organizations", config=retries)


def _unit(client: Any, id: str, name: str, types: list[str]) -> LiveUnit:
    children = _pages(client, "list_organizational_units_for_parent", "OrganizationalUnits", id)
    accounts = _pages(client, "list_accounts_for_parent", "Accounts", id)
    return LiveUnit(
        id=id,
        name=name,
        policies=_policies(client, id, types),
        units=tuple(
            _unit(client, child["Id"], child["Name"], types)
            for child in sorted(children, key=lambda child: str(child["Name"]))
        ),
        accounts=tuple(
            LiveAccount(
                id=account["Id"],
                name=account["Name"],
                email=account["Email"],
                # `Status` was retired in 2026; older endpoints have nothing else.
                state=account.get("State") or account.get("Status", "?"),
                policies=_policies(client, account["Id"], types),
            )
            for account in sorted(accounts, key=lambda account: str(account["Name"]))
        ),
    )


def _pages(client: Any, operation: str, key: str, parent: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(ParentId=parent):
        yield from page[key]


def _policies(client: Any, target: str, types: list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for policy_type in types:
        paginator = client.get_paginator("list_policies_for_target")
        for page in paginator.paginate(TargetId=target, Filter=policy_type):
            names += [policy["Name"] for policy in page["Policies"]]
    return tuple(sorted(names))
