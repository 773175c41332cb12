"""A copy of a live organization, from a snapshot of it.

The snapshot is what `operations.snapshot.take_snapshot` returns: `version` (1), `organization_id`,
`root_id`, `management_account_id`, `feature_set`, `policy_types` (status by type) and the lists

- `organizational_units`: `id`, `name`, `parent_id`;
- `accounts`: `id`, `name`, `email`, `parent_id`, `state`, `joined_method`, and if known `joined_at`
  (seconds since the epoch);
- `policies`: `id`, `name`, `type`, `description`, `content`, `aws_managed`, `targets`.

Each entry of these may have `tags` (value by key). Optional are `trusted_services` (a list of
service principals), `delegated_administrators` (a list of account ids by service principal) and
`resource_policy` (its content).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from . import effective_policies
from .ids import Ids
from .policy_types import DEFAULT_POLICIES
from .settings import Settings
from .state import (
    Account,
    Organization,
    OrganizationalUnit,
    Policy,
    PolicyTypeState,
)
from .trusted_services import services_of_policy_types

_VERSION = 1
_STATES = ("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED")
# A snapshot need not say when an account joined; long enough ago that it may leave (guess).
_LONG_AGO = 365 * 86_400


def organization_from(
    snapshot: Mapping[str, Any], settings: Settings, ids: Ids, now: float
) -> Organization:
    """Return the organization that a snapshot shows.

    Raises:
        ValueError: the snapshot is incomplete or contradicts itself.
    """
    if snapshot.get("version") != _VERSION:
        raise ValueError(
            f"the snapshot has version {snapshot.get('version')!r}, {_VERSION} is known; "
            "take it anew"
        )
    try:
        organization = _skeleton(snapshot, settings, now)
        _add_policies(organization, snapshot)
        _add_services(organization, snapshot, ids, now)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the snapshot is incomplete: {error!r}; take it anew") from error
    _check(organization)
    effective_policies.refresh(organization, list(organization.accounts), now)
    return organization


def _skeleton(snapshot: Mapping[str, Any], settings: Settings, now: float) -> Organization:
    organization = Organization(
        id=snapshot["organization_id"],
        root_id=snapshot["root_id"],
        management_account_id=snapshot["management_account_id"],
        feature_set=snapshot["feature_set"],
        partition=settings.partition,
        created_at=now - _LONG_AGO,
    )
    for unit in snapshot["organizational_units"]:
        organization.units[unit["id"]] = OrganizationalUnit(
            id=unit["id"], name=unit["name"], parent_id=unit["parent_id"]
        )
    for account in snapshot["accounts"]:
        state = account["state"]
        if state not in _STATES:
            raise ValueError(
                f"the snapshot gives account '{account['id']}' the state '{state}'; give one of "
                f"{', '.join(_STATES)}"
            )
        organization.accounts[account["id"]] = Account(
            id=account["id"],
            name=account["name"],
            email=account["email"],
            parent_id=account["parent_id"],
            joined_method=account["joined_method"],
            joined_at=account.get("joined_at", now - _LONG_AGO),
            state=state,
            closes_at=_closes_at(state, settings, now),
        )
    for policy_type, status in snapshot["policy_types"].items():
        due = now + settings.policy_type_seconds
        organization.policy_types[policy_type] = PolicyTypeState(status, due)
    for entry in (*snapshot["organizational_units"], *snapshot["accounts"], *snapshot["policies"]):
        organization.tags[entry["id"]] = dict(entry.get("tags", {}))
    return organization


def _closes_at(state: str, settings: Settings, now: float) -> float | None:
    """Return when an account is closed; the snapshot does not say since when one is."""
    if state == "PENDING_CLOSURE":
        return now + settings.account_closure_seconds
    return now if state in ("SUSPENDED", "CLOSED") else None


def _add_policies(organization: Organization, snapshot: Mapping[str, Any]) -> None:
    for policy in DEFAULT_POLICIES.values():
        organization.policies[policy.id] = copy.copy(policy)
    for entry in snapshot["policies"]:
        organization.policies[entry["id"]] = Policy(
            id=entry["id"],
            name=entry["name"],
            description=entry["description"],
            type=entry["type"],
            content=entry["content"],
            aws_managed=entry["aws_managed"],
        )
        for target in entry["targets"]:
            organization.attachments.setdefault(target, []).append(entry["id"])


def _add_services(
    organization: Organization, snapshot: Mapping[str, Any], ids: Ids, now: float
) -> None:
    # A policy type is on only where its service has trusted access, listed or not.
    needed = services_of_policy_types()
    services = {needed[name] for name in organization.policy_types if name in needed}
    for principal in sorted(services.union(snapshot.get("trusted_services", ()))):
        organization.trusted_services[principal] = now
    for principal, accounts in snapshot.get("delegated_administrators", {}).items():
        organization.trusted_services.setdefault(principal, now)
        organization.delegated_administrators[principal] = dict.fromkeys(accounts, now)
    if snapshot.get("resource_policy"):
        organization.resource_policy = Policy(
            id=ids.resource_policy(),
            name="",
            description="",
            type="RESOURCE_POLICY",
            content=snapshot["resource_policy"],
        )


def _check(organization: Organization) -> None:
    """Refuse a tree that hangs together nowhere.

    Raises:
        ValueError: something names what the snapshot does not have.
    """
    if organization.management_account_id not in organization.accounts:
        raise ValueError(
            f"the snapshot lacks the management account "
            f"'{organization.management_account_id}'; take it anew"
        )
    entries: list[OrganizationalUnit | Account] = [
        *organization.units.values(),
        *organization.accounts.values(),
    ]
    for entry in entries:
        if not organization.is_container(entry.parent_id):
            raise ValueError(
                f"the snapshot puts '{entry.id}' in '{entry.parent_id}', which it does not have; "
                "take it anew"
            )
    for target in organization.attachments:
        if not organization.is_target(target):
            raise ValueError(
                f"the snapshot attaches a policy to '{target}', which it does not have; "
                "take it anew"
            )
    # A chain of parents longer than the number of OUs leads in a circle.
    for unit in organization.units.values():
        current, steps = unit.parent_id, 0
        while current != organization.root_id:
            current, steps = organization.units[current].parent_id, steps + 1
            if steps > len(organization.units):
                raise ValueError(f"the snapshot puts '{unit.id}' below itself; take it anew")
