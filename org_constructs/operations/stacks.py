"""What CloudFormation holds: the stacks of an assembly as they are, resource by resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["StackResource", "StackState", "read_stack"]

_GONE = "DELETE_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    """A resource of a stack.

    Attributes:
        logical_id: its logical id.
        type: its type.
        physical_id: its id in AWS, or None when it was never created.
        status: CloudFormation's status of it.
        reason: why it has that status, where CloudFormation says so.
    """

    logical_id: str
    type: str
    physical_id: str | None
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """A stack that exists.

    Attributes:
        name: its name.
        status: its status.
        reason: why, where CloudFormation says so.
        resources: its resources by logical id, the deleted ones left out.
    """

    name: str
    status: str
    reason: str = ""
    resources: Mapping[str, StackResource] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether its last operation succeeded."""
        return self.status.endswith("_COMPLETE") and "ROLLBACK" not in self.status

    def held(self) -> dict[str, str]:
        """Return the ids in AWS of the resources that it holds, by logical id."""
        return {
            resource.logical_id: resource.physical_id
            for resource in self.resources.values()
            # One whose creation failed is not managed, even where its id is known.
            if resource.physical_id and resource.status != "CREATE_FAILED"
        }


def read_stack(client: Any, name: str) -> StackState | None:
    """Return a stack as it is, or None when there is none of this name.

    Args:
        client: boto3 client of CloudFormation.
        name: the stack's name.

    Raises:
        botocore.exceptions.ClientError: as AWS answers.
    """
    from botocore.exceptions import ClientError

    try:
        found = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if found["StackStatus"] == _GONE:
        return None
    return StackState(
        name=name,
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        resources=_resources(client, name),
    )


def _resources(client: Any, name: str) -> dict[str, StackResource]:
    pages: Iterable[dict[str, Any]] = client.get_paginator("list_stack_resources").paginate(
        StackName=name
    )
    return {
        entry["LogicalResourceId"]: StackResource(
            logical_id=entry["LogicalResourceId"],
            type=entry["ResourceType"],
            physical_id=entry.get("PhysicalResourceId") or None,
            status=entry["ResourceStatus"],
            reason=entry.get("ResourceStatusReason", ""),
        )
        for page in pages
        for entry in page["StackResourceSummaries"]
        if entry["ResourceStatus"] != _GONE
    }
