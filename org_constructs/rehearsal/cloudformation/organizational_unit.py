"""AWS::Organizations::OrganizationalUnit."""

from __future__ import annotations

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


class OrganizationalUnitType(ResourceType):
    """An OU. AWS cannot move one: another parent is another OU (schema: ParentId createOnly)."""

    name = "AWS::Organizations::OrganizationalUnit"
    create_only = ("ParentId",)
    readable = frozenset({"Name", "ParentId", "Tags"})

    def create(self, api: Api, properties: Properties) -> Created:
        """Create the OU unless its parent has one of this name (handler)."""
        require(properties, ("Name", "ParentId"), "OrganizationalUnit")
        name, parent_id = properties["Name"], properties["ParentId"]
        siblings = api.existing(
            "ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent_id
        )
        if any(unit["Name"] == name for unit in siblings):
            raise HandlerError(
                "AlreadyExists",
                f"Failing PreExistenceCheck: OrganizationalUnit with name [{name}] already exists "
                f"in parent [{parent_id}].",
            )
        tags = tag_list(properties)
        try:
            answer = api.create(
                "CreateOrganizationalUnit", Name=name, ParentId=parent_id, Tags=tags
            )
        except ApiError as error:
            raise handler_error(error) from error
        physical_id = answer["OrganizationalUnit"]["Id"]
        return Created(physical_id, self.attributes(api, physical_id))

    def update(
        self, api: Api, physical_id: str, old: Properties, new: Properties
    ) -> dict[str, Any]:
        """Rename and retag in place (handler: the name is sent whether or not it changed)."""
        try:
            api.write(
                "UpdateOrganizationalUnit", OrganizationalUnitId=physical_id, Name=new["Name"]
            )
        except ApiError as error:
            raise handler_error(error) from error
        update_tags(api, physical_id, old, new)
        return self.attributes(api, physical_id)

    def delete(self, api: Api, physical_id: str, properties: Properties) -> None:
        """Delete the OU, which must be empty (handler)."""
        del properties
        try:
            api.write("DeleteOrganizationalUnit", OrganizationalUnitId=physical_id)
        except ApiError as error:
            raise handler_error(error) from error

    def attributes(self, api: Api, physical_id: str) -> dict[str, Any]:
        """Return what Fn::GetAtt answers (schema)."""
        unit = self._describe(api, physical_id)
        return {key: unit[key] for key in ("Id", "Arn", "Path")}

    def read(self, api: Api, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return name, parent and tags."""
        del properties
        unit = self._describe(api, physical_id)
        parents = api.all("ListParents", "Parents", ChildId=physical_id)
        return {
            "Name": unit["Name"],
            "ParentId": parents[0]["Id"],
            "Tags": current_tags(api, physical_id),
        }

    def _describe(self, api: Api, physical_id: str) -> dict[str, Any]:
        answer = api.call("DescribeOrganizationalUnit", OrganizationalUnitId=physical_id)
        unit: dict[str, Any] = answer["OrganizationalUnit"]
        return unit
