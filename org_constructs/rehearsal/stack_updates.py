"""Updates of stacks: what is new in one is created, and what a stack policy protects stays."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .emulator import CLOUDFORMATION, module

_FAILED = ("CREATE_FAILED", "UPDATE_FAILED")
# Where a stack keeps, while a request is looked at, in which of them it is.
_FAILED_AS = "_rehearsal_failed_as"
_IN_AN_UPDATE = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_FAILED")


class ProtectedError(ValueError):
    """The stack policy does not allow what an update would do to a resource."""


@dataclass(frozen=True, slots=True)
class _Update:
    stack_id: str
    resources: Mapping[str, Any]
    imported: Collection[str]
    policy: str


# Handlers run in copies of the operation's context.
_current: ContextVar[_Update | None] = ContextVar("update", default=None)


@contextmanager
def update(
    stack: dict[str, Any], previous: Mapping[str, Any] | None, imported: Collection[str]
) -> Iterator[None]:
    """Say that a stack is created, or updated when there is a previous one."""
    now = None
    if previous is not None:
        resources = previous.get("_resources", {})
        policy = stack.get("_stack_policy", "")
        now = _Update(stack["StackId"], resources, imported, policy)
    token = _current.set(now)
    try:
        yield
    finally:
        _current.reset(token)
    if now is not None:
        for logical_id, resource in stack.get("_resources", {}).items():
            is_new = logical_id not in now.resources and logical_id not in imported
            if is_new and resource.get("ResourceStatus") == "UPDATE_COMPLETE":
                resource["ResourceStatus"] = "CREATE_COMPLETE"


def mend_events() -> None:
    """Let the events of a resource that comes with an update say that it is created."""
    stacks = module(f"{CLOUDFORMATION}.stacks")
    add = stacks._add_event

    def add_event(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        kind: str,
        status: str,
        *more: Any,
        **rest: Any,
    ) -> None:
        now = _current.get()
        if (
            now is not None
            and now.stack_id == stack_id
            and status in _IN_AN_UPDATE
            and logical_id not in (*now.resources, *now.imported, stack_name)
        ):
            status = status.replace("UPDATE", "CREATE")
        add(stack_id, stack_name, logical_id, kind, status, *more, **rest)

    stacks._add_event = add_event


def mend_failed_stacks() -> None:
    """Let a stack that failed and was not rolled back be updated (documentation: resume from there).

    The emulator lets change sets do it, and refuses UpdateStack.
    """
    handlers = module(f"{CLOUDFORMATION}.handlers")
    update_stack, has_no_updates = handlers._update_stack, handlers._stack_has_no_updates

    def update_failed(params: dict[str, Any]) -> Any:
        name = params.get("StackName")
        stack = handlers._resolve_stack(name[0] if isinstance(name, list) else name)
        if not stack or stack.get("StackStatus") not in _FAILED:
            return update_stack(params)
        stack[_FAILED_AS], stack["StackStatus"] = stack["StackStatus"], "UPDATE_COMPLETE"
        try:
            return update_stack(params)
        finally:
            failed_as = stack.pop(_FAILED_AS)
            if stack["StackStatus"] == "UPDATE_COMPLETE":
                # The request was refused: nothing has begun.
                stack["StackStatus"] = failed_as

    def changes_nothing(stack: dict[str, Any], *request: Any) -> bool:
        # What failed is to be done still, and going back is an update too.
        return _FAILED_AS not in stack and has_no_updates(stack, *request)

    handlers._update_stack = handlers._ACTION_HANDLERS["UpdateStack"] = update_failed
    handlers._stack_has_no_updates = changes_nothing


def refuse_protected_change(
    logical_id: str, kind: str, properties: Mapping[str, Any], create_only: Sequence[str]
) -> None:
    """Refuse to change a resource that the stack policy protects.

    Raises:
        ProtectedError: the update changes it and may not.
    """
    now = _current.get()
    if now is None or not now.policy or logical_id not in now.resources:
        return
    before = now.resources[logical_id].get("Properties", {})
    if before == properties:
        return
    replaced = any(before.get(name) != properties.get(name) for name in create_only)
    _refuse(now.policy, logical_id, kind, "Update:Replace" if replaced else "Update:Modify")


def refuse_protected_removal(logical_id: str | None, kind: str) -> None:
    """Refuse to delete a resource that an update removes and the stack policy protects.

    That AWS fails the clean-up and not the update is a guess.

    Raises:
        ProtectedError: it may not be deleted.
    """
    now = _current.get()
    if now is not None and now.policy and logical_id and logical_id in now.resources:
        _refuse(now.policy, logical_id, kind, "Update:Delete")


def _refuse(policy: str, logical_id: str, kind: str, action: str) -> None:
    """Decide as documented: what no statement allows, or one denies, is refused."""
    allowed = False
    for number, statement in enumerate(_listed(json.loads(policy).get("Statement")), start=1):
        if not _applies(statement, logical_id, kind, action):
            continue
        if statement.get("Effect") == "Deny":
            raise ProtectedError(
                f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] "
                f"for resource [{logical_id}]"
            )
        allowed = True
    if not allowed:
        raise ProtectedError(
            f"Action denied by stack policy: no statement allows [{action}] for resource "
            f"[{logical_id}]"
        )


def _applies(statement: Mapping[str, Any], logical_id: str, kind: str, action: str) -> bool:
    resource = f"LogicalResourceId/{logical_id}"
    return (
        _covers(statement, "Action", action)
        and _covers(statement, "Resource", resource)
        and all(
            any(fnmatchcase(kind, str(pattern)) for pattern in _listed(keys.get("ResourceType")))
            for keys in (statement.get("Condition") or {}).values()
        )
    )


def _covers(statement: Mapping[str, Any], element: str, value: str) -> bool:
    """Tell whether an element, or its opposite, takes a value in."""
    if f"Not{element}" in statement:
        return not _covers({element: statement[f"Not{element}"]}, element, value)
    return any(fnmatchcase(value, str(pattern)) for pattern in _listed(statement.get(element)))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
