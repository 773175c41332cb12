"""The lock file: what is deployed, so that synthesis can refuse what AWS could not undo.

Written after a successful deployment, committed, and compared at every synthesis.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .denials import allowance_of, deny_statements, statements_by_hash
from .errors import OrgError
from .organization import OrganizationModel
from .released import Released, ReleasedAccount, ReleasedPolicy, ReleasedUnit

VERSION = 1
_SERVICE_CONTROL_POLICY = "SERVICE_CONTROL_POLICY"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedOrganization:
    """The organization as created."""

    stack: str
    logical_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedUnit:
    """An OU as deployed."""

    stack: str
    logical_id: str
    parent: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAccount:
    """An account as deployed; `name`, `email` and `role_name` are those of its creation.

    CloudFormation never changes a name, so its templates keep that of the creation for ever.

    Attributes:
        display_name: the name that a setting gave the account last; None while it was never
            renamed. It stays when the name goes back to the first one: who leaves it out can no
            longer tell whether the account still has another name.
    """

    stack: str
    logical_id: str
    parent: str
    name: str
    email: str
    role_name: str | None = None
    display_name: str | None = None

    @property
    def has_known_name(self) -> bool:
        """Whether `name` is a name, rather than an expression that CloudFormation evaluates."""
        return not self.name.startswith(("?{", "?["))

    def is_renamed_by(self, name: str) -> bool:
        """Tell whether a setting must see to it that the account has this name."""
        return self.has_known_name and (self.display_name is not None or name != self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedInvitation:
    """An invited account as deployed: who it is, by id or address, and where it shall be."""

    stack: str
    logical_id: str
    parent: str
    account_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedAllowList:
    """A target without FullAWSAccess as deployed.

    Attributes:
        stack: the stack of the setting that has detached it.
        logical_id: the setting's logical id.
        target: the root, OU or account.
        allows: hashes of what is allowed there instead, by the policy that allows it.
    """

    stack: str
    logical_id: str
    target: str
    allows: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPolicy:
    """A policy as deployed: where it is attached, hashes of what it denies, whether it stays."""

    stack: str
    logical_id: str
    name: str
    type: str
    targets: tuple[str, ...]
    denials: tuple[str, ...]
    retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What is deployed: OUs, accounts and policies by construct path; and what was let go.

    Parents and targets are construct paths where the app declares them, else ids as written.

    Attributes:
        statements: the Deny statements of all policies, each once and without its Sid; a lock of
            an older release has none, so that only hashes of denials are known.
    """

    management_account_id: str | None = None
    organizations: Mapping[str, LockedOrganization] = field(default_factory=dict)
    organizational_units: Mapping[str, LockedUnit] = field(default_factory=dict)
    accounts: Mapping[str, LockedAccount] = field(default_factory=dict)
    policies: Mapping[str, LockedPolicy] = field(default_factory=dict)
    invitations: Mapping[str, LockedInvitation] = field(default_factory=dict)
    allow_lists: Mapping[str, LockedAllowList] = field(default_factory=dict)
    released: Released = field(default_factory=Released)
    statements: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, model: OrganizationModel) -> Lock:
        """Return the lock of an organization that has been deployed as declared."""
        # Stacks of member accounts may stand in the same app.
        stacks = {
            declared.stack_id
            for kind in (
                model.organizations,
                model.organizational_units,
                model.accounts,
                model.policies,
            )
            for declared in kind.values()
        }
        accounts = {
            stack.account for stack in model.assembly.stacks if stack.account and stack.id in stacks
        }
        display_names = model.display_names
        return cls(
            management_account_id=accounts.pop() if len(accounts) == 1 else None,
            organizations={
                organization.path: LockedOrganization(
                    stack=organization.stack, logical_id=organization.logical_id
                )
                for organization in model.organizations.values()
            },
            organizational_units={
                unit.path: LockedUnit(
                    stack=unit.stack,
                    logical_id=unit.logical_id,
                    parent=model.shown(unit.parent),
                    name=unit.name,
                )
                for unit in model.organizational_units.values()
            },
            accounts={
                account.path: LockedAccount(
                    stack=account.stack,
                    logical_id=account.logical_id,
                    parent=model.shown(account.parent),
                    name=account.name,
                    email=account.email,
                    role_name=account.role_name,
                    display_name=display_names.get(account.key),
                )
                for account in model.accounts.values()
            },
            policies={
                policy.path: LockedPolicy(
                    stack=policy.stack,
                    logical_id=policy.logical_id,
                    name=policy.name,
                    type=policy.type,
                    targets=tuple(sorted(model.shown(target) for target in policy.targets)),
                    denials=tuple(sorted(policy.denials)),
                    retained=policy.retained,
                )
                for policy in model.policies.values()
            },
            invitations={
                invited.path: LockedInvitation(
                    stack=invited.stack,
                    logical_id=invited.logical_id,
                    parent=model.shown(invited.parent),
                    account_id=invited.account_id,
                    email=invited.email,
                )
                for invited in model.invitations.values()
            },
            allow_lists={
                setting.path: LockedAllowList(
                    stack=setting.stack,
                    logical_id=setting.logical_id,
                    target=model.shown(target),
                    allows={
                        policy.path: allowed
                        for policy in model.attached.get(target, ())
                        if policy.type == _SERVICE_CONTROL_POLICY
                        and (allowed := allowance_of(model.document_of(policy)))
                    },
                )
                for target, settings in model.allow_lists.items()
                for setting in settings
            },
            statements=_distinct(
                statement
                for policy in model.policies.values()
                for statement in deny_statements(policy.content)
            ),
        )

    @classmethod
    def read(cls, path: str | Path) -> Lock | None:
        """Return the lock in a file, or None when there is no file.

        Raises:
            OrgError: `ORG120` when the file cannot be understood; nothing is guessed, because a
                lock that is ignored protects nothing.
        """
        file = Path(path)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OrgError(
                "ORG120", f"lock file '{file}' cannot be read ({error.strerror})"
            ) from error
        try:
            return cls._parse(json.loads(content.decode("utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, OrgError):
                raise
            raise OrgError(
                "ORG120",
                f"lock file '{file}' cannot be understood ({error}); restore it from version "
                "control, or write it anew with `orgctl lock` from the assembly that is deployed",
            ) from error

    @classmethod
    def _parse(cls, raw: Any) -> Lock:
        version = raw.get("version")
        if version != VERSION:
            raise OrgError(
                "ORG120",
                f"lock file has version {version!r}, this release reads {VERSION}; "
                "install the release that wrote it",
            )
        return cls(
            management_account_id=raw["management_account_id"],
            organizations={
                path: LockedOrganization(**entry) for path, entry in raw["organizations"].items()
            },
            organizational_units={
                path: LockedUnit(**entry) for path, entry in raw["organizational_units"].items()
            },
            accounts={path: LockedAccount(**entry) for path, entry in raw["accounts"].items()},
            policies={
                path: LockedPolicy(
                    **{
                        **entry,
                        "targets": tuple(entry["targets"]),
                        "denials": tuple(entry["denials"]),
                    }
                )
                for path, entry in raw["policies"].items()
            },
            invitations={
                path: LockedInvitation(**entry)
                for path, entry in raw.get("invitations", {}).items()
            },
            allow_lists={
                path: LockedAllowList(**{**entry, "allows": dict(entry["allows"])})
                for path, entry in raw.get("allow_lists", {}).items()
            },
            released=Released.from_json(raw.get("released", {})),
            statements=tuple(dict(statement) for statement in raw.get("statements", ())),
        )

    def write(self, path: str | Path) -> None:
        """Write the lock, sorted, so that version control shows what a deployment changed."""
        # A link goes on pointing to the file that is committed.
        file = Path(path).resolve()
        # Never leave half a lock behind: it would refuse or allow the wrong things.
        partial = file.with_name(f"{file.name}.part")
        partial.write_text(self.to_json(), "utf-8")
        partial.replace(file)

    def to_json(self) -> str:
        """Return the file's text."""

        def entries(of: Mapping[str, Any]) -> dict[str, Any]:
            return {path: asdict(of[path]) for path in sorted(of)}

        accounts = entries(self.accounts)
        for entry in accounts.values():
            # The usual account was never renamed, and an older release knows no such field.
            if entry["display_name"] is None:
                del entry["display_name"]
        policies = entries(self.policies)
        for entry in policies.values():
            if not entry["retained"]:
                del entry["retained"]
        data: dict[str, Any] = {
            "version": VERSION,
            "management_account_id": self.management_account_id,
            "organizations": entries(self.organizations),
            "organizational_units": entries(self.organizational_units),
            "accounts": accounts,
            "policies": policies,
        }
        # Few organizations invite, and an older release knows no such field.
        if self.invitations:
            data["invitations"] = {
                path: {key: value for key, value in entry.items() if value is not None}
                for path, entry in entries(self.invitations).items()
            }
        if self.allow_lists:
            data["allow_lists"] = entries(self.allow_lists)
        if self.statements:
            data["statements"] = [dict(statement) for statement in _distinct(self.statements)]
        if released := self.released.to_json():
            data["released"] = released
        return json.dumps(data, indent=2) + "\n"

    def within(self, belongs: Callable[[str], bool]) -> Lock:
        """Return what the lock knows of some construct paths; it may hold all Stages of an app."""
        policies = {k: v for k, v in self.policies.items() if belongs(k)}
        used = {denial for policy in policies.values() for denial in policy.denials}
        return Lock(
            management_account_id=self.management_account_id,
            organizations={k: v for k, v in self.organizations.items() if belongs(k)},
            organizational_units={k: v for k, v in self.organizational_units.items() if belongs(k)},
            accounts={k: v for k, v in self.accounts.items() if belongs(k)},
            policies=policies,
            invitations={k: v for k, v in self.invitations.items() if belongs(k)},
            allow_lists={k: v for k, v in self.allow_lists.items() if belongs(k)},
            statements=tuple(s for s in self.statements if used & _hashes(s).keys()),
            released=Released(
                accounts=tuple(e for e in self.released.accounts if belongs(e.path)),
                organizational_units=tuple(
                    e for e in self.released.organizational_units if belongs(e.path)
                ),
                policies=tuple(e for e in self.released.policies if belongs(e.path)),
            ),
        )

    def denials(self) -> dict[str, str]:
        """Return the statements, one action each, by the hash that policies name them by."""
        return {key: text for s in self.statements for key, text in _hashes(s).items()}

    def keeping_names(self, previous: Lock) -> Lock:
        """Return this lock with what `previous` knows of the names of accounts.

        The name of an account's creation never changes. An assembly that was synthesized without
        the lock tells another one after a rename, and nothing of the rename.
        """
        ours, theirs = self.management_account_id, previous.management_account_id
        if ours and theirs and ours != theirs:
            return self
        accounts = dict(self.accounts)
        for path, fresh in self.accounts.items():
            known = previous.accounts.get(path)
            # The same resource of a stack is the same account: none is ever replaced.
            if known is None or (known.stack, known.logical_id) != (fresh.stack, fresh.logical_id):
                continue
            seen = fresh.name if fresh.has_known_name and fresh.name != known.name else None
            accounts[path] = replace(
                fresh,
                name=known.name,
                display_name=fresh.display_name or seen or known.display_name,
            )
        return replace(self, accounts=accounts)

    def following(self, previous: Lock, model: OrganizationModel) -> Lock:
        """Return this lock with what was let go: what `previous` has and this one no longer.

        AWS keeps it all. What is declared again was imported, or made after AWS had lost it.

        Args:
            previous: the lock of the deployment before, in the words of the model.
            model: what is deployed now.
        """
        ours, theirs = self.management_account_id, previous.management_account_id
        if ours and theirs and ours != theirs:
            return self
        gone = replace(
            previous,
            organizational_units={
                path: unit
                for path, unit in previous.organizational_units.items()
                if path not in self.organizational_units
            },
            accounts={p: a for p, a in previous.accounts.items() if p not in self.accounts},
            policies={p: held for p, held in previous.policies.items() if p not in self.policies},
        )
        let_go = previous.released.adding(gone.as_released()).settled()
        return replace(self, released=let_go.not_in(model))

    def as_released(self) -> Released:
        """Return what AWS would keep of all that is deployed, as what it is let go as."""
        return Released(
            accounts=tuple(
                ReleasedAccount(path=path, stack=account.stack, email=account.email)
                for path, account in self.accounts.items()
            ),
            organizational_units=tuple(
                ReleasedUnit(path=path, stack=unit.stack, parent=unit.parent, name=unit.name)
                for path, unit in self.organizational_units.items()
            ),
            policies=tuple(
                ReleasedPolicy(path=path, stack=held.stack, type=held.type, name=held.name)
                for path, held in self.policies.items()
                if held.retained
            ),
        )

    def without(self, path: str) -> Lock:
        """Return the lock without an account or OU that is let go on purpose.

        It is remembered as let go, pending the deployment that removes its code.

        Raises:
            OrgError: `ORG120` when the lock knows no such path.
        """
        if path not in self.accounts and path not in self.organizational_units:
            known = ", ".join(sorted([*self.accounts, *self.organizational_units])) or "none"
            raise OrgError("ORG120", f"the lock knows no account or OU '{path}'; known are {known}")
        units = {k: unit for k, unit in self.organizational_units.items() if k != path}
        accounts = {key: account for key, account in self.accounts.items() if key != path}
        let_go = replace(
            self,
            organizational_units={
                key: unit for key, unit in self.organizational_units.items() if key == path
            },
            accounts={key: account for key, account in self.accounts.items() if key == path},
            policies={},
        )
        return replace(
            self,
            organizational_units=units,
            accounts=accounts,
            released=self.released.adding(let_go.as_released().pending()),
        )


def _hashes(statement: Mapping[str, Any]) -> dict[str, str]:
    return statements_by_hash({"Statement": [statement]})


def _distinct(statements: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return statements each once, in an order that does not depend on where they stand."""
    by_text = {json.dumps(statement, sort_keys=True): statement for statement in statements}
    return tuple(by_text[text] for text in sorted(by_text))
