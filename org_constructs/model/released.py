"""What the code let go and AWS still has: declared again, AWS would be asked to make it twice.

Accounts, OUs and retained policies stay when their code goes. CreateAccount then answers
EMAIL_ALREADY_EXISTS, CreateOrganizationalUnit and CreatePolicy that the name is taken (model).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from .organization import (
    Declared,
    DeclaredAccount,
    DeclaredPolicy,
    DeclaredUnit,
    OrganizationModel,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedThing(ABC):
    """Something that was deployed.

    Attributes:
        path: construct path that declared it.
        stack: name of its stack.
        is_pending: whether it was let go ahead of the deployment that removes its code.
    """

    path: str
    stack: str
    is_pending: bool = False

    @property
    @abstractmethod
    def identity(self) -> tuple[str, ...]:
        """What AWS has only once."""

    def is_still(self, declared: Declared, model: OrganizationModel) -> bool:
        """Tell whether this is what a model declares: let go ahead, and its code is still there."""
        # The construct id of a stack may have changed, CloudFormation's name of it has not.
        inside = declared.path.removeprefix(model.stack_of(declared).path)
        return self.is_pending and self.stack == declared.stack and self.path.endswith(inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedAccount(ReleasedThing):
    """An account, known to AWS by its e-mail address."""

    email: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What AWS has only once."""
        return (self.email.lower(),)

    def declared_in(self, model: OrganizationModel) -> Iterator[DeclaredAccount]:
        """Return the accounts of a model that would be this one."""
        for account in model.accounts.values():
            if account.email.lower() == self.email.lower():
                yield account


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedUnit(ReleasedThing):
    """An OU, known to AWS by its name under its parent."""

    parent: str
    name: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What AWS has only once in an organization, for which the stack stands."""
        return (self.stack, self.parent, self.name)

    def declared_in(self, model: OrganizationModel) -> Iterator[DeclaredUnit]:
        """Return the OUs of a model that would be this one."""
        root = model.deployed_root(self.stack, self.path)
        for unit in model.organizational_units.values():
            place = (model.shown(unit.parent), unit.name)
            if place == (self.parent, self.name) and model.root_of(unit.stack_id) == root:
                yield unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedPolicy(ReleasedThing):
    """A policy that was retained, known to AWS by its type and name."""

    type: str
    name: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What AWS has only once in an organization, for which the stack stands."""
        return (self.stack, self.type, self.name)

    def declared_in(self, model: OrganizationModel) -> Iterator[DeclaredPolicy]:
        """Return the policies of a model that would be this one."""
        root = model.deployed_root(self.stack, self.path)
        for policy in model.policies.values():
            names = (policy.type, policy.name)
            if names == (self.type, self.name) and model.root_of(policy.stack_id) == root:
                yield policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """Everything that was let go, sorted by what AWS knows it by."""

    accounts: tuple[ReleasedAccount, ...] = ()
    organizational_units: tuple[ReleasedUnit, ...] = ()
    policies: tuple[ReleasedPolicy, ...] = ()

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Released:
        """Read what `to_json` has written; a lock of an older release says nothing."""
        return cls(
            accounts=tuple(ReleasedAccount(**entry) for entry in raw.get("accounts", ())),
            organizational_units=tuple(
                ReleasedUnit(**entry) for entry in raw.get("organizational_units", ())
            ),
            policies=tuple(ReleasedPolicy(**entry) for entry in raw.get("policies", ())),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data: no kind of which there is nothing, no flag that is not set."""
        kinds: dict[str, tuple[ReleasedThing, ...]] = {
            "accounts": self.accounts,
            "organizational_units": self.organizational_units,
            "policies": self.policies,
        }
        return {
            kind: [
                {key: value for key, value in sorted(asdict(entry).items()) if value is not False}
                for entry in entries
            ]
            for kind, entries in kinds.items()
            if entries
        }

    def adding(self, other: Released) -> Released:
        """Return both; where both know a thing, what `other` says of it."""
        return Released(
            accounts=_union(self.accounts, other.accounts),
            organizational_units=_union(self.organizational_units, other.organizational_units),
            policies=_union(self.policies, other.policies),
        )

    def not_in(self, model: OrganizationModel) -> Released:
        """Return what a model does not declare."""
        return Released(
            accounts=tuple(e for e in self.accounts if not any(e.declared_in(model))),
            organizational_units=tuple(
                e for e in self.organizational_units if not any(e.declared_in(model))
            ),
            policies=tuple(e for e in self.policies if not any(e.declared_in(model))),
        )

    def settled(self) -> Released:
        """Return everything as no longer pending: a deployment without it has succeeded."""
        return self._marked(is_pending=False)

    def pending(self) -> Released:
        """Return everything as let go ahead of the deployment that removes its code."""
        return self._marked(is_pending=True)

    def _marked(self, *, is_pending: bool) -> Released:
        return Released(
            accounts=tuple(replace(e, is_pending=is_pending) for e in self.accounts),
            organizational_units=tuple(
                replace(e, is_pending=is_pending) for e in self.organizational_units
            ),
            policies=tuple(replace(e, is_pending=is_pending) for e in self.policies),
        )


T = TypeVar("T", bound=ReleasedThing)


def _union(ours: tuple[T, ...], others: tuple[T, ...]) -> tuple[T, ...]:
    known = {entry.identity: entry for entry in (*ours, *others)}
    return tuple(known[identity] for identity in sorted(known))
