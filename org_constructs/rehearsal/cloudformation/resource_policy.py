"""AWS::Organizations::ResourcePolicy."""

from __future__ import annotations

import json
from typing import Any

from org_constructs.rehearsal.backend import ApiError

from .handler import (
    Api,
    Created,
    HandlerError,
    Properties,
    ResourceType,
    current_tags,
    handler_error,
    require,
    tag_list,
    update_tags,
)
from .policy import content_text


class ResourcePolicyType(ResourceType):
    """The resource-based delegation policy: one per organization."""

    name = "AWS::Organizations::ResourcePolicy"
    readable = frozenset({"Content", "Tags"})

    def create(self, api: Api, properties: Properties) -> Created:
        """Put the policy unless there is one (handler)."""
        require(properties, ("Content",), "ResourcePolicy")
        try:
            api.try_call("DescribeResourcePolicy")
        except ApiError as error:
            if error.code != "ResourcePolicyNotFoundException":
                raise handler_error(error) from error
        else:
            raise HandlerError("AlreadyExists", "Resource policy already exists.")
        content, tags = content_text(properties), tag_list(properties)
        try:
            answer = api.create("PutResourcePolicy", Content=content, Tags=tags)
        except ApiError as error:
            raise handler_error(error) from error
        physical_id = answer["ResourcePolicy"]["ResourcePolicySummary"]["Id"]
        return Created(physical_id, self.attributes(api, physical_id))

    def update(
        self, api: Api, physical_id: str, old: Properties, new: Properties
    ) -> dict[str, Any]:
        """Put the new content and retag, in place (handler)."""
        self._describe(api, physical_id)
        try:
            api.write("PutResourcePolicy", Content=content_text(new))
        except ApiError as error:
            raise handler_error(error) from error
        update_tags(api, physical_id, old, new)
        return self.attributes(api, physical_id)

    def delete(self, api: Api, physical_id: str, properties: Properties) -> None:
        """Delete the policy (handler)."""
        del properties
        self._describe(api, physical_id)
        try:
            api.write("DeleteResourcePolicy")
        except ApiError as error:
            raise handler_error(error) from error

    def attributes(self, api: Api, physical_id: str) -> dict[str, Any]:
        """Return what Fn::GetAtt answers (schema)."""
        summary = self._describe(api, physical_id)["ResourcePolicySummary"]
        return {key: summary[key] for key in ("Id", "Arn")}

    def read(self, api: Api, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return content and tags; text is not compared (inference: as for policies)."""
        current: dict[str, Any] = {"Tags": current_tags(api, physical_id)}
        if not isinstance(properties.get("Content"), str):
            current["Content"] = json.loads(self._describe(api, physical_id)["Content"])
        return current

    def _describe(self, api: Api, physical_id: str) -> dict[str, Any]:
        policy: dict[str, Any] = api.call("DescribeResourcePolicy")["ResourcePolicy"]
        if policy["ResourcePolicySummary"]["Id"] != physical_id:
            raise HandlerError("NotFound", f"Resource policy {physical_id} was not found")
        return policy
