"""AWS::Organizations::Organization."""

from __future__ import annotations

from typing import Any

from org_constructs.rehearsal.backend import ApiError

from .handler import Api, Created, HandlerError, Properties, ResourceType, handler_error


class OrganizationType(ResourceType):
    """The organization: one per account, with all features unless said otherwise."""

    name = "AWS::Organizations::Organization"
    readable = frozenset({"FeatureSet"})
    taggable = False

    def create(self, api: Api, properties: Properties) -> Created:
        """Create the organization; one that exists fails the resource (handler: never adopted)."""
        try:
            answer = api.create(
                "CreateOrganization", FeatureSet=properties.get("FeatureSet", "ALL")
            )
        except ApiError as error:
            raise handler_error(error) from error
        # Handler: one second before it reads.
        api.sleep(1)
        physical_id = answer["Organization"]["Id"]
        return Created(physical_id, self.attributes(api, physical_id))

    def update(
        self, api: Api, physical_id: str, old: Properties, new: Properties
    ) -> dict[str, Any]:
        """Refuse a change of the feature set (handler)."""
        if old.get("FeatureSet", "ALL") != new.get("FeatureSet", "ALL"):
            raise HandlerError(
                "InvalidRequest",
                "Update between ALL and CONSOLIDATED_BILLING feature set is not supported",
            )
        return self.attributes(api, physical_id)

    def delete(self, api: Api, physical_id: str, properties: Properties) -> None:
        """Delete the organization, which must be empty (handler)."""
        del properties
        self.attributes(api, physical_id)
        try:
            api.write("DeleteOrganization")
        except ApiError as error:
            raise handler_error(error) from error

    def attributes(self, api: Api, physical_id: str) -> dict[str, Any]:
        """Return what Fn::GetAtt answers (schema)."""
        organization = self._describe(api, physical_id)
        roots = api.all("ListRoots", "Roots")
        return {
            "Id": organization["Id"],
            "Arn": organization["Arn"],
            "ManagementAccountArn": organization["MasterAccountArn"],
            "ManagementAccountId": organization["MasterAccountId"],
            "ManagementAccountEmail": organization["MasterAccountEmail"],
            "RootId": roots[0]["Id"],
        }

    def read(self, api: Api, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return the feature set."""
        del properties
        return {"FeatureSet": self._describe(api, physical_id)["FeatureSet"]}

    def _describe(self, api: Api, physical_id: str) -> dict[str, Any]:
        organization: dict[str, Any] = api.call("DescribeOrganization")["Organization"]
        if organization["Id"] != physical_id:
            raise HandlerError("NotFound", f"Organization {physical_id} was not found")
        return organization
