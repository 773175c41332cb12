"""What the Stages of an app know of each other: each has a registry, and a plugin, of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .checks import CheckContext
from .model.assembly import Assembly, StackTemplate
from .model.organization import OrganizationModel

if TYPE_CHECKING:
    from ._registry import Registry
    from .model.lock import Lock


def management_account_ids(registry: Registry) -> Mapping[str, frozenset[str]]:
    """Return what a Stage says the management account is, by path of the stack that says so."""
    return {stack: frozenset(ids) for stack, ids in registry.management_account_ids.items()}


def own_paths(registry: Registry) -> frozenset[str]:
    """Return the paths of what the library itself makes in the app to manage organizations."""
    return frozenset(
        f"{function.path}/{part}"
        for other in registry.of_app
        for function in (*other.settings_handlers.values(), *other.sweeps.values())
        for part in function.parts
    )


def stacks_elsewhere(registry: Registry, whole: Assembly) -> tuple[StackTemplate, ...]:
    """Return the stacks outside a Stage that go to its management account, for it to look at.

    A Stage looks at its own stacks, if the account is its own organization's. All others are
    looked at by the first Stage that knows the account: nothing is reported twice.
    """
    folder = _folder(registry)
    outside = [stack for stack in whole.stacks if stack.folder != folder and stack.account]
    if not outside:
        return ()
    # A Stage that writes nothing to AWS Organizations runs no checks.
    others = sorted((r for r in registry.of_app if r.items), key=lambda r: r.stage.node.path)
    accounts = {id(other): _management_accounts(other, whole) for other in others}
    found = []
    for stack in outside:
        knowing = [other for other in others if stack.account in accounts[id(other)]]
        at_home = any(_folder(other) == stack.folder for other in knowing)
        if knowing and not at_home and knowing[0] is registry:
            found.append(stack)
    return tuple(found)


def lock_of(registry: Registry, lock: Lock, whole: OrganizationModel) -> Lock:
    """Return what a Stage has to answer for: what it has deployed, in the words of the lock.

    What a Stage has deployed that is no longer there has not gone from AWS. The Stage that declares
    the account now answers for it, else the first one.
    """
    paths = sorted(other.stage.node.path for other in registry.of_app)
    own = registry.stage.node.path

    def owner(path: str) -> str | None:
        around = [stage for stage in paths if not stage or path.startswith(f"{stage}/")]
        return max(around, key=len, default=None)

    declared = {account.email.lower(): account.path for account in whole.accounts.values()}
    emails = {
        **{entry.path: entry.email for entry in lock.released.accounts},
        **{path: account.email for path, account in lock.accounts.items()},
    }

    def is_heir(path: str) -> bool:
        if owner(path) is not None:
            return False
        now = declared.get(emails.get(path, "").lower(), "")
        heir = owner(now) if now else None
        return own == (paths[0] if heir is None else heir)

    answers = lock.within(lambda path: owner(path) == own)
    strays = lock.within(is_heir)
    # Names of policies and OUs say nothing where it is not known whose organization they are of.
    return replace(
        answers,
        organizations={
            **answers.organizations,
            **(strays.organizations if lock.management_account_id else {}),
        },
        organizational_units={**answers.organizational_units, **strays.organizational_units},
        accounts={**answers.accounts, **strays.accounts},
        released=replace(
            answers.released,
            accounts=(*answers.released.accounts, *strays.released.accounts),
        ),
    )


def _management_accounts(registry: Registry, whole: Assembly) -> set[str]:
    return CheckContext(
        model=OrganizationModel.of(whole.within(_folder(registry))),
        management_account_ids=management_account_ids(registry),
    ).management_accounts()


def _folder(registry: Registry) -> Path:
    """Return the folder of a Stage's assembly."""
    return Path(registry.stage.outdir).resolve()
