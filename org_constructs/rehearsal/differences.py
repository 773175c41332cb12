"""What a change set calls a difference: where the emulator compares otherwise than CloudFormation."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

from .emulator import CLOUDFORMATION, module

# Where a comparison keeps the resources of the template that a failed update wanted.
_ATTEMPTED = "_rehearsal_attempted"
# References to other stacks, whose value changes without this template's doing.
_FOREIGN = ("Fn::GetStackOutput", "Fn::ImportValue")


class _Distinct(dict[str, str]):
    """Attributes of a resource that is not looked up: each answers with its own name."""

    def __init__(self, logical_id: str) -> None:
        super().__init__()
        self._logical_id = logical_id

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> str:
        return f"{self._logical_id}.{key}"


def mend_differences(resolve: Callable[..., Any]) -> None:
    """Keep different references different when a change set compares two templates.

    The emulator resolves every Fn::GetAtt to nothing here, so that an account which moves from one
    OU to another is no difference, and `cdk deploy` does nothing and says done. A reference to
    another stack resolves to today's value on both sides, so that a changed one is none either.
    """
    engine = module(f"{CLOUDFORMATION}.engine")
    stacks_by_name = module(CLOUDFORMATION)._stacks

    def resolve_for_diff(
        template: dict[str, Any] | None, params: dict[str, Any], stack_name: str, _stack_id: str
    ) -> dict[str, Any]:
        if not template:
            return {}
        stack = stacks_by_name.get(stack_name) or {}
        is_deployed = template is stack.get("_template")
        compared = {"Resources": resolved(template, params, stack, is_deployed=is_deployed)}
        failed = stack.get("_failed_operation")
        if is_deployed and failed and stack.get("StackStatus") == "UPDATE_FAILED":
            compared[_ATTEMPTED] = resolved(failed["template"], failed["param_values"], stack)
        return compared

    def resolved(
        template: dict[str, Any],
        params: dict[str, Any],
        stack: dict[str, Any],
        *,
        is_deployed: bool = False,
    ) -> dict[str, Any]:
        names = (stack.get("StackName", ""), stack.get("StackId", ""))
        definitions = template.get("Resources", {})
        conditions: dict[str, bool] = {}
        with contextlib.suppress(Exception):
            conditions = engine._evaluate_conditions(template, params)
        references = {
            logical_id: {"PhysicalResourceId": logical_id, "Attributes": _Distinct(logical_id)}
            for logical_id in definitions
        }
        mappings = template.get("Mappings", {})
        found = {}
        for logical_id, definition in definitions.items():
            properties = copy.deepcopy(definition.get("Properties", {}))
            if is_deployed:
                record = stack.get("_resources", {}).get(logical_id, {})
                properties = _as_deployed(properties, record.get("Properties"))
            # What cannot be resolved before it exists is compared as it is written.
            with contextlib.suppress(Exception):
                properties = resolve(properties, references, params, conditions, mappings, *names)
            found[logical_id] = {**definition, "Properties": properties}
        return found

    changesets = module(f"{CLOUDFORMATION}.changesets")
    diff = changesets._diff_resources

    def diff_resources(
        old: dict[str, Any], new: dict[str, Any], records: dict[str, Any] | None = None, *rest: Any
    ) -> list[dict[str, Any]]:
        # What a failed operation created is in no template that succeeded: without its code it is
        # removed, which must be a difference.
        known = {**old.get("Resources", {}), **new.get("Resources", {})}
        forgotten = {
            logical_id: {"Type": record.get("ResourceType", ""), "Properties": {}}
            for logical_id, record in (records or {}).items()
            if logical_id not in known
        }
        resources = {**old.get("Resources", {}), **forgotten}
        changes: list[dict[str, Any]] = diff({"Resources": resources}, new, records, *rest)
        if _ATTEMPTED not in old:
            return changes
        # A failed update leaves resources as it wanted them, others as they were and some that it
        # could not create: what differs from either template is brought to the new one, and what
        # is only in the failed one is removed (inference). So going back is an update.
        attempted = {"Resources": old[_ATTEMPTED]}
        changed = {change["ResourceChange"]["LogicalResourceId"] for change in changes}
        return changes + [
            change
            for change in diff(attempted, new, records, *rest)
            if change["ResourceChange"]["Action"] != "Add"
            and change["ResourceChange"]["LogicalResourceId"] not in changed
        ]

    changesets._resolve_props_for_diff = resolve_for_diff
    changesets._diff_resources = diff_resources


def _as_deployed(written: Any, deployed: Any) -> Any:
    """Put the deployed values in the place of references to other stacks."""
    if isinstance(written, dict):
        if any(name in written for name in _FOREIGN) and deployed is not None:
            return deployed
        if isinstance(deployed, dict):
            return {key: _as_deployed(item, deployed.get(key)) for key, item in written.items()}
    if isinstance(written, list) and isinstance(deployed, list) and len(written) == len(deployed):
        return [_as_deployed(*pair) for pair in zip(written, deployed, strict=True)]
    return written
