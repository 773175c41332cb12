"""The caller is the management account of the organization that the app is meant for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from org_constructs.model.organization import ORGANIZATION

from ._line import Line, NotKnownError, failed, passed
from ._situation import Situation

POSITION = 10
# Of another account, everything else would be said of another organization.
DECISIVE = True

_ROOT = re.compile(r"r-[0-9a-z]{4,32}")
_UNIT = re.compile(r"ou-([0-9a-z]{4,32})-[a-z0-9]{8,32}")
_PARENTS = ("ParentId", "ParentIds", "TargetIds", "RootId")


def look(situation: Situation) -> Iterator[Line]:
    """Compare the caller and its organization with the assembly and the lock."""
    from botocore.exceptions import ClientError

    try:
        account = str(situation.identity["Account"])
    except NotKnownError as error:
        # Nobody needs a permission for this question, so AWS is out of reach, or the credentials
        # are no good.
        yield failed(
            str(error),
            "sign in to the management account again; the credentials do not work"
            if isinstance(error.__cause__, ClientError)
            else "see that AWS can be reached from here with this profile and Region",
        )
        return
    expected = situation.model.management_account_ids
    if expected and account not in expected:
        names = ", ".join(sorted(expected))
        yield failed(
            f"the credentials are of account {account}, the app deploys to {names}",
            f"sign in to {names}",
        )
        return
    locked = situation.lock.management_account_id if situation.lock else None
    if locked not in (None, account):
        yield failed(
            f"the credentials are of account {account}, the lock is of {locked}",
            f"sign in to {locked}, or give the lock file of {account} with --file",
        )
        return
    organization = situation.organization
    if organization is None:
        yield _without_organization(situation, account)
        return
    id, manager = organization["Id"], organization["MasterAccountId"]
    if manager != account:
        yield failed(
            f"account {account} is a member of organization {id}; {manager} manages it",
            f"sign in to {manager}",
        )
        return
    other = _other_organization(situation, id)
    if other:
        yield failed(
            f"account {account} manages organization {id}, {other}",
            "sign in to the account that manages that one, or correct the ids in the settings",
        )
    elif organization["FeatureSet"] != "ALL":
        yield failed(
            f"organization {id} has consolidated billing only, so it has no policies",
            "enable all features: aws organizations enable-all-features; every invited account "
            "has to agree",
        )
    else:
        yield passed(f"account {account} manages organization {id}")


def _without_organization(situation: Situation, account: str) -> Line:
    if situation.app.organizations:
        return passed(f"account {account} has no organization yet, this deployment creates it")
    return failed(
        f"account {account} is in no organization, and the app refers to one that exists",
        "sign in to the account that manages it, or declare that it is to be created",
    )


def _other_organization(situation: Situation, id: str) -> str:
    """Return what the app or its stacks say of another organization; empty if they do not."""
    for stack in situation.management_stacks:
        for logical_id, resource in stack.resources.items():
            if resource.get("Type") == ORGANIZATION:
                held = situation.held.get((stack.name, logical_id))
                if held not in (None, id):
                    return f"stack '{stack.name}' holds {held}"
            properties = stack.properties_of(logical_id)
            for name in _PARENTS:
                for root in _roots(properties.get(name)):
                    if root != situation.root_id:
                        return (
                            f"whose root is {situation.root_id}, and "
                            f"{stack.id_path(logical_id)} is of root {root}"
                        )
    return ""


def _roots(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            if _ROOT.fullmatch(item):
                yield item
            elif unit := _UNIT.fullmatch(item):
                yield f"r-{unit[1]}"
