"""Nothing that a stack is going to create exists already, held by no stack.

AWS would answer that the address or the name is taken, and the deployment would stop there.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._line import Line, failed, passed
from ._situation import Situation

POSITION = 75


def look(situation: Situation) -> Iterator[Line]:
    """Compare what no stack holds yet with what is live."""
    lines = [*_accounts(situation), *_units(situation), *_policies(situation)]
    yield from lines
    if not lines:
        yield passed("nothing that is to be created exists already")


def _is_held(situation: Situation, key: str) -> bool:
    located = situation.app.assembly.locate(key)
    return located is not None and (located[0].name, located[1]) in situation.held


def _known(situation: Situation) -> set[str]:
    """Return the ids that stacks know; what failed is removed by CloudFormation itself."""
    return {
        resource.physical_id
        for state in situation.stacks.values()
        if state
        for resource in state.resources.values()
        if resource.physical_id
    }


def _accounts(situation: Situation) -> Iterator[Line]:
    for key, account in situation.app.accounts.items():
        id = situation.account_by_email.get(account.email.lower())
        if _is_held(situation, key):
            continue
        if id is None:
            if account.name in situation.creations:
                yield failed(
                    f"AWS is still creating account '{account.path}' "
                    f"({situation.creations[account.name]}), and no stack waits for it",
                    "wait until that is over, then run `make recover`, which brings it under its "
                    "stack",
                )
            continue
        state = situation.accounts[id]["state"]
        if state == "ACTIVE":
            yield failed(
                f"account '{account.path}' ({account.email}) exists as {id}, and no stack holds it",
                "run `make recover`, which brings it under its stack",
            )
        else:
            yield failed(
                f"the address of account '{account.path}' ({account.email}) belongs to {id}, which "
                f"is {state}",
                "give the declared account another address",
            )


def _units(situation: Situation) -> Iterator[Line]:
    known = _known(situation)
    for key, unit in situation.app.organizational_units.items():
        parent = situation.id_of(unit.parent)
        if parent is None or _is_held(situation, key):
            continue
        for id, live in situation.units.items():
            if (live["parent_id"], live["name"]) == (parent, unit.name) and id not in known:
                yield failed(
                    f"OU '{unit.path}' exists as {id}, and no stack holds it",
                    "run `make recover`, which brings it under its stack, or refer to it by its id",
                )


def _policies(situation: Situation) -> Iterator[Line]:
    known = _known(situation)
    live = {(policy["type"], policy["name"]): id for id, policy in situation.policies.items()}
    for key, policy in situation.app.policies.items():
        id = live.get((policy.type, policy.name))
        if id is not None and id not in known and not _is_held(situation, key):
            yield failed(
                f"policy '{policy.path}' ('{policy.name}') exists as {id}, and no stack holds it",
                "run `make recover`, which brings it under its stack, or give it another name",
            )
