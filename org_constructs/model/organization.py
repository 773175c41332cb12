"""The organization that templates declare, read from what will be deployed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .assembly import Assembly, StackTemplate, read_assembly
from .errors import OrgError
from .references import Reference, Unknown, resolve
from .stack_groups import ROOT, roots_by_stack

ORGANIZATION = "AWS::Organizations::Organization"
ORGANIZATIONAL_UNIT = "AWS::Organizations::OrganizationalUnit"
ACCOUNT = "AWS::Organizations::Account"
POLICY = "AWS::Organizations::Policy"


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
    """An organization as declared by templates; what cannot be resolved is kept as unknown."""

    assembly: Assembly
    organizations: Mapping[str, Declared] = field(default_factory=dict)
    organizational_units: Mapping[str, DeclaredUnit] = field(default_factory=dict)
    accounts: Mapping[str, DeclaredAccount] = field(default_factory=dict)
    policies: Mapping[str, DeclaredPolicy] = field(default_factory=dict)

    @classmethod
    def from_assembly(cls, folder: str | Path) -> OrganizationModel:
        """Read the organization from a cloud assembly, its Stages included.

        Raises:
            OrgError: `ORG016` when the folder holds no readable assembly.
        """
        return cls.of(read_assembly(folder, nested=True))

    @classmethod
    def from_templates(cls, templates: Mapping[str, Mapping[str, Any]]) -> OrganizationModel:
        """Read the organization from templates by stack name."""
        stacks = (StackTemplate(id=n, name=n, path=n, template=t) for n, t in templates.items())
        return cls.of(Assembly(stacks=tuple(stacks)))

    @classmethod
    def of(cls, assembly: Assembly) -> OrganizationModel:
        """Read the organization from an assembly in memory."""
        model = cls(
            assembly=assembly, organizations={}, organizational_units={}, accounts={}, policies={}
        )
        for stack, logical_id, resource in model._resources():
            common = {
                "key": stack.key_of(logical_id),
                "stack": stack.name,
                "stack_id": stack.id,
                "logical_id": logical_id,
                "path": stack.id_path(logical_id),
            }
            _take(model, stack, resource, common)
        return model

    def _resources(self) -> Iterator[tuple[StackTemplate, str, Mapping[str, Any]]]:
        for stack in self.assembly.stacks:
            for logical_id, resource in stack.resources.items():
                if resource.get("Type") in _READERS:
                    yield stack, logical_id, resource

    def node(self, value: Any, stack: StackTemplate) -> str:
        """Return the key of what a parent or target value names."""
        found = resolve(value, stack, self.assembly)
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

    def chain_of(self, key: str) -> tuple[str, ...]:
        """Return the nodes from the root, or the outermost known node, down to `key`."""
        found: list[str] = []
        while key not in found:
            found.append(key)
            node = self.accounts.get(key) or self.organizational_units.get(key)
            if node is None:
                break
            key = node.parent
        return tuple(reversed(found))

    def shown(self, key: str) -> str:
        """Return how a node is called in messages and in the lock."""
        node = self.accounts.get(key) or self.organizational_units.get(key)
        if node is not None:
            return node.path
        return ROOT if self.is_root(key) else key

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
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return frozenset()
    if not isinstance(content, Mapping):
        return frozenset()
    statements = content.get("Statement", [])
    hashes = set()
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if isinstance(statement, Mapping) and statement.get("Effect") == "Deny":
            bare = {key: value for key, value in statement.items() if key != "Sid"}
            actions = bare.get("Action")
            for action in actions if isinstance(actions, list) else [actions]:
                # An action may pass from one statement to another without ceasing to be denied.
                single = bare if action is None else {**bare, "Action": action}
                text = json.dumps(single, sort_keys=True, separators=(",", ":"))
                hashes.add(hashlib.sha256(text.encode()).hexdigest()[:16])
    return frozenset(hashes)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"?{json.dumps(value, sort_keys=True)}"


def _take(
    model: OrganizationModel,
    stack: StackTemplate,
    resource: Mapping[str, Any],
    common: dict[str, str],
) -> None:
    properties = resource.get("Properties", {})
    kind = resource["Type"]
    if kind == ORGANIZATION:
        _store(model.organizations, Declared(**common))
    elif kind == ORGANIZATIONAL_UNIT:
        parent = model.node(properties.get("ParentId", "?"), stack)
        _store(
            model.organizational_units,
            DeclaredUnit(**common, name=_text(properties.get("Name", "")), parent=parent),
        )
    elif kind == ACCOUNT:
        parents = properties.get("ParentIds") or ["r-"]
        first = parents[0] if isinstance(parents, list) else parents
        role = properties.get("RoleName")
        _store(
            model.accounts,
            DeclaredAccount(
                **common,
                name=_text(properties.get("AccountName", "")),
                email=_text(properties.get("Email", "")),
                role_name=None if role is None else _text(role),
                parent=model.node(first, stack),
            ),
        )
    else:
        targets = properties.get("TargetIds") or []
        _store(
            model.policies,
            DeclaredPolicy(
                **common,
                name=_text(properties.get("Name", "")),
                type=_text(properties.get("Type", "")),
                content=properties.get("Content"),
                targets=tuple(
                    model.node(target, stack)
                    for target in (targets if isinstance(targets, list) else [targets])
                ),
                retained=resource.get("DeletionPolicy", "Delete").startswith("Retain"),
            ),
        )


def _store(where: Any, declared: Declared) -> None:
    if declared.key in where:
        raise OrgError("ORG016", f"'{declared.key}' is declared twice")
    where[declared.key] = declared


_READERS = frozenset({ORGANIZATION, ORGANIZATIONAL_UNIT, ACCOUNT, POLICY})
