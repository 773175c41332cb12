"""Where the emulator's CloudFormation differs from AWS's in what an organization depends on."""

# The emulator has no public way in; the names taken stand in `emulator.TAKEN_NAMES`.
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from . import phases, stack_updates
from .cloudformation import schema
from .differences import mend_differences
from .emulator import CLOUDFORMATION, module
from .leftovers import FAILED_DEFINITIONS, Leftovers

# Calls that begin an operation on a stack, as they stand in the request; how long they may take,
# which is less than clients wait for an answer; and how often to look.
_BEGINNING = (b"Action=ExecuteChangeSet", b"Action=DeleteStack", b"Action=RollbackStack")
_PATIENCE = 4.0
_LOOK_EVERY = 0.02

_OWN = "AWS::Organizations::"
_ACCOUNT = "AWS::Organizations::Account"


def mend_cloudformation(leftovers: Leftovers) -> None:
    """Mend all of it."""
    _answer_when_done()
    resolve = _mend_references()
    mend_differences(resolve)
    _mend_order()
    _mend_properties()
    _mend_templates()
    _mend_imports()
    _mend_summaries()
    stack_updates.mend_events()
    stack_updates.mend_failed_stacks()
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


# --- order of what nothing orders --------------------------------------------------------------


def _mend_order() -> None:
    """Let functions of custom resources come after whatever does not wait for them.

    CloudFormation begins with both at once, and a function takes seconds until it has done
    something (inference). The emulator goes by name, so that a policy without a dependency on the
    setting that turns its type on would pass or fail by what it is called.
    """
    stacks = module(f"{CLOUDFORMATION}.stacks")
    sort = stacks._topological_sort

    def topological_sort(definitions: dict[str, Any], conditions: dict[str, bool]) -> list[str]:
        by_name: list[str] = sort(definitions, conditions)
        active = set(by_name)
        rank = {key: (_is_custom(definitions[key]), n) for n, key in enumerate(by_name)}
        needs = {key: stacks._extract_deps(definitions[key], active) - {key} for key in by_name}
        followers: dict[str, list[str]] = {key: [] for key in by_name}
        for key, others in needs.items():
            for other in others:
                followers[other].append(key)
        ready = [(rank[key], key) for key in by_name if not needs[key]]
        heapq.heapify(ready)
        done: list[str] = []
        while ready:
            _, key = heapq.heappop(ready)
            done.append(key)
            for follower in followers[key]:
                needs[follower].discard(key)
                if not needs[follower]:
                    heapq.heappush(ready, (rank[follower], follower))
        return done

    stacks._topological_sort = topological_sort


def _is_custom(definition: dict[str, Any]) -> bool:
    kind = str(definition.get("Type", ""))
    return kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"


# --- properties, and tags of the stack ---------------------------------------------------------


def _mend_properties() -> None:
    """Check what a template gives a resource, and give an account a tag twice when it comes twice.

    Handler: what creates an account appends the stack's tags to its own, and AWS refuses a repeated
    key; OUs and policies merge them. The emulator adds the stack's tags where it begins with a
    resource, which is when CloudFormation checks the properties.
    """
    merge = module(f"{CLOUDFORMATION}.stacks")._with_stack_tags
    replacing = module(f"{CLOUDFORMATION}.provisioners")._REPLACING_PROPERTIES

    def with_stack_tags(
        type_name: str,
        properties: dict[str, Any],
        stack_tags: list[dict[str, str]],
        *names: str,
    ) -> dict[str, Any]:
        if schema.is_known(type_name):
            # The logical id is the last of the names.
            stack_updates.refuse_protected_change(
                names[-1], type_name, properties, replacing.get(type_name, ())
            )
            properties = schema.checked(type_name, names[-1], properties)
        tagged: dict[str, Any] = merge(type_name, properties, stack_tags, *names)
        if type_name != _ACCOUNT:
            return tagged
        own = {tag["Key"] for tag in properties.get("Tags") or []}
        return {**tagged, "Tags": tagged["Tags"] + [t for t in stack_tags if t["Key"] in own]}

    # Stacks, and stacks in stacks.
    for name in ("stacks", "provisioners"):
        module(f"{CLOUDFORMATION}.{name}")._with_stack_tags = with_stack_tags


# --- what a template may not say ---------------------------------------------------------------


def _mend_templates() -> None:
    """Refuse a template at once that waits for itself or asks for what a resource does not have.

    CloudFormation looks for both before it begins (inference: users report the messages). The
    emulator meets them halfway through.
    """
    engine = module(f"{CLOUDFORMATION}.engine")
    validate = engine.validate_template_support

    def validate_template(template: Any, conditions: dict[str, bool], params: Any = None) -> None:
        validate(template, conditions, params)
        resources = template.get("Resources") or {}
        engine._topological_sort(resources, conditions)
        for logical_id, attribute in _attributes_asked(template):
            kind = (resources.get(logical_id) or {}).get("Type", "")
            if schema.is_known(kind) and attribute not in schema.attributes(kind):
                raise ValueError(
                    f"Template error: resource {logical_id} does not support attribute type "
                    f"{attribute} in Fn::GetAtt"
                )

    for name in ("engine", "changesets", "handlers"):
        module(f"{CLOUDFORMATION}.{name}").validate_template_support = validate_template


def _attributes_asked(node: Any) -> Iterator[tuple[str, str]]:
    """Yield resource and attribute of every Fn::GetAtt that names both."""
    if isinstance(node, dict):
        asked = node.get("Fn::GetAtt")
        if isinstance(asked, str):
            asked = asked.split(".", 1)
        if isinstance(asked, list) and len(asked) == 2 and all(isinstance(a, str) for a in asked):  # noqa: PLR2004
            yield asked[0], asked[1]
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _attributes_asked(child)


# --- imports -----------------------------------------------------------------------------------


def _mend_imports() -> None:
    """Refuse to import one thing under two names at once (inference: it is in a stack only once)."""
    changesets = module(f"{CLOUDFORMATION}.changesets")
    find_owner = changesets._import_owner

    def import_owner(resources_to_import: list[dict[str, Any]]) -> str | None:
        names: dict[str, str] = {}
        for entry in resources_to_import:
            logical_id, kind = entry["LogicalResourceId"], entry["ResourceType"]
            if schema.is_known(kind):
                identifier = "|".join(entry["ResourceIdentifier"].values())
                if names.setdefault(identifier, logical_id) != logical_id:
                    return (
                        f"{identifier} is to be imported as {names[identifier]} and as {logical_id}; "
                        "a resource can be imported once"
                    )
        owner: str | None = find_owner(resources_to_import)
        return owner

    changesets._import_owner = import_owner


def _mend_summaries() -> None:
    """Say in the summary of a template by which properties its resources are imported.

    Without that `cdk import` asks for nothing and skips every resource.
    """
    handlers = module(f"{CLOUDFORMATION}.handlers")
    engine = module(f"{CLOUDFORMATION}.engine")
    lookups = module(f"{CLOUDFORMATION}.changesets")._IMPORT_LOOKUPS
    summarize = handlers._ACTION_HANDLERS["GetTemplateSummary"]

    def summary(params: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = summarize(params)
        text, _ = handlers._resolve_template(params)
        # A request that names a stack is about what is in one already.
        if status != HTTPStatus.OK or not text:
            return status, headers, body
        names: dict[str, list[str]] = {}
        for logical_id, definition in engine._parse_template(text).get("Resources", {}).items():
            names.setdefault(definition.get("Type", ""), []).append(logical_id)
        entries = "".join(
            f"<member><ResourceType>{kind}</ResourceType>"
            f"<LogicalResourceIds>{_members(sorted(names[kind]))}</LogicalResourceIds>"
            f"<ResourceIdentifiers>{_members([','.join(lookups[kind][0])])}</ResourceIdentifiers>"
            "</member>"
            for kind in sorted(names.keys() & lookups.keys())
        )
        end = b"</GetTemplateSummaryResult>"
        found = f"<ResourceIdentifierSummaries>{entries}</ResourceIdentifierSummaries>".encode()
        return status, headers, body.replace(end, found + end)

    handlers._ACTION_HANDLERS["GetTemplateSummary"] = summary


def _members(values: Iterable[str]) -> str:
    return "".join(f"<member>{value}</member>" for value in values)


# --- what is deleted, and what is not --------------------------------------------------------


def _with_failed(template: dict[str, Any] | None, stack: dict[str, Any]) -> dict[str, Any]:
    """Add the definitions of what operations created that then failed."""
    template = template or {}
    resources = {**stack.get(FAILED_DEFINITIONS, {}), **template.get("Resources", {})}
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
        if previous and stack.get(FAILED_DEFINITIONS):
            previous["_template"] = _with_failed(previous.get("_template"), stack)
        with (
            phases.deployment(template, rest[0], previous),
            stack_updates.update(stack, previous, options.get("imports") or ()),
        ):
            await deploy(stack_name, stack_id, template, *rest, **options)
            if stack.get("StackStatus") == "UPDATE_COMPLETE":
                leftovers.clean(stack_name)
        if stack.get("StackStatus") == "CREATE_FAILED":
            # CreateStack keeps the template before anything is created; all of it is to be done.
            stack["_template"] = {}
        if stack.get("StackStatus") in ("CREATE_FAILED", "UPDATE_FAILED"):
            stack[FAILED_DEFINITIONS] = {
                **stack.get(FAILED_DEFINITIONS, {}),
                **template.get("Resources", {}),
            }
        else:
            stack.pop(FAILED_DEFINITIONS, None)

    async def delete_stack(stack_name: str, *args: Any, **kwargs: Any) -> None:
        stack = package._stacks.get(stack_name)
        if stack and stack.get(FAILED_DEFINITIONS):
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

    # Documentation: an account whose change was refused cannot be rolled back either, because its
    # handler is asked to change it back; so are the others' (inference).
    sends_back = stacks._sends_back_failed_update
    stacks._sends_back_failed_update = lambda kind: kind.startswith(_OWN) or sends_back(kind)
    stacks._default_resource_policy = default_policy
    stacks._deploy_stack_async = handlers._deploy_stack_async = deploy_stack
    changesets._deploy_stack_async = deploy_stack
    stacks._delete_stack_async = handlers._delete_stack_async = delete_stack
    stacks._roll_back_operation = handlers._roll_back_operation = roll_back_operation
    package.reset = forget
