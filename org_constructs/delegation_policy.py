"""The organization's resource-based delegation policy: which members may do what in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from constructs import Construct

from ._order import OrderStage, Position
from ._registry import Item, Tracked, place_of, remember
from ._render import plain, tag_list
from ._target import kind_of
from .model.errors import OrgError
from .model.identifiers import check_construct_id
from .model.quotas import quota


class _CfnResourcePolicy(Tracked, organizations.CfnResourcePolicy):
    """The L1, watched for dependencies that user code adds."""


class DelegationPolicy(Tracked, cdk.Resource):
    """Define the organization's resource-based delegation policy, of which it has one.

    It lets member accounts manage policies of the organization, by statements with a `Principal`.
    Removing the code keeps it, unless `removal_policy` says otherwise: delegated administrators
    work by it. One that exists already is imported first (`cdk import`).

    Args:
        scope: where the policy belongs.
        id: stable id.
        content: the document as a JSON object, at most 40,000 characters without white space.
        tags: tags of the policy.
        removal_policy: what happens when the code goes; kept by default.

    Raises:
        OrgError: `ORG005` id, `ORG009` content, `ORG012` tags, `ORG154` a document without
            statements, or one that is too long.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-resourcepolicy.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        content: Mapping[str, Any],
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        if not isinstance(content, Mapping):
            raise OrgError(
                "ORG009",
                f"'{place.path}': content is {kind_of(content)}, not a JSON object; give a mapping, "
                "such as json.loads(text)",
            )
        rendered = plain(content, where=f"'{place.path}': content")
        if not rendered.get("Statement"):
            raise OrgError(
                "ORG154",
                f"'{place.path}': the delegation policy has no Statement; give one with Effect, "
                "Principal, Action and Resource",
            )
        length = len(json.dumps(rendered, separators=(",", ":"), ensure_ascii=False))
        longest = quota("resource_policy_characters", place.registry.quotas)
        if length > longest:
            raise OrgError(
                "ORG154",
                f"'{place.path}': the delegation policy has {length} characters, at most {longest} "
                "are allowed; shorten it",
            )
        tag_values = tag_list(tags, where=f"'{place.path}'")
        super().__init__(scope, id)
        remember(self, place)
        self._resource = _CfnResourcePolicy(self, "Resource", content=rendered, tags=tag_values)
        self._resource.apply_removal_policy(removal_policy or cdk.RemovalPolicy.RETAIN)
        place.registry.add(
            Item(
                l1=self._resource,
                owner=self,
                place=place,
                position=Position(OrderStage.ORGANIZATION_SETTING, place.ids, place.path),
            )
        )
        place.registry.note_source(place.path)

    @property
    def resource_policy_id(self) -> str:
        """Id of the policy."""
        return self._resource.attr_id

    @property
    def resource_policy_arn(self) -> str:
        """ARN of the policy."""
        return self._resource.attr_arn
