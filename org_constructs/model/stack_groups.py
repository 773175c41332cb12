"""Which stacks of an app manage one organization: an app may hold several.

An account is in one organization at most, so stacks of one account manage the same. Beyond that a
stack belongs to the organization whose root or resources it refers to. What nothing connects stays
apart; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .assembly import Assembly, StackTemplate
from .intrinsics import evaluate
from .references import Reference

ROOT = "Root"

_ORGANIZATIONS = "AWS::Organizations::"
_ACCOUNT = "AWS::Organizations::Account"
_CREATED = "AWS::Organizations::Organization"
# Where templates name nodes of the organization.
_NODE_PROPERTIES = ("ParentId", "ParentIds", "TargetIds")
# The id of an OU contains that of its root (documentation).
_ROOT_ID = re.compile(r"(?:r-|ou-)([0-9a-z]{4,32})(?:-[0-9a-z]+)?")


def roots_by_stack(assembly: Assembly) -> Mapping[str, str]:
    """Return the root's node for every stack that declares something of an organization.

    The node is `Root` where the stacks name one root only, else `Root of` and what tells the
    organization from others: its account, the id of its root, or its first stack.
    """
    stacks = [stack for stack in assembly.every_stack if _manages(stack)]
    groups = _Groups()
    for stack in stacks:
        groups.add(stack.id)
        if stack.account:
            groups.join(stack.id, f"account {stack.account}", account=stack.account)
    known = {stack.id for stack in stacks}
    rooted: set[str] = {stack.id for stack in stacks if stack.account}
    named: set[str] = set()
    for stack in stacks:
        if any(resource.get("Type") == _CREATED for resource in stack.resources.values()):
            rooted.add(stack.id)
        for found in _nodes(stack, assembly):
            root = _ROOT_ID.fullmatch(found) if isinstance(found, str) else None
            if isinstance(found, str) and found.startswith("r-"):
                named.add(stack.id)
            if root:
                groups.join(stack.id, f"root r-{root[1]}")
                rooted.add(stack.id)
            elif isinstance(found, Reference) and found.stack in known:
                groups.join(stack.id, found.stack)
                if found.attribute == "RootId":
                    named.add(stack.id)
    anchored = {groups.of(stack_id) for stack_id in rooted}
    if len(anchored) == 1:
        # A stack that tells nothing about its organization belongs to the only one there is.
        for stack in stacks:
            groups.join(stack.id, *anchored)
    labels = {stack.id: groups.of(stack.id) for stack in stacks}
    in_use = {labels[stack_id] for stack_id in named} or set(labels.values())
    only = next(iter(in_use)) if len(in_use) == 1 else None
    return {
        stack_id: ROOT if label == only else f"{ROOT} of {groups.name(label)}"
        for stack_id, label in labels.items()
    }


def _manages(stack: StackTemplate) -> bool:
    return any(
        str(resource.get("Type", "")).startswith(_ORGANIZATIONS)
        for resource in stack.resources.values()
    )


def _nodes(stack: StackTemplate, assembly: Assembly) -> Iterator[Any]:
    """Return what a stack's resources name as parents and targets, each only once."""
    seen: set[Any] = set()
    for logical_id, resource in stack.resources.items():
        kind = str(resource.get("Type", ""))
        if not kind.startswith(_ORGANIZATIONS):
            continue
        properties = stack.properties_of(logical_id)
        found = [] if kind != _ACCOUNT or properties.get("ParentIds") else ["r-"]
        for name in _NODE_PROPERTIES:
            value = properties.get(name)
            if value is not None:
                value = evaluate(value, stack, assembly)
                found += value if isinstance(value, list) else [value]
        for node in found:
            # AWS puts an account without parents under the root.
            if isinstance(node, (str, Reference)) and node not in seen:
                seen.add(node)
                yield node


class _Groups:
    """Names that stand for one organization; two accounts never do."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._account: dict[str, str] = {}

    def add(self, name: str) -> None:
        self._parent.setdefault(name, name)

    def of(self, name: str) -> str:
        while self._parent[name] != name:
            name = self._parent[name]
        return name

    def join(self, one: str, other: str, *, account: str | None = None) -> None:
        self.add(one)
        self.add(other)
        if account:
            self._account[self.of(other)] = account
        first, second = sorted((self.of(one), self.of(other)))
        accounts = {self._account[g] for g in (first, second) if g in self._account}
        if first == second or len(accounts) > 1:
            return
        self._parent[second] = first
        if accounts:
            self._account[first] = accounts.pop()

    def name(self, group: str) -> str:
        """Return what a group is called: its account, its root's id, or its first stack."""
        if group in self._account:
            return self._account[group]
        members = sorted(name for name in self._parent if self.of(name) == group)
        # No id of a stack holds a space.
        ids = [name.removeprefix("root ") for name in members if name.startswith("root ")]
        return (ids or members)[0]
