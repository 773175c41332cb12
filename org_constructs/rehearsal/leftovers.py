"""What handlers had created before they failed: CloudFormation knows it and deletes it later."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .emulator import CLOUDFORMATION, module

_ACCOUNT = "AWS::Organizations::Account"
_RETAINING = ("Retain", "RetainExceptOnCreate")
# Where a stack keeps the definitions that the emulator drops when an operation fails.
FAILED_DEFINITIONS = "_rehearsal_failed"


@dataclass(frozen=True, slots=True)
class _Leftover:
    type_name: str
    physical_id: str
    properties: dict[str, Any]


class Leftovers:
    """What handlers had created before they failed.

    CloudFormation knows the id of such a resource and deletes it in the next operation of the
    stack (documentation: resources without a last known stable state), unless its DeletionPolicy
    retains it (inference). The emulator forgets it, and the next attempt would meet its name.
    """

    def __init__(self) -> None:
        self._by_resource: dict[tuple[str, str, str, str], _Leftover] = {}
        self._responses = module("ministack.core.responses")

    def _key(self, stack_name: str, logical_id: str) -> tuple[str, str, str, str]:
        responses = self._responses
        return responses.get_account_id(), responses.get_region(), stack_name, logical_id

    def clear(self) -> None:
        """Forget all of it."""
        self._by_resource.clear()

    def add(
        self,
        stack_name: str,
        logical_id: str,
        type_name: str,
        physical_id: str,
        properties: dict[str, Any],
    ) -> None:
        """Remember what a failed handler left."""
        key = self._key(stack_name, logical_id)
        self._by_resource[key] = _Leftover(type_name, physical_id, properties)

    def of_stack(self, stack_name: str) -> Iterator[str]:
        """Yield the logical ids of a stack that left something behind."""
        scope = self._key(stack_name, "")[:3]
        yield from [key[3] for key in self._by_resource if key[:3] == scope]

    def clean(self, stack_name: str) -> None:
        """Delete what a stack left behind and its template no longer has.

        Documentation: what cannot be deleted after an update does not fail it.
        """
        for logical_id in self.of_stack(stack_name):
            with contextlib.suppress(Exception):
                self.delete(stack_name, logical_id)

    def delete(self, stack_name: str, logical_id: str, *, retain: bool = True) -> None:
        """Delete what one resource left behind, unless its DeletionPolicy retains it.

        Args:
            stack_name: the stack.
            logical_id: the resource.
            retain: whether the DeletionPolicy counts; the CDK CLI asks for rollbacks without it.
        """
        leftover = self._by_resource.pop(self._key(stack_name, logical_id), None)
        if leftover is None:
            return
        stack = module(CLOUDFORMATION)._stacks.get(stack_name) or {}
        definitions = {
            **stack.get(FAILED_DEFINITIONS, {}),
            **_attempted_template(stack).get("Resources", {}),
        }
        definition = definitions.get(logical_id, {})
        default = "Retain" if leftover.type_name == _ACCOUNT else "Delete"
        arguments = (stack.get("StackId", ""), stack_name, logical_id, leftover.type_name)
        add_event = module(f"{CLOUDFORMATION}.stacks")._add_event
        if retain and definition.get("DeletionPolicy", default) in _RETAINING:
            add_event(*arguments, "DELETE_SKIPPED", physical_id=leftover.physical_id)
            return
        handlers = module(f"{CLOUDFORMATION}.provisioners")._RESOURCE_HANDLERS
        try:
            handlers[leftover.type_name]["delete"](leftover.physical_id, leftover.properties)
        except Exception as error:
            add_event(*arguments, "DELETEFAILED_DEFINITIONS", str(error), leftover.physical_id)
            raise
        add_event(*arguments, "DELETE_COMPLETE", physical_id=leftover.physical_id)


def _attempted_template(stack: dict[str, Any]) -> dict[str, Any]:
    """Return the template of a stack's last operation, whether or not it succeeded."""
    parse = module(f"{CLOUDFORMATION}.engine")._parse_template
    template: dict[str, Any] = parse(stack.get("_template_body") or "{}")
    return template
