"""A cloud assembly (`cdk.out`) as data: its stacks, templates, environments and dependencies."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from .errors import OrgError

_STACK = "aws:cloudformation:stack"
_NESTED = "cdk:cloud-assembly"
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
        return cast("Mapping[str, Mapping[str, Any]]", self.template.get("Resources", {}))

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
    """The stacks of one cloud assembly, in the order of deployment."""

    stacks: tuple[StackTemplate, ...]

    @cached_property
    def by_id(self) -> Mapping[str, StackTemplate]:
        """The stacks by artifact id."""
        return {stack.id: stack for stack in self.stacks}

    @cached_property
    def named(self) -> Mapping[str, Sequence[StackTemplate]]:
        """The stacks by CloudFormation's name: several, when they go to several accounts."""
        found: dict[str, list[StackTemplate]] = {}
        for stack in self.stacks:
            found.setdefault(stack.name, []).append(stack)
        return found

    def locate(self, key: str) -> tuple[StackTemplate, str] | None:
        """Return the stack and the logical id behind a key, None when it is no key of a resource."""
        stack_id, _, logical_id = key.partition("/")
        stack = self.by_id.get(stack_id)
        return (stack, logical_id) if stack is not None and logical_id else None

    def within(self, folder: Path) -> Assembly:
        """Return the stacks of the app or Stage whose assembly is in a folder, without links."""
        return Assembly(stacks=tuple(stack for stack in self.stacks if stack.folder == folder))

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
    stacks = {}
    inner: list[StackTemplate] = []
    for artifact_id, artifact in manifest.get("artifacts", {}).items():
        if nested and artifact.get("type") == _NESTED:
            directory = base / artifact["properties"]["directoryName"]
            inner += read_assembly(directory, nested=True).stacks
        if artifact.get("type") != _STACK:
            continue
        properties = artifact["properties"]
        account, region = _environment(artifact.get("environment", ""))
        template_path = base / properties["templateFile"]
        stacks[artifact_id] = StackTemplate(
            id=artifact_id,
            name=properties.get("stackName", artifact_id),
            path=artifact.get("displayName", artifact_id).split(" (")[0],
            account=account,
            region=region,
            template=_read(template_path),
            template_path=str(template_path),
            needs=tuple(artifact.get("dependencies", ())),
            paths=_logical_ids(base, artifact),
        )
    return Assembly(stacks=(*_in_order(stacks), *inner))


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


def _logical_ids(base: Path, artifact: Mapping[str, Any]) -> dict[str, str]:
    """Return construct paths by logical id from the assembly's metadata."""
    metadata: dict[str, Any] = dict(artifact.get("metadata", {}))
    extra = artifact.get("additionalMetadataFile")
    if extra and (base / extra).exists():
        metadata |= _read(base / extra)
    return {
        entry["data"]: path.lstrip("/")
        for path, entries in metadata.items()
        for entry in entries
        if entry.get("type") == "aws:cdk:logicalId" and isinstance(entry.get("data"), str)
    }


def _needed(resource: Mapping[str, Any], known: Mapping[str, Any]) -> set[str]:
    """Return the logical ids among `known` that a resource waits for."""
    depends = resource.get("DependsOn", [])
    found = {depends} if isinstance(depends, str) else set(depends)
    found |= referred_names(resource.get("Properties", {}))
    return {logical_id for logical_id in found if logical_id in known}


def referred_names(value: Any) -> set[str]:
    """Return the names that Ref, GetAtt and Sub mention: logical ids, parameters, pseudo ones."""
    found: set[str] = set()
    for function, argument in _intrinsics(value):
        if function == "Ref" and isinstance(argument, str):
            found.add(argument)
        elif function == "Fn::GetAtt":
            found.add(argument.split(".", 1)[0] if isinstance(argument, str) else argument[0])
        elif function == "Fn::Sub":
            text = argument if isinstance(argument, str) else argument[0]
            found.update(match[1] for match in _SUB_ANY.finditer(text))
    return found


def _intrinsics(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref" or key.startswith("Fn::"):
                yield key, item
            yield from _intrinsics(item)
    elif isinstance(value, list):
        for item in value:
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
