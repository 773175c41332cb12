"""An assembly deployed by CloudFormation's API alone: many deployments in little time.

It does what the CDK CLI does of it: assets first, then each stack in order by a change set. There
is no role between: the caller's own permissions hold.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from org_constructs.model.assembly import StackTemplate, read_assembly

from .embedded import EmbeddedAws

__all__ = ["StackFailure", "deploy", "import_resources", "publish_assets", "status_of"]

_POLL: Final = 0.02
_PATIENCE: Final = 120.0
# Newer than any template asks for.
_VERSION: Final = "99"
_GONE: Final = (None, "DELETE_COMPLETE", "REVIEW_IN_PROGRESS")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFailure:
    """A stack that was not completed: its name and status."""

    name: str
    status: str


def publish_assets(aws: EmbeddedAws, assembly: Path) -> None:
    """Put the assets of an assembly where its templates look for them, and bootstrap that far."""
    client = aws.client("s3")
    parameters = {
        parameter["Default"]
        for stack in read_assembly(assembly, nested=True).stacks
        for parameter in stack.template.get("Parameters", {}).values()
        if parameter["Type"].startswith("AWS::SSM::Parameter") and "Default" in parameter
    }
    for name in parameters:
        aws.client("ssm").put_parameter(Name=name, Value=_VERSION, Type="String", Overwrite=True)
    place = {"AWS::AccountId": aws.account_id, "AWS::Region": aws.region, "AWS::Partition": "aws"}
    made: set[str] = set()
    for description in sorted(assembly.rglob("*.assets.json")):
        files = json.loads(description.read_text("utf-8")).get("files", {})
        for asset in files.values():
            source = description.parent / asset["source"]["path"]
            content = _packed(source) if source.is_dir() else source.read_bytes()
            for destination in asset["destinations"].values():
                bucket = _filled(destination["bucketName"], place)
                if bucket not in made:
                    client.create_bucket(Bucket=bucket)
                    made.add(bucket)
                key = _filled(destination["objectKey"], place)
                client.put_object(Bucket=bucket, Key=key, Body=content)


def deploy(aws: EmbeddedAws, assembly: Path, *, rollback: bool = False) -> StackFailure | None:
    """Deploy all stacks of an assembly in order; stop at the first that fails and return it.

    Args:
        aws: the embedded AWS.
        assembly: the folder of the assembly, whose assets are published.
        rollback: whether a failure is undone, as CloudFormation does unless told otherwise.
    """
    client = aws.client("cloudformation")
    for stack in read_assembly(assembly, nested=True).stacks:
        status = _deploy(client, stack, rollback=rollback)
        if not status.endswith("_COMPLETE") or "ROLLBACK" in status:
            return StackFailure(name=stack.name, status=status)
    return None


def import_resources(
    aws: EmbeddedAws, assembly: Path, stack_name: str, identifiers: Mapping[str, Mapping[str, str]]
) -> StackFailure | None:
    """Import resources into a stack, which otherwise stays as it is; return a failure.

    Args:
        aws: the embedded AWS.
        assembly: the folder of an assembly that differs from what is deployed by these alone.
        stack_name: the stack.
        identifiers: by logical id what identifies each resource in AWS.
    """
    client = aws.client("cloudformation")
    stacks = {stack.name: stack for stack in read_assembly(assembly, nested=True).stacks}
    template = stacks[stack_name].template
    changes = client.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"rehearsal-{time.monotonic_ns()}",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        ResourcesToImport=[
            {
                "ResourceType": template["Resources"][logical_id]["Type"],
                "LogicalResourceId": logical_id,
                "ResourceIdentifier": dict(identifier),
            }
            for logical_id, identifier in identifiers.items()
        ],
    )["Id"]
    _wait(lambda: not _described(client, changes)["Status"].endswith("_PROGRESS"))
    described = _described(client, changes)
    if described["Status"] == "FAILED":
        return StackFailure(name=stack_name, status=str(described.get("StatusReason")))
    client.execute_change_set(ChangeSetName=changes)
    _wait(lambda: not str(status_of(client, stack_name)).endswith("_IN_PROGRESS"))
    status = str(status_of(client, stack_name))
    return None if status == "IMPORT_COMPLETE" else StackFailure(name=stack_name, status=status)


def status_of(client: Any, name: str) -> str | None:
    """Return the status of a stack, None when it does not exist."""
    from botocore.exceptions import ClientError

    try:
        return str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError:
        return None


def _deploy(client: Any, stack: StackTemplate, *, rollback: bool) -> str:
    before = status_of(client, stack.name)
    if before == "ROLLBACK_COMPLETE":
        # The CDK CLI removes what is left of a creation that was rolled back.
        client.delete_stack(StackName=stack.name)
        _wait(lambda: status_of(client, stack.name) in _GONE)
        before = None
    changes = client.create_change_set(
        StackName=stack.name,
        ChangeSetName=f"rehearsal-{time.monotonic_ns()}",
        ChangeSetType="CREATE" if before in _GONE else "UPDATE",
        TemplateBody=json.dumps(stack.template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )["Id"]
    _wait(lambda: not _described(client, changes)["Status"].endswith("_PROGRESS"))
    described = _described(client, changes)
    if described["Status"] == "FAILED":
        # Nothing to change, so the stack stays as it is.
        client.delete_change_set(ChangeSetName=changes)
        return before or str(described["Status"])
    client.execute_change_set(ChangeSetName=changes, DisableRollback=not rollback)
    _wait(lambda: not str(status_of(client, stack.name)).endswith("_IN_PROGRESS"))
    return str(status_of(client, stack.name))


def _described(client: Any, change_set: str) -> dict[str, Any]:
    described: dict[str, Any] = client.describe_change_set(ChangeSetName=change_set)
    return described


def _wait(is_over: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_over():
        if time.monotonic() > deadline:
            raise TimeoutError(f"CloudFormation is still busy after {_PATIENCE:.0f} seconds")
        time.sleep(_POLL)


def _packed(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return packed.getvalue()


def _filled(text: str, place: Mapping[str, str]) -> str:
    for name, value in place.items():
        text = text.replace(f"${{{name}}}", value)
    return text
