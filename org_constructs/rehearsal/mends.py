"""Where the emulator's CloudFormation differs from AWS's in what an organization depends on."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import phases
from .emulator import CLOUDFORMATION, module

# Calls that begin an operation on a stack, as they stand in the request; how long they may take,
# which is less than clients wait for an answer; and how often to look.
_BEGINNING = (b"Action=ExecuteChangeSet", b"Action=DeleteStack", b"Action=RollbackStack")
_PATIENCE = 4.0
_LOOK_EVERY = 0.02

_ACCOUNT = "AWS::Organizations::Account"
_RETAINING = ("Retain", "RetainExceptOnCreate")
# Where a stack keeps the definitions that the emulator drops when an operation fails.
_FAILED = "_rehearsal_failed"
# Where a comparison keeps the resources of the template that a failed update wanted.
_ATTEMPTED = "_rehearsal_attempted"
# References to other stacks, whose value changes without this template's doing.
_FOREIGN = ("Fn::GetStackOutput", "Fn::ImportValue")


def mend_cloudformation(leftovers: Leftovers) -> None:
    """Mend all of it."""
    _answer_when_done()
    resolve = _mend_references()
    _mend_differences(resolve)
    _mend_stack_tags()
    _mend_deletion_policies(leftovers)
    drift = module(f"{CLOUDFORMATION}.drift")
    # Documentation (resource import): detect drift after an import.
    drift.DRIFT_DETECTABLE_STATUSES = drift.DRIFT_DETECTABLE_STATUSES | {"IMPORT_COMPLETE"}


# --- pace ------------------------------------------------------------------------------------


def _answer_when_done() -> None:
    """Let an operation on a stack end before the call that began it is answered, if it is quick.

    The CDK CLI looks at once and then only every five seconds, so that a deployment of half a
    second would take five.
    """
    package = module(CLOUDFORMATION)
    handle = package.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        answer = await handle(method, path, headers, body, query)
        if any(action in body for action in _BEGINNING):
            deadline = time.monotonic() + _PATIENCE
            # The emulator tells nobody when an operation ends; a deletion has not even begun yet.
            await asyncio.sleep(_LOOK_EVERY)
            while time.monotonic() < deadline and any(  # noqa: ASYNC110
                map(_is_busy, package._stacks.values())
            ):
                await asyncio.sleep(_LOOK_EVERY)
        return answer

    package.handle_request = handle_request


def _is_busy(stack: dict[str, Any]) -> bool:
    status = str(stack.get("StackStatus", ""))
    return status.endswith("IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


# --- references between stacks ---------------------------------------------------------------


def _mend_references() -> Callable[..., Any]:
    """Let Fn::GetStackOutput reach other Regions and, through a role, other accounts."""
    responses = module("ministack.core.responses")
    resolve = module(f"{CLOUDFORMATION}.engine")._resolve_refs

    def resolve_refs(value: Any, *context: Any) -> Any:
        if not isinstance(value, dict) or "Fn::GetStackOutput" not in value:
            return resolve(value, *context)
        source = resolve(value["Fn::GetStackOutput"], *context)
        region = source.get("Region") or responses.get_region()
        role = source.get("RoleArn") or source.get("RoleARN")
        account = role.split(":")[4] if role else responses.get_account_id()
        output = {key: source[key] for key in ("StackName", "OutputName")}
        with responses.request_scope(account, region):
            return resolve({"Fn::GetStackOutput": output}, *context)

    for name in ("engine", "stacks", "changesets", "handlers"):
        module(f"{CLOUDFORMATION}.{name}")._resolve_refs = resolve_refs
    return resolve_refs


# --- differences in change sets --------------------------------------------------------------


class _Distinct(dict[str, str]):
    """Attributes of a resource that is not looked up: each answers with its own name."""

    def __init__(self, logical_id: str) -> None:
        super().__init__()
        self._logical_id = logical_id

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> str:
        return f"{self._logical_id}.{key}"


def _mend_differences(resolve: Callable[..., Any]) -> None:
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


def _mend_stack_tags() -> None:
    """Give an account a tag twice when both the stack and the template have it.

    Handler: what creates an account appends one list to the other, and AWS refuses a repeated key;
    OUs and policies merge them.
    """
    stacks = module(f"{CLOUDFORMATION}.stacks")
    merge = stacks._with_stack_tags

    def with_stack_tags(
        type_name: str, properties: dict[str, Any], stack_tags: list[dict[str, str]], *rest: Any
    ) -> dict[str, Any]:
        tagged: dict[str, Any] = merge(type_name, properties, stack_tags, *rest)
        if type_name != _ACCOUNT:
            return tagged
        own = {tag["Key"] for tag in properties.get("Tags") or []}
        return {**tagged, "Tags": tagged["Tags"] + [t for t in stack_tags if t["Key"] in own]}

    stacks._with_stack_tags = with_stack_tags


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


# --- what is deleted, and what is not --------------------------------------------------------


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
        definitions = {**stack.get(_FAILED, {}), **_attempted_template(stack).get("Resources", {})}
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
            add_event(*arguments, "DELETE_FAILED", str(error), leftover.physical_id)
            raise
        add_event(*arguments, "DELETE_COMPLETE", physical_id=leftover.physical_id)


def _attempted_template(stack: dict[str, Any]) -> dict[str, Any]:
    """Return the template of a stack's last operation, whether or not it succeeded."""
    parse = module(f"{CLOUDFORMATION}.engine")._parse_template
    template: dict[str, Any] = parse(stack.get("_template_body") or "{}")
    return template


def _with_failed(template: dict[str, Any] | None, stack: dict[str, Any]) -> dict[str, Any]:
    """Add the definitions of what operations created that then failed."""
    template = template or {}
    resources = {**stack.get(_FAILED, {}), **template.get("Resources", {})}
    return {**template, "Resources": resources}


def _mend_deletion_policies(leftovers: Leftovers) -> None:
    """Retain what AWS retains."""
    package = module(CLOUDFORMATION)
    stacks = module(f"{CLOUDFORMATION}.stacks")
    handlers = module(f"{CLOUDFORMATION}.handlers")
    changesets = module(f"{CLOUDFORMATION}.changesets")
    default, deploy, delete, roll_back, reset = (
        stacks._default_resource_policy,
        stacks._deploy_stack_async,
        stacks._delete_stack_async,
        stacks._roll_back_operation,
        package.reset,
    )

    def default_policy(definition: dict[str, Any] | None, attribute: str) -> str:
        # Documentation: accounts are retained unless the template says Delete.
        if attribute == "DeletionPolicy" and (definition or {}).get("Type") == _ACCOUNT:
            return "Retain"
        policy: str = default(definition, attribute)
        return policy

    async def deploy_stack(
        stack_name: str, stack_id: str, template: dict[str, Any], *rest: Any, **options: Any
    ) -> None:
        # The emulator keeps a template only after success. Without the definitions of what a
        # failed operation created it finds no DeletionPolicy for it, and closes the accounts that
        # the next template or the end of the stack retains.
        stack = package._stacks[stack_name]
        previous = options.get("previous_stack")
        if previous and stack.get(_FAILED):
            previous["_template"] = _with_failed(previous.get("_template"), stack)
        with phases.deployment(template, rest[0], previous):
            await deploy(stack_name, stack_id, template, *rest, **options)
            if stack.get("StackStatus") == "UPDATE_COMPLETE":
                leftovers.clean(stack_name)
        if stack.get("StackStatus") in ("CREATE_FAILED", "UPDATE_FAILED"):
            stack[_FAILED] = {**stack.get(_FAILED, {}), **template.get("Resources", {})}
        else:
            stack.pop(_FAILED, None)

    async def delete_stack(stack_name: str, *args: Any, **kwargs: Any) -> None:
        stack = package._stacks.get(stack_name)
        if stack and stack.get(_FAILED):
            stack["_template"] = _with_failed(stack.get("_template"), stack)
        for logical_id in leftovers.of_stack(stack_name):
            leftovers.delete(stack_name, logical_id)
        with phases.deletion(stack or {}):
            await delete(stack_name, *args, **kwargs)

    async def roll_back_operation(
        stack_name: str,
        stack_id: str,
        stack: dict[str, Any],
        operation: dict[str, Any],
        **options: Any,
    ) -> None:
        with phases.rollback():
            for logical_id in leftovers.of_stack(stack_name):
                retain = not operation.get("retain_except_on_create", False)
                leftovers.delete(stack_name, logical_id, retain=retain)
            await roll_back(stack_name, stack_id, stack, operation, **options)

    def forget() -> None:
        leftovers.clear()
        reset()

    stacks._default_resource_policy = default_policy
    stacks._deploy_stack_async = handlers._deploy_stack_async = deploy_stack
    changesets._deploy_stack_async = deploy_stack
    stacks._delete_stack_async = handlers._delete_stack_async = delete_stack
    stacks._roll_back_operation = handlers._roll_back_operation = roll_back_operation
    package.reset = forget
