"""What a model does not know, and where: named, so that nobody takes silence for an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .assembly import NESTED_STACK, StackTemplate
from .intrinsics import holds, is_function

if TYPE_CHECKING:
    from .organization import OrganizationModel

_ORGANIZATIONS = "AWS::Organizations::"
# It adds functions only, which are evaluated here; any other transform may write resources.
_HARMLESS = "AWS::LanguageExtensions"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownValue:
    """Something that the templates do not tell.

    Attributes:
        path: construct path of the resource or stack that it belongs to.
        what: which value: `parent`, `target`, `Name`, `Content.Statement[0].Resource`, …
        expression: how the template puts it.
    """

    path: str
    what: str
    expression: str

    @property
    def is_of_policy(self) -> bool:
        """Whether it is what a policy says, or whether that is there at all."""
        return self.what.startswith("Content") or self.what in ("Type", "existence")

    def __str__(self) -> str:
        """Say it in one line."""
        return f"the {self.what} of '{self.path}', {self.expression}"


def find_unknowns(model: OrganizationModel) -> Iterator[UnknownValue]:
    """Return everything about the organization that the templates leave open."""
    for stack in model.assembly.every_stack:
        yield from _of_template(model, stack)
    for unit in model.organizational_units.values():
        yield from _node(model, unit.path, "parent", unit.parent)
        yield from _text(unit.path, "Name", unit.name)
    for account in model.accounts.values():
        yield from _node(model, account.path, "parent", account.parent)
        yield from _text(account.path, "AccountName", account.name)
        yield from _text(account.path, "Email", account.email)
    for policy in model.policies.values():
        for target in policy.targets:
            yield from _node(model, policy.path, "target", target)
        yield from _text(policy.path, "Name", policy.name)
        yield from _text(policy.path, "Type", policy.type)
        yield from _content(policy.path, "Content", model.document_of(policy))


def _of_template(model: OrganizationModel, stack: StackTemplate) -> Iterator[UnknownValue]:
    transforms = stack.template.get("Transform")
    for transform in transforms if isinstance(transforms, list) else [transforms]:
        if transform is not None and transform != _HARMLESS:
            yield UnknownValue(
                path=stack.path or stack.name, what="result", expression=f"transform {transform}"
            )
    for name, value in stack.section("Resources").items():
        if name.startswith("Fn::ForEach") and _ORGANIZATIONS in str(value):
            yield UnknownValue(path=stack.path or stack.name, what="resources", expression=name)
    for logical_id, resource in stack.resources.items():
        kind = str(resource.get("Type", ""))
        path = stack.id_path(logical_id)
        if kind == NESTED_STACK and stack.key_of(logical_id) not in model.assembly.inside:
            yield UnknownValue(
                path=path, what="template", expression="a nested stack whose template is not here"
            )
        condition = resource.get("Condition") if kind.startswith(_ORGANIZATIONS) else None
        if condition is not None and holds(condition, stack, model.assembly) is None:
            yield UnknownValue(path=path, what="existence", expression=f"condition {condition}")


def _node(model: OrganizationModel, path: str, what: str, node: str) -> Iterator[UnknownValue]:
    if node.startswith("?"):
        yield UnknownValue(path=path, what=what, expression=node[1:] or "which is not given")
        return
    known = node in model.organizational_units or node in model.accounts or model.is_root(node)
    located = None if known else model.assembly.locate(node)
    if located is not None:
        stack, logical_id = located
        yield UnknownValue(
            path=path, what=what, expression=f"what '{stack.id_path(logical_id)}' returns"
        )


def _text(path: str, what: str, value: str) -> Iterator[UnknownValue]:
    if value.startswith("?"):
        yield UnknownValue(path=path, what=what, expression=value[1:])


def _content(path: str, what: str, value: Any) -> Iterator[UnknownValue]:
    if is_function(value):
        yield UnknownValue(
            path=path, what=what, expression=json.dumps(value, sort_keys=True, default=str)
        )
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _content(path, f"{what}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _content(path, f"{what}[{index}]", item)
