"""AWS::Organizations::Policy."""

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


def content_text(properties: Properties) -> str:
    """Return the document as it is sent: objects without white space, text as it is (handler)."""
    content = properties["Content"]
    if isinstance(content, str):
        return content
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


class PolicyType(ResourceType):
    """A policy with its attachments: CloudFormation has no resource for an attachment."""

    name = "AWS::Organizations::Policy"
    create_only = ("Type",)
    readable = frozenset({"Name", "Type", "Description", "Content", "TargetIds", "Tags"})

    def create(self, api: Api, properties: Properties) -> Created:
        """Create the policy, then attach it to one target after the other (handler)."""
        require(properties, ("Name", "Type", "Content"), "Policy")
        existing = api.existing("ListPolicies", "Policies", Filter=properties["Type"])
        if any(policy["Name"] == properties["Name"] for policy in existing):
            raise HandlerError(
                "AlreadyExists", f"Policy already exists for policy name [{properties['Name']}]."
            )
        policy_id = _create(api, properties)
        try:
            for target in _targets(properties):
                _attach(api, policy_id, target)
        except ApiError as error:
            # Handler: the policy stays, attached as far as it came; its id is in the failed event.
            raise handler_error(error, left_behind=policy_id) from error
        return Created(str(policy_id), self.attributes(api, policy_id))

    def update(
        self, api: Api, physical_id: str, old: Properties, new: Properties
    ) -> dict[str, Any]:
        """Change the content, attach new targets, then detach old ones (handler: in this order).

        The old targets are those of the previous template: attachments that others made stay.
        """
        before, after = _targets(old), _targets(new)
        try:
            api.write(
                "UpdatePolicy",
                PolicyId=physical_id,
                Name=new["Name"],
                Description=new.get("Description", ""),
                Content=content_text(new),
            )
            for target in after:
                if target not in before:
                    _attach(api, physical_id, target)
            for target in before:
                if target not in after:
                    _detach(api, physical_id, target, ignored=("PolicyNotAttachedException",))
        except ApiError as error:
            raise handler_error(error) from error
        update_tags(api, physical_id, old, new)
        return self.attributes(api, physical_id)

    def delete(self, api: Api, physical_id: str, properties: Properties) -> None:
        """Detach from the template's targets, then delete (handler); others' attachments block."""
        gone = ("PolicyNotAttachedException", "TargetNotFoundException")
        try:
            for target in _targets(properties):
                _detach(api, physical_id, target, ignored=gone)
            api.write("DeletePolicy", PolicyId=physical_id)
        except ApiError as error:
            raise handler_error(error) from error

    def attributes(self, api: Api, physical_id: str | None) -> dict[str, Any]:
        """Return what Fn::GetAtt answers (schema)."""
        summary = self._describe(api, physical_id)["PolicySummary"]
        # An output takes strings: CloudFormation shows a boolean attribute as one (inference).
        managed = "true" if summary["AwsManaged"] else "false"
        return {"Id": summary["Id"], "Arn": summary["Arn"], "AwsManaged": managed}

    def read(self, api: Api, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return everything; content that the template gives as text is not compared (documentation)."""
        policy = self._describe(api, physical_id)
        summary = policy["PolicySummary"]
        targets = api.all("ListTargetsForPolicy", "Targets", PolicyId=physical_id)
        current = {
            "Name": summary["Name"],
            "Type": summary["Type"],
            "Description": summary["Description"],
            "TargetIds": [target["TargetId"] for target in targets],
            "Tags": current_tags(api, physical_id),
        }
        if not isinstance(properties.get("Content"), str):
            current["Content"] = json.loads(policy["Content"])
        return current

    def _describe(self, api: Api, physical_id: str | None) -> dict[str, Any]:
        policy: dict[str, Any] = api.call("DescribePolicy", PolicyId=physical_id)["Policy"]
        return policy


def _create(api: Api, properties: Properties) -> str | None:
    """Create the policy and return its id, or None when AWS says that there is one.

    Handler: a duplicate that the pre-existence check did not see is swallowed, and the handler
    goes on without an id, which the next call refuses.
    """
    try:
        answer = api.create(
            "CreatePolicy",
            Name=properties["Name"],
            Type=properties["Type"],
            Content=content_text(properties),
            Description=properties.get("Description", ""),
            Tags=tag_list(properties),
        )
    except ApiError as error:
        if error.code == "DuplicatePolicyException":
            return None
        raise handler_error(error) from error
    policy_id: str = answer["Policy"]["PolicySummary"]["Id"]
    return policy_id


def _targets(properties: Properties) -> list[str]:
    # Schema: a set. The handler goes through it in no order that can be told from outside; the
    # template's keeps runs alike.
    return list(dict.fromkeys(properties.get("TargetIds") or []))


def _attach(api: Api, policy_id: str | None, target: str) -> None:
    try:
        api.write("AttachPolicy", PolicyId=policy_id, TargetId=target)
    except ApiError as error:
        if error.code != "DuplicatePolicyAttachmentException":
            raise


def _detach(api: Api, policy_id: str, target: str, *, ignored: tuple[str, ...]) -> None:
    try:
        api.write("DetachPolicy", PolicyId=policy_id, TargetId=target)
    except ApiError as error:
        if error.code not in ignored:
            raise
