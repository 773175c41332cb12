"""The lock in the words of the code as it is now.

CloudFormation knows a resource by its stack's name and its logical id. A construct path holds the
construct id of the stack as well, which may change while the name is kept: to AWS all is as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from .lock import Lock
from .organization import Declared, OrganizationModel


class _Locked(Protocol):
    """What every entry of a lock says of itself."""

    @property
    def stack(self) -> str: ...
    @property
    def logical_id(self) -> str: ...


T = TypeVar("T")


def align(lock: Lock, model: OrganizationModel) -> Lock:
    """Return the lock with the construct paths under which the model declares the same resources.

    What the model does not declare, or in more than one place, keeps its path.
    """
    paths: dict[str, str] = {}
    kinds: Iterable[tuple[Mapping[str, _Locked], Mapping[str, Declared]]] = (
        (lock.organizations, model.organizations),
        (lock.organizational_units, model.organizational_units),
        (lock.accounts, model.accounts),
        (lock.policies, model.policies),
        (lock.invitations, model.invitations),
        (lock.allow_lists, {one.key: one for all in model.allow_lists.values() for one in all}),
    )
    for locked, declared in kinds:
        paths |= _renamed(locked, declared.values(), _in_its_account(lock, model))
    if not any(path != fresh for path, fresh in paths.items()):
        return lock

    def moved(entries: Mapping[str, T]) -> dict[str, T]:
        return {paths[path]: entry for path, entry in entries.items()}

    def node(path: str) -> str:
        return paths.get(path, path)

    return replace(
        lock,
        organizations=moved(lock.organizations),
        organizational_units={
            path: replace(unit, parent=node(unit.parent))
            for path, unit in moved(lock.organizational_units).items()
        },
        accounts={
            path: replace(account, parent=node(account.parent))
            for path, account in moved(lock.accounts).items()
        },
        policies={
            path: replace(policy, targets=tuple(sorted(map(node, policy.targets))))
            for path, policy in moved(lock.policies).items()
        },
        invitations={
            path: replace(invited, parent=node(invited.parent))
            for path, invited in moved(lock.invitations).items()
        },
        allow_lists={
            path: replace(
                entry,
                target=node(entry.target),
                allows={node(policy): allowed for policy, allowed in entry.allows.items()},
            )
            for path, entry in moved(lock.allow_lists).items()
        },
        released=replace(
            lock.released,
            organizational_units=tuple(
                replace(unit, parent=node(unit.parent))
                for unit in lock.released.organizational_units
            ),
        ),
    )


def lock_after(model: OrganizationModel, previous: Lock | None) -> Lock:
    """Return the lock of a deployment that has succeeded, with what only the one before it knows.

    Args:
        model: what is deployed now.
        previous: the lock of the deployment before, if there was one.
    """
    fresh = Lock.of(model)
    if previous is None:
        return fresh
    known = align(previous, model)
    return fresh.keeping_names(known).following(known, model)


def _in_its_account(lock: Lock, model: OrganizationModel) -> frozenset[str]:
    """Return the ids of the stacks that may be in the management account of the lock."""
    account = lock.management_account_id
    return frozenset(
        stack.id
        for stack in model.assembly.stacks
        if account is None or stack.account in (None, account)
    )


def _renamed(
    locked: Mapping[str, _Locked], declared: Iterable[Declared], stacks: frozenset[str]
) -> dict[str, str]:
    """Return the path of every locked entry as it is now."""
    by_identity: dict[tuple[str, str], list[str]] = {}
    for item in declared:
        if item.stack_id in stacks or item.path in locked:
            by_identity.setdefault((item.stack, item.logical_id), []).append(item.path)
    paths: dict[str, str] = {}
    for path, entry in locked.items():
        same = by_identity.get((entry.stack, entry.logical_id), [])
        # Two stacks of one name, in different accounts: each entry knows its own path.
        free = [other for other in same if other not in locked or other == path]
        if path in same:
            paths[path] = path
        elif len(same) == 1:
            paths[path] = same[0]
        else:
            paths[path] = free[0] if len(free) == 1 else path
    while clashes := {path for path, count in Counter(paths.values()).items() if count > 1}:
        # Two entries cannot share a path: both keep their own.
        paths = {path: path if fresh in clashes else fresh for path, fresh in paths.items()}
    return paths
