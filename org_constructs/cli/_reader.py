"""What a rehearsal reads of the embedded AWS, by the readers of a live organization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from org_constructs.rehearsal import EmbeddedAws
    from org_constructs.rehearsal.verdict import Stack


class EmbeddedReader:
    """Reads the embedded AWS as the account that deploys.

    Its calls stand in the call log like those of anybody else.
    """

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws

    def snapshot(self) -> Mapping[str, Any] | None:
        """Return the organization with its tags, None when there is none."""
        from botocore.exceptions import ClientError

        from org_constructs.operations.snapshot import take_snapshot

        try:
            return take_snapshot(self._aws.client("organizations"), tags=True)
        except ClientError as error:
            if error.response["Error"]["Code"] == "AWSOrganizationsNotInUseException":
                return None
            raise

    def stacks(self, names: Iterable[str]) -> Mapping[str, Stack | None]:
        """Return the stacks of these names, None for one that does not exist."""
        from org_constructs.operations.stacks import read_stack
        from org_constructs.rehearsal.verdict import Stack

        client = self._aws.client("cloudformation")
        found: dict[str, Stack | None] = {}
        for name in names:
            state = read_stack(client, name)
            found[name] = (
                None
                if state is None
                else Stack(
                    status=state.status,
                    held=state.held(),
                    failed={
                        resource.logical_id: f"{resource.status}: {resource.reason}"
                        for resource in state.resources.values()
                        if resource.status.endswith("_FAILED")
                    },
                )
            )
        return found
