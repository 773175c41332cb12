"""What the properties of a resource refer to: CloudFormation waits for it as for a DependsOn."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from constructs import IConstruct

from .model.assembly import referred_names


def referred_by(resource: cdk.CfnResource) -> list[IConstruct]:
    """Return the constructs that a resource's properties refer to, by Ref, GetAtt or Sub.

    It costs some calls to Node per resource; property overrides are not read.
    """
    collector = _Collector()
    rest = cdk.Tokenization.resolve(
        resource._cfn_properties,  # noqa: SLF001 - the one way that generic resources have too
        scope=resource,
        resolver=collector,
        preparing=False,
    )
    # What is left was written by hand, and names logical ids of this stack.
    names = {name for name in referred_names(rest) if "::" not in name}
    return collector.targets + (_named(cdk.Stack.of(resource), names) if names else [])


def _named(stack: cdk.Stack, names: set[str]) -> list[IConstruct]:
    """Return the resources of a stack that have some logical ids."""
    resources = [
        cast("cdk.CfnResource", construct)
        for construct in stack.node.find_all()
        if cdk.CfnResource.is_cfn_resource(construct)
    ]
    ids = stack.resolve([resource.logical_id for resource in resources])
    return [found for found, name in zip(resources, ids, strict=True) if name in names]


class _Collector(cdk.DefaultTokenResolver):
    """Takes the references out of what it resolves, wherever CDK has put them."""

    def __init__(self) -> None:
        super().__init__(cdk.StringConcat())
        self.targets: list[IConstruct] = []

    def resolve_token(
        self,
        t: cdk.IResolvable,
        context: cdk.IResolveContext,
        post_processor: cdk.IPostProcessor,
    ) -> Any:
        """Note what a reference means; everything else is resolved as usual."""
        if cdk.Reference.is_reference(t):
            self.targets.append(cast("cdk.Reference", t).target)
            return ""
        return super().resolve_token(t, context, post_processor)
