"""What depending on one of this library's constructs means to CDK."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from constructs import Construct, Dependable, IConstruct


def depend_on_resource_only(construct: Construct, resource: cdk.CfnResource) -> None:
    """Let a dependency on `construct` wait for its own L1, not for all that is below it.

    By default CDK waits for the whole subtree: depending on an OU, or on the organization, would
    mean depending on every account, and close a cycle with the one chain of writes.
    """
    Dependable.implement(construct, _OnlyResource(resource))


class _OnlyResource(Dependable):
    def __init__(self, resource: cdk.CfnResource) -> None:
        super().__init__()
        self._resource = resource

    @property
    def dependency_roots(self) -> list[IConstruct]:
        """The L1 alone."""
        return [cast("IConstruct", self._resource)]
