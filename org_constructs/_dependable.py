"""What depending on one of this library's constructs means to CDK."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct, Dependable


def depend_on_resource_only(construct: Construct, resource: cdk.CfnResource) -> None:
    """Let a dependency on `construct` wait for its own L1, not for all that is below it.

    By default CDK waits for the whole subtree: depending on an OU, or on the organization, would
    mean depending on every account, and close a cycle with the one chain of writes.
    """
    Dependable.implement(construct, Dependable.of(resource))
