"""What the lock says is deployed exists, where it was left.

A deployment that failed has done a part of what the code says, and the lock is older: what is as
the code has it now is no difference. CloudFormation does not look, so it does not move back what
somebody has moved by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model import Lock
from org_constructs.model.lock import LockedAccount, LockedUnit
from org_constructs.model.organization import DeclaredAccount, DeclaredPolicy, DeclaredUnit

from ._line import Line, failed, passed
from ._situation import Situation

POSITION = 70
ACKNOWLEDGEABLE = True


def look(situation: Situation) -> Iterator[Line]:
    """Compare accounts, OUs and policies one by one."""
    lock = situation.aligned_lock
    if lock is None:
        yield from _without_lock(situation)
        return
    lines = [*_units(situation, lock), *_accounts(situation, lock), *_policies(situation, lock)]
    yield from lines
    if not lines:
        yield passed(
            f"lock equals live: {len(lock.organizational_units)} OUs, {len(lock.accounts)} "
            f"accounts, {len(lock.policies)} policies"
        )


def _without_lock(situation: Situation) -> Iterator[Line]:
    """Tell a lock that was lost from one that was never written."""
    states = [situation.stacks[stack.name] for stack in situation.management_stacks]
    # A first deployment that stopped has written none, and is repaired by the next one.
    is_deployed = bool(states) and all(state and state.is_complete for state in states)
    if is_deployed and any(situation.id_of(key) for key in situation.app.accounts):
        yield failed(
            "there is no lock, and the app is deployed",
            "restore the lock file from version control, name it with --file, or write it with "
            "`orgctl lock` from the assembly that was deployed",
        )
    else:
        yield passed("there is no lock yet; the deployment ends with writing it")


def _units(situation: Situation, lock: Lock) -> Iterator[Line]:
    for path, unit in lock.organizational_units.items():
        live = situation.units.get(situation.locked_id(path) or "")
        if live is None:
            yield failed(
                f"OU '{path}' is in the lock and does not exist",
                f"create it anew under another id in code, after `orgctl lock --release '{path}'`",
            )
            continue
        declared = situation.app.units_by_path.get(path)
        names = {unit.name, declared.name if declared else unit.name}
        if live["name"] not in names and not unit.name.startswith("?"):
            yield failed(
                f"OU '{path}' is called '{live['name']}', the lock says '{unit.name}'",
                "give it its name back, or write the new one into the code",
            )
        yield from _place(situation, path, unit, str(live["id"]), declared)


def _accounts(situation: Situation, lock: Lock) -> Iterator[Line]:
    for path, account in lock.accounts.items():
        id = situation.locked_id(path) or situation.account_by_email.get(account.email.lower())
        live = situation.accounts.get(id or "")
        if id is None or live is None:
            yield failed(
                f"account '{path}' ({account.email}) is in the lock and not in the organization",
                "invite it again, or let it go: "
                f"`orgctl lock --release '{path}'`, and remove it from the code",
            )
            continue
        if live["state"] != "ACTIVE":
            yield failed(
                f"account '{path}' ({id}) is {live['state']}: CloudFormation does not find it",
                f"let it go: `orgctl lock --release '{path}'`, and remove it from the code",
            )
        if str(live["email"]).lower() != account.email.lower():
            yield failed(
                f"account '{path}' ({id}) has the address '{live['email']}', the lock says "
                f"'{account.email}'",
                "change it back; CloudFormation knows the account by the address of its creation",
            )
        declared = situation.app.accounts_by_path.get(path)
        yield from _name(situation, path, account, str(live["name"]))
        yield from _place(situation, path, account, id, declared)


def _name(situation: Situation, path: str, account: LockedAccount, live: str) -> Iterator[Line]:
    known = account.display_name or account.name
    declared = situation.app.accounts_by_path.get(path)
    wanted = situation.app.display_names.get(declared.key) if declared else None
    if account.has_known_name and live not in (known, wanted):
        yield failed(
            f"account '{path}' is called '{live}', the lock says '{known}'",
            "give it its name back, or write the new one into the code",
        )


def _place(
    situation: Situation,
    path: str,
    locked: LockedUnit | LockedAccount,
    id: str,
    declared: DeclaredUnit | DeclaredAccount | None,
) -> Iterator[Line]:
    """Tell whether something is where it was left, or where the code has it now."""
    live = str((situation.units.get(id) or situation.accounts[id])["parent_id"])
    was = situation.locked_id(locked.parent)
    is_wanted = declared is not None and situation.id_of(declared.parent) == live
    if was is None or was.startswith("?") or live == was or is_wanted:
        return
    kind = "OU" if isinstance(locked, LockedUnit) else "account"
    yield failed(
        f"{kind} '{path}' ({id}) was moved by hand to '{situation.name_of(live)}' ({live}); the "
        f"lock says '{locked.parent}'",
        f"move it back (aws organizations move-account --account-id {id} --source-parent-id {live} "
        f"--destination-parent-id {was}), or declare it where it is; from quarantine it goes on "
        f"by `orgctl lock --release '{path}'`",
    )


def _declared_policies(situation: Situation) -> dict[str, DeclaredPolicy]:
    return {policy.path: policy for policy in situation.app.policies.values()}


def _policies(situation: Situation, lock: Lock) -> Iterator[Line]:
    by_path = _declared_policies(situation)
    for path, policy in lock.policies.items():
        state = situation.stacks.get(policy.stack)
        id = situation.held.get((policy.stack, policy.logical_id))
        live = situation.policies.get(id or "")
        if live is None:
            # A deployment that failed may have deleted it already, where its code is gone.
            if state is None or path not in by_path:
                continue
            if policy.type not in situation.policy_types:
                yield failed(
                    f"policy '{path}' binds nobody: {policy.type} is turned off",
                    f"aws organizations enable-policy-type --root-id {situation.root_id} "
                    f"--policy-type {policy.type}, and attach its policies again",
                )
                continue
            yield failed(
                f"policy '{path}' is in the lock and does not exist",
                "CloudFormation does not make it anew: change its id in code, or remove it, deploy, "
                "and declare it again",
            )
            continue
        declared = by_path.get(path)
        wanted = (
            {situation.id_of(node) for node in declared.targets} if declared is not None else set()
        )
        was = {situation.locked_id(target) for target in policy.targets} - {None}
        targets = set(live["targets"])
        kept = {id for id in was & wanted if id}
        if lost := sorted(kept - targets):
            yield failed(
                f"policy '{path}' ({id}) was detached by hand from "
                f"{', '.join(situation.name_of(target) for target in lost)}",
                f"attach it again: aws organizations attach-policy --policy-id {id} --target-id "
                f"{lost[0]}",
            )
        if more := sorted(targets - {t for t in was | wanted if t}):
            yield failed(
                f"policy '{path}' ({id}) was attached by hand to "
                f"{', '.join(situation.name_of(target) for target in more)}",
                f"detach it there, or declare the target: aws organizations detach-policy "
                f"--policy-id {id} --target-id {more[0]}",
            )
