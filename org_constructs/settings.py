"""What an organization needs and CloudFormation has no resource type for."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from constructs import Construct

from ._order import OrderStage, Position
from ._registry import Item, Tracked, place_of, remember, stacks_behind
from ._settings_handler import declare_setting
from .model.identifiers import ACCOUNT_NAME, check_construct_id
from .policies import PolicyType, check_policy_type


class OrganizationPolicyType(Tracked, cdk.Resource):
    """Turn a type of policy on for the organization.

    CloudFormation has no resource for it: the settings handler enables the type and waits until
    AWS has done so. Already enabled is success. Removing the code never disables the type, since
    AWS would detach all its policies from every root, OU and account.

    Args:
        scope: where the setting belongs.
        id: stable id.
        root_id: id of the organization's root, or a token.
        policy_type: what to turn on.

    Raises:
        OrgError: `ORG005` id; `ORG015` a policy type that AWS does not have.

    Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnablePolicyType.html
    """

    RESOURCE_TYPE = "Custom::OrganizationPolicyType"

    def __init__(
        self, scope: Construct, id: str, *, root_id: str, policy_type: PolicyType | str
    ) -> None:
        check_policy_type(policy_type)
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._resource = declare_setting(
            self, place, self.RESOURCE_TYPE, {"RootId": root_id, "PolicyType": str(policy_type)}
        )
        place.registry.add(
            Item(
                l1=self._resource,
                owner=cast("Construct", self),
                place=place,
                position=Position(OrderStage.SETTING, place.ids, place.path),
                stacks_needed=stacks_behind(root_id),
            )
        )
        place.registry.note_source(place.path)


class AccountName(Tracked, Construct):
    """Give a deployed account of this app another name than that of its creation.

    CloudFormation refuses a changed name, so the template keeps the first one: the settings
    handler compares and renames. Removing the code leaves the account with its last name.

    Args:
        account: the account, as it stands in the chain.
        id: stable id, below the account.
        account_id: the account's id, a token.
        name: the name.

    Source: https://docs.aws.amazon.com/accounts/latest/reference/API_PutAccountName.html
    """

    RESOURCE_TYPE = ACCOUNT_NAME

    def __init__(self, account: Item, id: str, *, account_id: str, name: str) -> None:
        place = account.place.child(id)
        super().__init__(account.owner, id)
        remember(self, place)
        self._resource = declare_setting(
            self, place, self.RESOURCE_TYPE, {"AccountId": account_id, "Name": name}
        )
        place.registry.add(
            Item(
                l1=self._resource,
                owner=self,
                place=place,
                position=Position(OrderStage.ACCOUNT_NAME, account.place.ids, place.path),
                needs=[account],
            )
        )
