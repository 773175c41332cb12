"""AWS has finished creating the organization, so that it creates accounts.

For up to an hour it may not, and answers FinalizingOrganizationException, which CloudFormation
does not repeat.

Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html
"""

from __future__ import annotations

from collections.abc import Iterator

from ._line import Line, passed, unknown
from ._situation import Situation

POSITION = 50
_MAY_TAKE = 3600.0
_REMEDY = (
    "where the deployment stops with FinalizingOrganizationException, wait and give the same "
    "command again; it goes on where it stopped"
)


def look(situation: Situation) -> Iterator[Line]:
    """Tell it from what exists; AWS has no question for it."""
    if situation.organization is None:
        if situation.new_accounts:
            yield unknown(
                "the organization is created by this deployment, and AWS may not create accounts "
                "for up to an hour after that",
                _REMEDY,
            )
        return
    manager = situation.organization["MasterAccountId"]
    # An account that was created is proof; one that was invited is not.
    created = [
        entry
        for id, entry in situation.accounts.items()
        if id != manager and entry["joined_method"] == "CREATED"
    ]
    if created:
        yield passed("the organization creates accounts")
        return
    # The management account joins when its organization is made.
    age = situation.clock() - float(situation.accounts[manager]["joined_at"])
    if age >= _MAY_TAKE:
        yield passed("the organization is older than AWS takes to finalize one")
    else:
        yield unknown(
            f"the organization is {max(0, int(age // 60))} minutes old, AWS may not create "
            "accounts yet",
            _REMEDY,
        )
