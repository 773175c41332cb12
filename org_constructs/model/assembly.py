"""A cloud assembly (`cdk.out`) as data: its stacks, templates, environments and dependencies.

A nested stack is a stack of its own, whose template is an asset of the assembly and whose
parameters come from the stack around it.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from .errors import OrgError

_STACK = "aws:cloudformation:stack"
_STAGE = "cdk:cloud-assembly"
_ASSETS = "cdk:asset-manifest"
NESTED_STACK = "AWS::CloudFormation::Stack"
_SUB_ANY = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")
_UNKNOWN = ("unknown-account", "unknown-region")


@dataclass(frozen=True, kw_only=True)
class StackTemplate:
    """One stack of an assembly.

    Attributes:
        id: artifact id, which tells it from every other stack of the app.
        name: CloudFormation's name of the stack, unique in one account and Region only.
        path: construct path of the stack.
        account: 12 digits, or None when the stack goes wherever it is deployed.
        region: region, or None likewise.
        template: the template.
        template_path: where the template was read, or None.
        needs: ids of the stacks that are deployed before.
        paths: construct path of each logical id, where CDK wrote it down.
        parameters: values that are given to the template's parameters; others have their default.
        around: key of the resource that makes this nested stack, None for a stack of its own.
    """

    id: str
    name: str
    template: Mapping[str, Any]
    path: str = ""
    account: str | None = None
    region: str | None = None
    template_path: str | None = None
    needs: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    around: str | None = None

    def key_of(self, logical_id: str) -> str:
        """Return what tells a resource from every other of the app; a model's keys are these."""
        return f"{self.id}/{logical_id}"

    @cached_property
    def folder(self) -> Path | None:
        """Folder of the assembly that the stack was read from: that of the app or of a Stage."""
        return Path(self.template_path).parent.resolve() if self.template_path else None

    @cached_property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The template's resources by logical id."""
        found = self.section("Resources")
        if all(type(resource) is dict for resource in found.values()):
            return found
        # `Fn::ForEach` stands for resources that only AWS writes out; its value is a list.
        return {key: value for key, value in found.items() if isinstance(value, Mapping)}

    def section(self, name: str) -> Mapping[str, Any]:
        """Return a section of the template, empty where a hand-written one leaves it out."""
        found = self.template.get(name)
        return found if isinstance(found, Mapping) else {}

    def properties_of(self, logical_id: str) -> Mapping[str, Any]:
        """Return the properties of a resource, none where a hand-written one says nothing."""
        found = self.resources.get(logical_id, {}).get("Properties")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def needs_of(self) -> Mapping[str, frozenset[str]]:
        """Per logical id those that it waits for: DependsOn, Ref, GetAtt and Sub."""
        known = self.resources
        return {key: frozenset(_needed(value, known)) for key, value in known.items()}

    @cached_property
    def deployment_order(self) -> Sequence[str]:
        """Logical ids after what they wait for, otherwise as in the template; none of a cycle."""
        done: list[str] = []
        remaining = {key: set(value) - {key} for key, value in self.needs_of.items()}
        followers: dict[str, list[str]] = {key: [] for key in remaining}
        for key, others in remaining.items():
            for other in others:
                followers[other].append(key)
        ready = deque(key for key in self.resources if not remaining[key])
        while ready:
            key = ready.popleft()
            done.append(key)
            for follower in followers[key]:
                remaining[follower].discard(key)
                if not remaining[follower]:
                    ready.append(follower)
        return done

    def waits_for(self, logical_id: str, other: str) -> bool:
        """Tell whether a resource is made after another one, whatever CloudFormation does."""
        seen = {logical_id}
        waiting = [logical_id]
        while waiting:
            needs = self.needs_of.get(waiting.pop(), frozenset())
            if other in needs:
                return True
            fresh = needs - seen
            seen |= fresh
            waiting += fresh
        return False

    def id_path(self, logical_id: str) -> str:
        """Return the construct path that declares a resource, its logical id when unknown.

        An L2's L1 is called `Resource`; the path is that of the L2.
        """
        path = self.paths.get(logical_id)
        if path is None:
            metadata = self.resources.get(logical_id, {}).get("Metadata", {})
            path = metadata.get("aws:cdk:path") if isinstance(metadata, Mapping) else None
        if path is None:
            return f"{self.path or self.name}/{logical_id}"
        return path.removesuffix("/Resource")


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """The stacks of one cloud assembly, in the order of deployment.

    Attributes:
        stacks: the stacks that are deployed by themselves.
        nested: the stacks that those make, each after the one around it.
    """

    stacks: tuple[StackTemplate, ...]
    nested: tuple[StackTemplate, ...] = ()

    @property
    def every_stack(self) -> tuple[StackTemplate, ...]:
        """The stacks, then those inside them."""
        return (*self.stacks, *self.nested)

    @cached_property
    def by_id(self) -> Mapping[str, StackTemplate]:
        """Every stack by artifact id."""
        return {stack.id: stack for stack in self.every_stack}

    @cached_property
    def inside(self) -> Mapping[str, StackTemplate]:
        """The nested stacks by the key of the resource that makes each."""
        return {stack.around: stack for stack in self.nested if stack.around}

    @cached_property
    def exports(self) -> Mapping[str, Sequence[tuple[StackTemplate, Any]]]:
        """Exported values by the name of the export, as far as that is written down."""
        found: dict[str, list[tuple[StackTemplate, Any]]] = {}
        for stack in self.every_stack:
            for output in stack.section("Outputs").values():
                export = output.get("Export") if isinstance(output, Mapping) else None
                name = export.get("Name") if isinstance(export, Mapping) else None
                if isinstance(name, Mapping) and not isinstance(name.get("Fn::Sub"), str):
                    continue
                if isinstance(name, Mapping):
                    # By far the usual way to name an export by hand.
                    name = name["Fn::Sub"].replace("${AWS::StackName}", stack.name)
                if isinstance(name, str) and "${" not in name:
                    found.setdefault(name, []).append((stack, output.get("Value")))
        return found

    @cached_property
    def stored_parameters(self) -> Mapping[str, Sequence[tuple[StackTemplate, str | None, Any]]]:
        """Values of SSM parameters by name: who stores each, in which Region, and the value.

        A Region of None is the one of the stack. CDK's writer stores into the Region that reads.
        """
        found: dict[str, list[tuple[StackTemplate, str | None, Any]]] = {}
        for stack in self.every_stack:
            for logical_id, resource in stack.resources.items():
                kind = resource.get("Type")
                properties = stack.properties_of(logical_id)
                if kind == "AWS::SSM::Parameter" and isinstance(properties.get("Name"), str):
                    entry = (stack, None, properties.get("Value"))
                    found.setdefault(properties["Name"], []).append(entry)
                elif kind == "Custom::CrossRegionExportWriter":
                    written = properties.get("WriterProps")
                    values = written.get("exports") if isinstance(written, Mapping) else None
                    if isinstance(written, Mapping) and isinstance(values, Mapping):
                        for name, value in values.items():
                            entry = (stack, written.get("region"), value)
                            found.setdefault(name, []).append(entry)
        return found

    @cached_property
    def named(self) -> Mapping[str, Sequence[StackTemplate]]:
        """The stacks by CloudFormation's name: several, when they go to several accounts."""
        found: dict[str, list[StackTemplate]] = {}
        for stack in self.every_stack:
            found.setdefault(stack.name, []).append(stack)
        return found

    def locate(self, key: str) -> tuple[StackTemplate, str] | None:
        """Return the stack and the logical id behind a key, None when it is no key of a resource."""
        stack_id, _, logical_id = key.partition("/")
        stack = self.by_id.get(stack_id)
        return (stack, logical_id) if stack is not None and logical_id else None

    def within(self, folder: Path) -> Assembly:
        """Return the stacks of the app or Stage whose assembly is in a folder, without links."""
        return Assembly(
            stacks=tuple(stack for stack in self.stacks if stack.folder == folder),
            nested=tuple(stack for stack in self.nested if stack.folder == folder),
        )

    def with_parameters(self, given: Mapping[str, Mapping[str, Any]]) -> Assembly:
        """Return the stacks with values of their parameters, by the name of the stack.

        Raises:
            OrgError: `ORG017` for a stack or a parameter that is not there.
        """
        if not given:
            return self
        for name, values in given.items():
            stacks = [stack for stack in self.stacks if stack.name == name]
            known = {parameter for stack in stacks for parameter in stack.section("Parameters")}
            wrong = next((value for value in values if value not in known), None)
            if not stacks or wrong is not None:
                what = f"parameter '{wrong}' of stack '{name}'" if stacks else f"stack '{name}'"
                names = sorted(known) if stacks else sorted({stack.name for stack in self.stacks})
                raise OrgError(
                    "ORG017",
                    f"a value is given for {what}, which is not there; "
                    f"known are {', '.join(names) or 'none'}",
                )
        return replace(
            self,
            stacks=tuple(
                replace(stack, parameters={**stack.parameters, **given.get(stack.name, {})})
                for stack in self.stacks
            ),
        )

    def find(self, name: str, path: str) -> StackTemplate | None:
        """Return the stack of a name, the one around a construct path when there are several."""
        known = self.named.get(name, ())
        around = [stack for stack in known if stack.path and path.startswith(f"{stack.path}/")]
        if len(around) != 1 and len(known) != 1:
            return None
        return around[0] if len(around) == 1 else known[0]


def read_assembly(folder: str | Path, *, nested: bool = False) -> Assembly:
    """Read a cloud assembly from its folder.

    Args:
        folder: where `cdk synth` wrote it.
        nested: read the assemblies of its Stages too.

    Raises:
        OrgError: `ORG016` when the folder holds no readable assembly.
    """
    base = Path(folder)
    manifest = _read(base / "manifest.json")
    artifacts = manifest.get("artifacts", {})
    stacks = {}
    within: dict[str, list[StackTemplate]] = {}
    stages: list[Assembly] = []
    for artifact_id, artifact in artifacts.items():
        if nested and artifact.get("type") == _STAGE:
            directory = base / artifact["properties"]["directoryName"]
            stages.append(read_assembly(directory, nested=True))
        if artifact.get("type") != _STACK:
            continue
        properties = artifact["properties"]
        account, region = _environment(artifact.get("environment", ""))
        template_path = base / properties["templateFile"]
        metadata = _metadata(base, artifact)
        homes = _paths_of_templates(metadata)
        stack = StackTemplate(
            id=artifact_id,
            name=properties.get("stackName", artifact_id),
            path=artifact.get("displayName", artifact_id).split(" (")[0],
            account=account,
            region=region,
            template=_read(template_path),
            template_path=str(template_path),
            needs=tuple(artifact.get("dependencies", ())),
            paths=_logical_ids(metadata, properties["templateFile"], homes),
        )
        stacks[artifact_id] = stack

        def read_nested(
            around: StackTemplate,
            logical_id: str,
            *,
            artifact: Mapping[str, Any] = artifact,
            metadata: Mapping[str, Any] = metadata,
            homes: Mapping[str, str] = homes,
        ) -> StackTemplate | None:
            file = _nested_file(base, around, logical_id, artifact, artifacts)
            if file is None:
                return None
            return nested_stack(
                around,
                logical_id,
                template=_read(base / file),
                template_path=str(base / file),
                path=homes.get(file),
                paths=_logical_ids(metadata, file, homes),
            )

        within[artifact_id] = nested_stacks((stack,), read_nested)
    ordered = _in_order(stacks)
    return Assembly(
        stacks=(*ordered, *(stack for stage in stages for stack in stage.stacks)),
        nested=(
            *(inner for stack in ordered for inner in within[stack.id]),
            *(inner for stage in stages for inner in stage.nested),
        ),
    )


def nested_stacks(
    stacks: Iterable[StackTemplate],
    read: Callable[[StackTemplate, str], StackTemplate | None],
) -> list[StackTemplate]:
    """Return the stacks that some stacks make, and those that these make, as far as they are known.

    Args:
        stacks: the stacks that are deployed by themselves.
        read: returns the nested stack that a resource makes, None where its template is unknown.
    """
    found: list[StackTemplate] = []
    waiting = deque((stack, frozenset({stack.template_path})) for stack in stacks)
    while waiting:
        stack, trail = waiting.popleft()
        for logical_id, resource in stack.resources.items():
            if resource.get("Type") != NESTED_STACK:
                continue
            inner = read(stack, logical_id)
            # A template that contains itself would never end.
            if inner is not None and (
                inner.template_path is None or inner.template_path not in trail
            ):
                found.append(inner)
                waiting.append((inner, trail | {inner.template_path}))
    return found


def nested_stack(
    around: StackTemplate,
    logical_id: str,
    *,
    template: Mapping[str, Any],
    template_path: str | None = None,
    path: str | None = None,
    paths: Mapping[str, str] | None = None,
) -> StackTemplate:
    """Return the stack that a resource of another one makes; AWS adds something to its name."""
    return StackTemplate(
        # Neither a `/`, which ends the stack's part of a key, nor what an artifact id may hold.
        id=f"{around.id}:{logical_id}",
        name=f"{around.name}/{logical_id}",
        path=path or around.id_path(logical_id),
        account=around.account,
        region=around.region,
        template=template,
        template_path=template_path,
        paths=paths or {},
        around=around.key_of(logical_id),
    )


def _nested_file(
    base: Path,
    stack: StackTemplate,
    logical_id: str,
    artifact: Mapping[str, Any],
    artifacts: Mapping[str, Any],
) -> str | None:
    """Return the file of a nested stack's template: its URL holds the hash of an asset."""
    metadata = stack.resources[logical_id].get("Metadata")
    if isinstance(metadata, Mapping) and metadata.get("aws:asset:property") == "TemplateURL":
        file = metadata.get("aws:asset:path")
        if isinstance(file, str) and (base / file).is_file():
            return file
    url = json.dumps(stack.properties_of(logical_id).get("TemplateURL"), default=str)
    for need in artifact.get("dependencies", ()):
        other = artifacts.get(need, {})
        if other.get("type") != _ASSETS:
            continue
        for hashed, asset in _read(base / other["properties"]["file"]).get("files", {}).items():
            file = asset.get("source", {}).get("path")
            if hashed in url and isinstance(file, str) and (base / file).is_file():
                return file
    return None


def was_refused(folder: str | Path) -> bool:
    """Tell whether a synthesis ended with errors; such an assembly cannot be deployed."""
    report = Path(folder) / "validation-report.json"
    if not report.exists():
        return False
    plugins = _read(report).get("pluginReports", [])
    return any(plugin.get("conclusion") == "failure" for plugin in plugins)


def _read(path: Path) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise OrgError(
            "ORG016",
            f"'{path}' cannot be read ({error.strerror}); give the folder that `cdk synth` wrote",
        ) from error
    except ValueError as error:
        raise OrgError("ORG016", f"'{path}' is not JSON ({error}); synthesize again") from error


def _environment(text: str) -> tuple[str | None, str | None]:
    account, _, region = text.removeprefix("aws://").partition("/")
    return (
        None if account in ("", *_UNKNOWN) else account,
        None if region in ("", *_UNKNOWN) else region,
    )


def _metadata(base: Path, artifact: Mapping[str, Any]) -> dict[str, Any]:
    """Return what CDK wrote down of a stack's constructs, those of nested stacks included."""
    metadata: dict[str, Any] = dict(artifact.get("metadata", {}))
    extra = artifact.get("additionalMetadataFile")
    if extra and (base / extra).exists():
        metadata |= _read(base / extra)
    return metadata


def _paths_of_templates(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the construct path of each template's stack, by the template's file."""
    return {
        entry["data"]: path.lstrip("/")
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == "aws:cdk:templateFile" and isinstance(entry.get("data"), str)
    }


def _logical_ids(
    metadata: Mapping[str, Any], file: str, homes: Mapping[str, str]
) -> dict[str, str]:
    """Return construct paths by logical id of one template, which others may share."""
    own = homes.get(file)
    inside = "" if own is None else f"{own}/"
    others = tuple(f"{path}/" for path in homes.values() if path != own)
    others = tuple(path for path in others if path.startswith(inside))
    found = {}
    for raw, entries in metadata.items():
        path = raw.lstrip("/")
        if not path.startswith(inside) or path.startswith(others):
            continue
        for entry in entries:
            if entry.get("type") == "aws:cdk:logicalId" and isinstance(entry.get("data"), str):
                found[entry["data"]] = path
    return found


def _needed(resource: Mapping[str, Any], known: Mapping[str, Any]) -> set[str]:
    """Return the logical ids among `known` that a resource waits for."""
    depends = resource.get("DependsOn") or []
    named = depends if isinstance(depends, list) else [depends]
    found = {name for name in named if isinstance(name, str)}
    found |= referred_names(resource.get("Properties", {}))
    return {logical_id for logical_id in found if logical_id in known}


def referred_names(value: Any) -> set[str]:
    """Return the names that Ref, GetAtt and Sub mention: logical ids, parameters, pseudo ones."""
    found: set[str] = set()
    for function, argument in _intrinsics(value):
        if function == "Ref" and isinstance(argument, str):
            found.add(argument)
            continue
        text = argument[0] if isinstance(argument, list) and argument else argument
        if not isinstance(text, str):
            continue
        if function == "Fn::GetAtt":
            found.add(text.split(".", 1)[0])
        elif function == "Fn::Sub":
            found.update(match[1] for match in _SUB_ANY.finditer(text))
    return found


def _intrinsics(value: Any) -> Iterator[tuple[str, Any]]:
    # Most of what is in a template is text: policies name hundreds of actions.
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref" or key.startswith("Fn::"):
                yield key, item
            if type(item) is not str:
                yield from _intrinsics(item)
    elif isinstance(value, list):
        for item in value:
            if type(item) is not str:
                yield from _intrinsics(item)


def _in_order(stacks: Mapping[str, StackTemplate]) -> tuple[StackTemplate, ...]:
    """Return stacks after what they need, otherwise by id."""
    done: dict[str, StackTemplate] = {}

    def visit(stack_id: str, trail: tuple[str, ...]) -> None:
        if stack_id in done or stack_id in trail or stack_id not in stacks:
            return
        for need in sorted(stacks[stack_id].needs):
            visit(need, (*trail, stack_id))
        done[stack_id] = stacks[stack_id]

    for stack_id in sorted(stacks):
        visit(stack_id, ())
    return tuple(done.values())
