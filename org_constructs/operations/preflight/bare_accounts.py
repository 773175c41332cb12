"""No OU goes, and none loses its policies, while it holds an account that no code declares.

OUs are retained and their policies are not: what is still in such an OU would be left without
them, and nobody would have asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.organization import ORGANIZATIONAL_UNIT, POLICY

from ._line import Line, failed, passed
from ._situation import Situation

POSITION = 90
ACKNOWLEDGEABLE = True


def look(situation: Situation) -> Iterator[Line]:
    """Find OUs that the deployment lets go or bares, and who is in them."""
    going = _units_going(situation)
    bared = _units_bared(situation)
    told = False
    for unit in sorted({*going, *bared}):
        strangers = sorted(
            f"'{entry['name']}' ({entry['id']})"
            for entry in situation.accounts_below(unit)
            if entry["id"] not in situation.declared_account_ids
        )
        if not strangers:
            continue
        told = True
        policies = ", ".join(f"'{name}'" for name in sorted(bared.get(unit, ())))
        what = "is no longer declared" if unit in going else "stays"
        loses = f" and loses its policies {policies}" if policies else ""
        yield failed(
            f"OU '{situation.name_of(unit)}' ({unit}) {what}{loses}, and holds accounts that no "
            f"code declares: {', '.join(strangers)}",
            "move them to an OU that binds them, declare them, or keep the OU and its policies; "
            "to let it be so, --acknowledge bare-accounts='REASON'",
        )
    if not told:
        yield passed("no OU with accounts that no code declares goes or loses its policies")


def _units_going(situation: Situation) -> set[str]:
    """Return the live OUs that the stacks or the lock know and the app no longer declares."""
    declared = {situation.id_of(key) for key in situation.app.organizational_units}
    lock = situation.aligned_lock
    known = {
        resource.physical_id
        for state in situation.stacks.values()
        if state
        for resource in state.resources.values()
        if resource.type == ORGANIZATIONAL_UNIT
    }
    known |= {situation.locked_id(path) for path in (lock.organizational_units if lock else ())}
    return {id for id in known - declared if id is not None and id in situation.units}


def _units_bared(situation: Situation) -> dict[str, list[str]]:
    """Return the live OUs that lose all the policies which the stacks have attached, by name."""
    lock = situation.aligned_lock
    retained = {
        (policy.stack, policy.logical_id)
        for policy in (lock.policies.values() if lock else ())
        if policy.retained
    }
    wanted: dict[str, set[str]] = {}
    for key, policy in situation.app.policies.items():
        id = situation.id_of(key)
        targets = {target for node in policy.targets if (target := situation.id_of(node))}
        wanted.setdefault(id or key, set()).update(targets)
    kept = {target for targets in wanted.values() for target in targets}
    losing: dict[str, list[str]] = {}
    for name, state in situation.stacks.items():
        for resource in state.resources.values() if state else ():
            live = situation.policies.get(resource.physical_id or "")
            if resource.type != POLICY or live is None or (name, resource.logical_id) in retained:
                continue
            for target in set(live["targets"]) - wanted.get(str(live["id"]), set()):
                if target in situation.units and target not in kept:
                    losing.setdefault(target, []).append(str(live["name"]))
    return losing
