"""The organization that templates declare, read from what will be deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .assembly import Assembly, StackTemplate, read_assembly
from .denials import statements_by_hash
from .errors import OrgError
from .intrinsics import NO_VALUE, evaluate, fill, holds, resolve
from .references import Reference, Unknown
from .stack_groups import ROOT, roots_by_stack
from .unknowns import UnknownValue, find_unknowns

if TYPE_CHECKING:
    from org_constructs.evaluation import Decision, Request

    from .lookup import Lookup

ORGANIZATION = "AWS::Organizations::Organization"
ORGANIZATIONAL_UNIT = "AWS::Organizations::OrganizationalUnit"
ACCOUNT = "AWS::Organizations::Account"
POLICY = "AWS::Organizations::Policy"
# The setting that invites an account and places it; the settings function knows it by this type.
INVITATION = "Custom::AccountInvitation"

Parameters = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A resource of a template.

    Attributes:
        key: what other declarations name it by: id of its stack and logical id.
        stack: name of its stack.
        stack_id: artifact id of its stack; two stacks may have one name.
        logical_id: its logical id.
        path: construct path that declares it.
    """

    key: str
    stack: str
    stack_id: str
    logical_id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredUnit(Declared):
    """An organizational unit; `parent` is a key, an id, a root, or `?` and an expression."""

    name: str
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredAccount(Declared):
    """A member account; `parent` as for an OU."""

    name: str
    email: str
    role_name: str | None
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredInvitation(Declared):
    """An account that is invited; `parent`, where it shall be, as for an OU.

    Attributes:
        account_id: its id, if the invitation goes by id.
        email: the address of its root user, if the invitation goes by address.
        parent: where the account is placed when it has joined.
        notes: what its owner reads.
    """

    account_id: str | None
    email: str | None
    parent: str
    notes: str = ""

    @property
    def name(self) -> str:
        """What people call it: the last part of its construct path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPolicy(Declared):
    """A policy; `targets` are keys or ids."""

    name: str
    type: str
    content: Any
    targets: tuple[str, ...]
    retained: bool

    @property
    def denials(self) -> frozenset[str]:
        """Hashes of its Deny statements: equal hashes mean the same denial."""
        return statement_hashes(self.content)


@dataclass(frozen=True, kw_only=True)
class OrganizationModel:
    """An organization as declared by templates; what cannot be resolved is kept as unknown.

    Attributes:
        assembly: the templates.
        organizations: the organizations that are created, by key, as all mappings here.
        organizational_units: the OUs.
        accounts: the accounts.
        policies: the policies, of any type.
        invitations: the accounts that are invited.
        left_out: construct paths of what a condition of its template leaves out, with the
            parameters that are given or their defaults; the value is the condition's name.
    """

    assembly: Assembly
    organizations: Mapping[str, Declared] = field(default_factory=dict)
    organizational_units: Mapping[str, DeclaredUnit] = field(default_factory=dict)
    accounts: Mapping[str, DeclaredAccount] = field(default_factory=dict)
    policies: Mapping[str, DeclaredPolicy] = field(default_factory=dict)
    invitations: Mapping[str, DeclaredInvitation] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_assembly(
        cls, folder: str | Path, *, parameters: Parameters | None = None
    ) -> OrganizationModel:
        """Read the organization from a cloud assembly, its Stages included.

        Args:
            folder: where `cdk synth` wrote it.
            parameters: values of a stack's parameters, by the stack's name; others have their
                default.

        Raises:
            OrgError: `ORG016` when the folder holds no readable assembly; `ORG017` for a stack or
                parameter that is not there.
        """
        return cls.of(read_assembly(folder, nested=True).with_parameters(parameters or {}))

    @classmethod
    def from_templates(
        cls,
        templates: Mapping[str, Mapping[str, Any] | str],
        *,
        parameters: Parameters | None = None,
    ) -> OrganizationModel:
        """Read the organization from templates by stack name, whoever wrote them.

        A template is plain data, or its text in JSON or YAML. One whose name is the last part of
        another's `TemplateURL` is the nested stack that this one makes.

        Args:
            templates: the templates by the name of their stack.
            parameters: values of a stack's parameters, by the stack's name; others have their
                default.

        Raises:
            OrgError: `ORG016` when a text cannot be read; `ORG017` for a stack or parameter that is
                not there.
        """
        from .template_files import assembly_of

        return cls.of(assembly_of(templates).with_parameters(parameters or {}))

    @classmethod
    def from_file(
        cls, path: str | Path, *, parameters: Parameters | None = None
    ) -> OrganizationModel:
        """Read the organization from a template in JSON or YAML, or from a folder of them.

        A stack has the name of its file. A `TemplateURL` that is the path of a file leads to a
        nested stack. The folder of a cloud assembly is read as what it is.

        Args:
            path: the file or folder.
            parameters: values of a stack's parameters, by the stack's name; others have their
                default.

        Raises:
            OrgError: `ORG016` when something cannot be read or is no template; `ORG017` for a stack
                or parameter that is not there.
        """
        from .template_files import read_templates

        return cls.of(read_templates(path).with_parameters(parameters or {}))

    @classmethod
    def of(cls, assembly: Assembly) -> OrganizationModel:
        """Read the organization from an assembly in memory."""
        left_out: dict[str, str] = {}
        model = cls(
            assembly=assembly,
            organizations={},
            organizational_units={},
            accounts={},
            policies={},
            invitations={},
            left_out=left_out,
        )
        for stack in assembly.every_stack:
            for logical_id, resource in stack.resources.items():
                kind = resource.get("Type")
                if not isinstance(kind, str) or kind not in _READERS:
                    continue
                condition = resource.get("Condition")
                path = stack.id_path(logical_id)
                if condition is not None and holds(condition, stack, assembly) is False:
                    left_out[path] = str(condition)
                    continue
                _take(
                    model,
                    stack,
                    resource,
                    {
                        "key": stack.key_of(logical_id),
                        "stack": stack.name,
                        "stack_id": stack.id,
                        "logical_id": logical_id,
                        "path": path,
                    },
                )
        return model

    def node(self, value: Any, stack: StackTemplate) -> str:
        """Return the key of what a parent or target value names."""
        return self._node_of(resolve(value, stack, self.assembly), stack)

    def _nodes(self, value: Any, stack: StackTemplate) -> list[str]:
        """Return the keys of what a list of parents or targets names; one may stand for a list."""
        if isinstance(value, list):
            return [node for item in value for node in self._nodes(item, stack)]
        if isinstance(value, str):
            return [self.node(value, stack)]
        found = evaluate(value, stack, self.assembly)
        if isinstance(found, list):
            return self._nodes(found, stack)
        if isinstance(found, Reference):
            return [self._node_of(found, stack)]
        return [] if found is NO_VALUE else [self.node(value, stack)]

    def _node_of(self, found: str | Reference | Unknown, stack: StackTemplate) -> str:
        if isinstance(found, Reference):
            if found.attribute == "RootId":
                return self.root_of(found.stack)
            return self.assembly.by_id[found.stack].key_of(found.logical_id)
        if isinstance(found, Unknown):
            return f"?{found.text}"
        return self.root_of(stack.id) if found.startswith("r-") else found

    @cached_property
    def _roots(self) -> Mapping[str, str]:
        return roots_by_stack(self.assembly)

    def root_of(self, stack_id: str) -> str:
        """Return the root of the organization that a stack manages: `Root` if only one is named."""
        return self._roots.get(stack_id, ROOT)

    def deployed_root(self, stack: str, path: str) -> str:
        """Return the root of the organization in which a stack once declared what is at `path`."""
        found = self.assembly.find(stack, path)
        return self.root_of(found.id) if found else ROOT

    def is_root(self, node: str) -> bool:
        """Tell whether a node is the root of an organization."""
        return node == ROOT or node in self._roots.values()

    def stack_of(self, declared: Declared) -> StackTemplate:
        """Return the stack that declares something."""
        return self.assembly.by_id[declared.stack_id]

    def below(self, key: str) -> DeclaredAccount | DeclaredUnit | DeclaredInvitation | None:
        """Return what has a parent and is called `key`."""
        return (
            self.accounts.get(key)
            or self.organizational_units.get(key)
            or self.invitations.get(key)
        )

    def chain_of(self, key: str) -> tuple[str, ...]:
        """Return the nodes from the root, or the outermost known node, down to `key`."""
        found: list[str] = []
        while key not in found:
            found.append(key)
            node = self.below(key)
            if node is None:
                break
            key = node.parent
        return tuple(reversed(found))

    def shown(self, key: str) -> str:
        """Return how a node is called in messages and in the lock."""
        node = self.below(key)
        if node is not None:
            return node.path
        return ROOT if self.is_root(key) else key

    @cached_property
    def unknowns(self) -> tuple[UnknownValue, ...]:
        """What only AWS, or a template that is not here, knows: where it stands, and the expression.

        Nothing of it is guessed: decisions that hang on it say so.
        """
        return tuple(find_unknowns(self))

    @cached_property
    def _documents(self) -> dict[str, Any]:
        return {}

    def document_of(self, policy: DeclaredPolicy) -> Any:
        """Return a policy's document with everything filled in that the templates tell.

        A content that is a JSON text is read. What is unknown stays the template's expression.
        """
        known = self._documents
        if policy.key not in known:
            found = fill(policy.content, self.stack_of(policy), self.assembly)
            if isinstance(found, str):
                # What is no document stays what it is; a check names it.
                with suppress(ValueError):
                    found = json.loads(found)
            known[policy.key] = found
        return known[policy.key]

    @cached_property
    def attached(self) -> Mapping[str, tuple[DeclaredPolicy, ...]]:
        """The policies by what they are attached to."""
        found: dict[str, list[DeclaredPolicy]] = {}
        for policy in self.policies.values():
            for target in policy.targets:
                found.setdefault(target, []).append(policy)
        for invited in self.invitations.values():
            # Policies of an account that exists are attached to its id.
            if invited.account_id in found:
                found[invited.key] = found[invited.account_id]
        return {target: tuple(policies) for target, policies in found.items()}

    @cached_property
    def evaluated(self) -> dict[Any, Any]:
        """What the evaluation has read of this model; it reads everything once."""
        return {}

    @cached_property
    def _lookup(self) -> Lookup:
        from .lookup import Lookup

        return Lookup(self)

    def account(self, name: str) -> DeclaredAccount:
        """Return an account by its path of names, its name if unique, or its construct path.

        `Workloads/Production/payments-prod` is a path of names: those of the OUs from the root
        down, and the account's. An account that was renamed has both of its names.

        Raises:
            OrgError: `ORG017` when there is none, `ORG018` when there are several.
        """
        return self._lookup.account(name)

    def invited(self, name: str) -> DeclaredInvitation | None:
        """Return an invited account by its id, address, id in code or construct path, if one is meant.

        An account that is declared by that name is meant first.
        """
        if not self.invitations:
            return None
        found = [
            invited
            for invited in self.invitations.values()
            if name in (invited.key, invited.path, invited.name, invited.account_id)
            or (invited.email or "").lower() == name.lower()
        ]
        taken = any(account.name == name for account in self.accounts.values())
        return found[0] if len(found) == 1 and not taken else None

    @property
    def invited_names(self) -> frozenset[str]:
        """Ids and addresses, in lower case, of the accounts that are invited."""
        names = {name for one in self.invitations.values() for name in (one.account_id, one.email)}
        return frozenset(name.lower() for name in names if name and not name.startswith("?"))

    def organizational_unit(self, name: str) -> DeclaredUnit:
        """Return an OU by its path of names, its name if unique, or its construct path.

        Raises:
            OrgError: `ORG017` when there is none, `ORG018` when there are several.
        """
        return self._lookup.organizational_unit(name)

    def name_path(self, key: str) -> str:
        """Return the names from below the root down to a node; an id where it begins with one."""
        return self._lookup.name_path(key)

    @cached_property
    def display_names(self) -> Mapping[str, str]:
        """The names that settings give to accounts that were renamed, by the account's key."""
        from .identifiers import ACCOUNT_NAME

        found: dict[str, str] = {}
        for stack in self.assembly.every_stack:
            for logical_id, resource in stack.resources.items():
                if resource.get("Type") == ACCOUNT_NAME:
                    properties = stack.properties_of(logical_id)
                    if isinstance(properties.get("Name"), str):
                        key = self.node(properties.get("AccountId", "?"), stack)
                        found[key] = properties["Name"]
        return found

    @cached_property
    def allow_lists(self) -> Mapping[str, tuple[Declared, ...]]:
        """The settings that detach FullAWSAccess, by what they detach it from."""
        from .identifiers import ALLOW_LIST

        found: dict[str, list[Declared]] = {}
        for stack in self.assembly.every_stack:
            for logical_id, resource in stack.resources.items():
                if resource.get("Type") != ALLOW_LIST:
                    continue
                condition = resource.get("Condition")
                if condition is not None and holds(condition, stack, self.assembly) is False:
                    continue
                declared = Declared(
                    key=stack.key_of(logical_id),
                    stack=stack.name,
                    stack_id=stack.id,
                    logical_id=logical_id,
                    path=stack.id_path(logical_id),
                )
                target = self.node(stack.properties_of(logical_id).get("TargetId", "?"), stack)
                found.setdefault(target, []).append(declared)
        return {target: tuple(declared) for target, declared in found.items()}

    @cached_property
    def management_account_ids(self) -> frozenset[str]:
        """Accounts to which the stacks of OUs, accounts and organizations are deployed.

        None but the management account may make those.
        """
        makers = {
            declared.stack_id
            for kind in (self.organizations, self.organizational_units, self.accounts)
            for declared in kind.values()
        }
        accounts = (self.assembly.by_id[stack].account for stack in makers)
        return frozenset(account for account in accounts if account)

    def decide(
        self,
        account: str | DeclaredAccount | DeclaredUnit,
        request: Request,
        *,
        resource_account: str | DeclaredAccount | DeclaredUnit | None = None,
    ) -> Decision:
        """Decide whether the organization's policies leave a request of an account allowed.

        Service control policies never grant anything: an allowed request still needs a policy of
        IAM. The management account is exempt; it is asked for by its id.

        Args:
            account: who asks: a name or path as for `account()`, an account's id, or a
                declaration. An OU stands for any account in it.
            request: what is asked.
            resource_account: whose the resource is; by default the same account's. The resource
                control policies on its path count.

        Raises:
            OrgError: `ORG017` or `ORG018` when no, or no single, account is meant.
        """
        # The one place where the model looks up to the room above it: users ask the organization.
        from org_constructs.evaluation.organization import decide_for

        return decide_for(self, account, request, resource_account=resource_account)

    @cached_property
    def accounts_by_path(self) -> Mapping[str, DeclaredAccount]:
        """Accounts by construct path."""
        return {account.path: account for account in self.accounts.values()}

    @cached_property
    def units_by_path(self) -> Mapping[str, DeclaredUnit]:
        """OUs by construct path."""
        return {unit.path: unit for unit in self.organizational_units.values()}


def statement_hashes(content: Any) -> frozenset[str]:
    """Return hashes of what a policy document denies, one per action, Sids left out."""
    return frozenset(statements_by_hash(content))


def _text(value: Any, stack: StackTemplate, assembly: Assembly) -> str:
    if type(value) is str and "{{" not in value:
        return value
    found = resolve(value, stack, assembly)
    if isinstance(found, str):
        return found
    return f"?{found.text if isinstance(found, Unknown) else json.dumps(value, sort_keys=True)}"


def _take(
    model: OrganizationModel,
    stack: StackTemplate,
    resource: Mapping[str, Any],
    common: dict[str, str],
) -> None:
    properties = stack.properties_of(common["logical_id"])
    kind = resource["Type"]

    def text(name: str) -> str:
        return _text(properties.get(name, ""), stack, model.assembly)

    if kind == ORGANIZATION:
        _store(model.organizations, Declared(**common))
    elif kind == ORGANIZATIONAL_UNIT:
        parent = model.node(properties.get("ParentId", "?"), stack)
        _store(
            model.organizational_units,
            DeclaredUnit(**common, name=text("Name"), parent=parent),
        )
    elif kind == ACCOUNT:
        # AWS puts an account without parents under the root.
        parents = model._nodes(properties.get("ParentIds") or ["r-"], stack)  # noqa: SLF001
        role = properties.get("RoleName")
        _store(
            model.accounts,
            DeclaredAccount(
                **common,
                name=text("AccountName"),
                email=text("Email"),
                role_name=None if role is None else text("RoleName"),
                parent=parents[0] if parents else model.node("r-", stack),
            ),
        )
    elif kind == INVITATION:
        account_id, email = properties.get("AccountId"), properties.get("Email")
        _store(
            model.invitations,
            DeclaredInvitation(
                **common,
                account_id=None if account_id is None else text("AccountId"),
                email=None if email is None else text("Email"),
                parent=model.node(properties.get("ParentId", "?"), stack),
                notes=text("Notes"),
            ),
        )
    else:
        _store(
            model.policies,
            DeclaredPolicy(
                **common,
                name=text("Name"),
                type=text("Type"),
                content=properties.get("Content"),
                targets=tuple(model._nodes(properties.get("TargetIds") or [], stack)),  # noqa: SLF001
                retained=str(resource.get("DeletionPolicy", "Delete")).startswith("Retain"),
            ),
        )


def _store(where: Any, declared: Declared) -> None:
    if declared.key in where:
        raise OrgError("ORG016", f"'{declared.key}' is declared twice")
    where[declared.key] = declared


_READERS = frozenset({ORGANIZATION, ORGANIZATIONAL_UNIT, ACCOUNT, POLICY, INVITATION})
