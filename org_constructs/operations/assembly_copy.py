"""A copy of a cloud assembly in which some resources are left out, or put back for an import.

The user's code stays as it is: what the CDK CLI deploys meanwhile is an edited copy.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from org_constructs.model.assembly import Assembly, StackTemplate, read_assembly

__all__ = ["LeftOutError", "copy_for_import", "copy_without"]

# A resource: the name of its stack and its logical id.
Key = tuple[str, str]

_GONE: Final = object()
_PLACEHOLDER: Final = "AWS::CloudFormation::WaitConditionHandle"


class LeftOutError(Exception):
    """A resource cannot be left out without harm to another that exists."""


def copy_without(
    source: Path, target: Path, gone: Collection[Key], held: Collection[Key]
) -> frozenset[Key]:
    """Copy an assembly without some resources and what does not exist yet and waits for them.

    So nothing is created earlier than in the whole assembly: no account before the policies that
    bind it. Of what exists, an element of a list that refers to one is dropped, and whoever waited
    for one waits for what it waited for. A stack in which nothing is left gets a placeholder,
    since CloudFormation knows no empty stack.

    Args:
        source: the folder of the assembly.
        target: the folder of the copy, which does not exist yet.
        gone: the resources to leave out.
        held: the resources that exist: leaving one of these out would delete it.

    Returns:
        All resources that are left out.

    Raises:
        LeftOutError: a resource that exists cannot be without one that is left out.
    """
    shutil.copytree(source, target)
    assembly = read_assembly(target, nested=True)
    templates = {stack.name: copy.deepcopy(dict(stack.template)) for stack in assembly.stacks}
    left_out = set(gone) | _waiting(assembly, gone, held)
    while further := {
        key
        for stack in assembly.stacks
        for key in _cannot_be_without(stack, templates[stack.name], left_out, assembly)
        if key not in left_out
    }:
        if harmed := sorted(further & set(held)):
            stack_name, logical_id = harmed[0]
            raise LeftOutError(
                f"resource '{logical_id}' of stack '{stack_name}' exists and refers to one that is "
                "to be left out; deploy it without that reference first"
            )
        left_out |= further
    for stack in assembly.stacks:
        template = templates[stack.name]
        is_gone = _references(stack, left_out, assembly)
        resources = template.get("Resources", {})
        for logical_id in list(resources):
            if (stack.name, logical_id) in left_out:
                del resources[logical_id]
                continue
            resource = resources[logical_id]
            if "Properties" in resource:
                resource["Properties"] = _pruned(resource["Properties"], is_gone)
            _rewire(resource, stack, left_out)
        outputs = template.get("Outputs", {})
        for name in [name for name in outputs if _mentions(outputs[name], is_gone)]:
            del outputs[name]
        if not resources:
            # It makes nothing in AWS (documentation), so the next deployment may remove it again.
            template["Resources"] = {"Placeholder": {"Type": _PLACEHOLDER}}
        _write(stack, template)
    return frozenset(left_out)


def copy_for_import(
    source: Path, target: Path, base: Path, imported: Mapping[Key, Mapping[str, Any]]
) -> None:
    """Copy an assembly so that it differs from a deployed one by the imported resources alone.

    An import may change nothing else, not even what a neighbour waits for.

    Args:
        source: the folder of the whole assembly.
        target: the folder of the copy, which does not exist yet.
        base: the assembly that is deployed.
        imported: the resources to import, each with the properties that are otherwise in AWS than
            they are declared: what an import believes is what the next deployment compares with.
    """
    shutil.copytree(base, target)
    whole = {stack.name: stack for stack in read_assembly(source, nested=True).stacks}
    for stack in read_assembly(target, nested=True).stacks:
        template = copy.deepcopy(dict(stack.template))
        for stack_name, logical_id in sorted(imported):
            if stack_name == stack.name:
                resource = copy.deepcopy(dict(whole[stack_name].resources[logical_id]))
                resource.pop("DependsOn", None)
                properties = imported[stack_name, logical_id]
                resource["Properties"] = {**resource.get("Properties", {}), **properties}
                # Documentation: whatever is imported has a DeletionPolicy.
                resource.setdefault("DeletionPolicy", "Retain")
                template.setdefault("Resources", {})[logical_id] = resource
        _write(stack, template)


def _waiting(assembly: Assembly, gone: Collection[Key], held: Collection[Key]) -> set[Key]:
    return {
        (stack.name, logical_id)
        for stack in assembly.stacks
        for logical_id in stack.resources
        if (stack.name, logical_id) not in held
        and any(stack.waits_for(logical_id, other) for name, other in gone if name == stack.name)
    }


def _references(
    stack: StackTemplate, gone: Collection[Key], assembly: Assembly
) -> Callable[[str, Any], bool]:
    """Return a function that tells whether an intrinsic refers to what is left out."""
    lost_exports: set[str] = set()
    lost_outputs: set[tuple[str, str]] = set()
    for other in assembly.stacks:
        own = {logical_id for name, logical_id in gone if name == other.name}
        if not own:
            continue
        for name, output in other.template.get("Outputs", {}).items():
            if any(_is_local(*pair, own) for pair in _intrinsics(output)):
                lost_outputs.add((other.name, name))
                lost_exports.add(str(output.get("Export", {}).get("Name")))
    here = {logical_id for name, logical_id in gone if name == stack.name}

    def refers(function: str, argument: Any) -> bool:
        if function == "Fn::ImportValue":
            return argument in lost_exports
        if function == "Fn::GetStackOutput" and isinstance(argument, Mapping):
            return (argument.get("StackName"), argument.get("OutputName")) in lost_outputs
        return _is_local(function, argument, here)

    return refers


def _is_local(function: str, argument: Any, logical_ids: Collection[str]) -> bool:
    if function == "Ref":
        return argument in logical_ids
    if function == "Fn::GetAtt":
        first = argument.split(".", 1)[0] if isinstance(argument, str) else argument[0]
        return first in logical_ids
    if function == "Fn::Sub":
        text = argument if isinstance(argument, str) else argument[0]
        return any(f"${{{id}}}" in text or f"${{{id}." in text for id in logical_ids)
    return False


def _cannot_be_without(
    stack: StackTemplate, template: Mapping[str, Any], gone: Collection[Key], assembly: Assembly
) -> Iterator[Key]:
    is_gone = _references(stack, gone, assembly)
    for logical_id, resource in template.get("Resources", {}).items():
        for name, value in resource.get("Properties", {}).items():
            # Without its parent an account would be created in the root, with less denied to it.
            in_list = name == "ParentIds" and _mentions(value, is_gone)
            if in_list or _pruned(value, is_gone) is _GONE:
                yield stack.name, logical_id
                break


def _pruned(value: Any, is_gone: Callable[[str, Any], bool]) -> Any:
    """Return a value without the list elements that refer to what is gone, or `_GONE`."""
    if isinstance(value, list):
        parts = (_pruned(item, is_gone) for item in value)
        return [part for part in parts if part is not _GONE]
    if isinstance(value, dict):
        if len(value) == 1 and _is_function(next(iter(value))):
            return _GONE if _mentions(value, is_gone) else value
        pruned = {key: _pruned(item, is_gone) for key, item in value.items()}
        return _GONE if any(part is _GONE for part in pruned.values()) else pruned
    return value


def _mentions(value: Any, is_gone: Callable[[str, Any], bool]) -> bool:
    return any(is_gone(function, argument) for function, argument in _intrinsics(value))


def _intrinsics(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if _is_function(key):
                yield key, item
            yield from _intrinsics(item)
    elif isinstance(value, list):
        for item in value:
            yield from _intrinsics(item)


def _is_function(key: str) -> bool:
    return key == "Ref" or key.startswith("Fn::")


def _rewire(resource: dict[str, Any], stack: StackTemplate, gone: Collection[Key]) -> None:
    """Let a resource wait for what the ones that are left out waited for."""
    depends = resource.get("DependsOn")
    if not depends:
        return
    waiting = [depends] if isinstance(depends, str) else list(depends)
    found: list[str] = []
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if (stack.name, name) in gone:
            further = stack.resources.get(name, {}).get("DependsOn", [])
            waiting += [further] if isinstance(further, str) else further
        else:
            found.append(name)
    if found:
        resource["DependsOn"] = sorted(found)
    else:
        del resource["DependsOn"]


def _write(stack: StackTemplate, template: Mapping[str, Any]) -> None:
    """Write a template and let manifest and assets name it by its new hash.

    The CDK CLI uploads a template under its hash, and not at all where that name is taken.
    """
    if stack.template_path is None:
        return
    file = Path(stack.template_path)
    text = json.dumps(template, indent=1)
    if json.loads(file.read_text("utf-8")) == template:
        return
    file.write_text(text, "utf-8")
    fresh = hashlib.sha256(text.encode()).hexdigest()
    for description in file.parent.glob("*.assets.json"):
        assets = json.loads(description.read_text("utf-8"))
        for old, asset in assets.get("files", {}).items():
            if asset.get("source", {}).get("path") == file.name:
                for other in (description, file.parent / "manifest.json"):
                    other.write_text(other.read_text("utf-8").replace(old, fresh), "utf-8")
