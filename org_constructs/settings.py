"""What an organization needs and CloudFormation has no resource type for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from constructs import Construct

from ._order import OrderStage, Position
from ._registry import Item, Place, Tracked, place_of, remember, stacks_behind
from ._render import is_token, tag_list
from ._settings_handler import declare_setting
from .model.errors import OrgError
from .model.identifiers import ACCOUNT_NAME, ALLOW_LIST, check_account_id, check_construct_id
from .model.trusted_services import AwsService, check_service_principal
from .policies import PolicyType, check_policy_type

if TYPE_CHECKING:
    from ._target import PolicyTarget
    from .contacts import AlternateContact


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


class TrustedService(Tracked, Construct):
    """Let a service of AWS act in the organization: trusted access.

    Already trusted is success. Removing the code leaves the service trusted. Many services want to
    be enabled by a call of their own as well, since they make roles then; the reference of settings
    lists it for each.

    Args:
        scope: where the setting belongs.
        id: stable id.
        service: the service principal; one that is not known is taken if it looks like one.
        turn_off_on_removal: whether removing the code takes the trust away.

    Raises:
        OrgError: `ORG005` id; `ORG150` service.

    Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html
    """

    RESOURCE_TYPE = "Custom::TrustedService"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        service: AwsService | str,
        turn_off_on_removal: bool = False,
    ) -> None:
        check_service_principal(service)
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self.turn_off_on_removal = turn_off_on_removal
        self._item = _declare(
            self,
            place,
            self.RESOURCE_TYPE,
            {"ServicePrincipal": str(service), **_turning_off(turn_off_on_removal)},
            stage=OrderStage.TRUSTED_ACCESS,
            acts_on_removal=turn_off_on_removal,
        )


class DelegatedAdministrator(Tracked, Construct):
    """Let a member account administer a service for the whole organization.

    Already registered is success. Removing the code leaves the account what it is: for some
    services, deregistering deletes what the account has set up.

    Args:
        scope: where the setting belongs.
        id: stable id.
        account_id: 12 digits, or a token; not the management account.
        service: the service principal, which the organization has to trust.
        turn_off_on_removal: whether removing the code deregisters the account.
        account: the account, as it stands in the chain, when this app declares it.

    Raises:
        OrgError: `ORG004` account id, `ORG005` id, `ORG150` service, `ORG153` the management
            account.

    Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html
    """

    RESOURCE_TYPE = "Custom::DelegatedAdministrator"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        account_id: str,
        service: AwsService | str,
        turn_off_on_removal: bool = False,
        account: Item | None = None,
    ) -> None:
        check_service_principal(service)
        check_construct_id(id)
        place = place_of(scope).child(id)
        if not is_token(account_id):
            check_account_id(account_id)
        if account_id in _management_accounts(place):
            raise OrgError(
                "ORG153",
                f"'{place.path}': '{account_id}' is the management account, which AWS makes no "
                "delegated administrator; name a member account",
            )
        super().__init__(scope, id)
        remember(self, place)
        self.turn_off_on_removal = turn_off_on_removal
        self._item = _declare(
            self,
            place,
            self.RESOURCE_TYPE,
            {
                "AccountId": account_id,
                "ServicePrincipal": str(service),
                **_turning_off(turn_off_on_removal),
            },
            stage=OrderStage.ORGANIZATION_SETTING,
            acts_on_removal=turn_off_on_removal,
            needs=[account] if account else [],
            stacks_needed=stacks_behind(account_id),
        )


class CentralRootAccess(Tracked, Construct):
    """Manage the root users of member accounts from the management account.

    What is on already is success, and what is not asked for stays as it is. Needs trusted access of
    `iam.amazonaws.com`, which `Organization.manage_root_access` sees to. Removing the code leaves
    both features on.

    Args:
        scope: where the setting belongs.
        id: stable id.
        credentials: manage root credentials: none for new accounts, deletion of those of others.
        sessions: short sessions as a member's root user, for tasks that need it.
        turn_off_on_removal: whether removing the code, or one of the features, turns it off.

    Raises:
        OrgError: `ORG005` id; `ORG151` neither feature.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html
    """

    RESOURCE_TYPE = "Custom::CentralRootAccess"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        credentials: bool = True,
        sessions: bool = True,
        turn_off_on_removal: bool = False,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        if not credentials and not sessions:
            raise OrgError(
                "ORG151", f"'{place.path}': neither credentials nor sessions; ask for one of them"
            )
        super().__init__(scope, id)
        remember(self, place)
        self.asked = (credentials, sessions, turn_off_on_removal)
        self._item = _declare(
            self,
            place,
            self.RESOURCE_TYPE,
            {
                "RootCredentialsManagement": _flag(credentials),
                "RootSessions": _flag(sessions),
                **_turning_off(turn_off_on_removal),
            },
            stage=OrderStage.ORGANIZATION_SETTING,
            acts_on_removal=turn_off_on_removal,
        )


class RootTags(Tracked, Construct):
    """Tag the organization's root, which has no resource in CloudFormation.

    Adds and changes the tags that are declared, removes one that was declared before and is no
    longer, and never touches any other. Removing all of the code leaves the tags.

    Args:
        scope: where the setting belongs.
        id: stable id.
        root_id: id of the root, or a token.
        tags: the tags.
        turn_off_on_removal: whether removing the code removes the declared tags.

    Raises:
        OrgError: `ORG005` id; `ORG012` tags.

    Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_TagResource.html
    """

    RESOURCE_TYPE = "Custom::RootTags"

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        root_id: str,
        tags: Mapping[str, str],
        turn_off_on_removal: bool = False,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        tag_list(tags, where=f"'{place.path}'")
        super().__init__(scope, id)
        remember(self, place)
        self._item = _declare(
            self,
            place,
            self.RESOURCE_TYPE,
            {
                "RootId": root_id,
                "Tags": {key: tags[key] for key in sorted(tags)},
                **_turning_off(turn_off_on_removal),
            },
            stage=OrderStage.ORGANIZATION_SETTING,
            acts_on_removal=turn_off_on_removal,
            stacks_needed=stacks_behind(root_id),
        )


class AccountContact(Tracked, Construct):
    """Set whom AWS writes to about an account: billing, operations or security.

    The contact that is there already is success; removing the code keeps it.

    Args:
        scope: the account, or the organization for its management account.
        place: where that stands.
        account: the account, as it stands in the chain; none for the management account.
        account_id: the account's id, a token; none for the management account.
        contact: the contact.

    Source: https://docs.aws.amazon.com/accounts/latest/reference/API_PutAlternateContact.html
    """

    RESOURCE_TYPE = "Custom::AlternateContact"

    def __init__(
        self,
        scope: Construct,
        place: Place,
        *,
        account: Item | None,
        account_id: str | None,
        contact: AlternateContact,
    ) -> None:
        id = f"{str(contact.type).title()}Contact"
        place = place.child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._item = _declare(
            self,
            place,
            self.RESOURCE_TYPE,
            {
                **({"AccountId": account_id} if account_id else {}),
                **contact.properties(),
                **_turning_off(contact.turn_off_on_removal),
            },
            stage=OrderStage.CONTACT,
            acts_on_removal=contact.turn_off_on_removal,
            needs=[account] if account else [],
        )


class AllowList(Tracked, Construct):
    """Detach FullAWSAccess from a target, so that only what its own policies allow is allowed.

    `target.deny_by_default()` makes one. FullAWSAccess goes when the target's policies are
    attached, and only if one of them allows something. **Removing the code attaches it again**,
    before anything is detached: the one removal that acts, since without it nothing would be
    allowed there any more.

    Args:
        target: the root, OU or account.

    Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
    """

    RESOURCE_TYPE = ALLOW_LIST
    ID = "AllowList"

    def __init__(self, target: PolicyTarget) -> None:
        place = target._place.child(self.ID)  # noqa: SLF001 - one concept in two classes
        super().__init__(target, self.ID)
        remember(self, place)
        stage, path = target._policy_position  # noqa: SLF001
        on_account = stage is OrderStage.ACCOUNT
        self.path = place.path
        self._target_id = target.target_id
        self._stays = False
        item = target._item  # noqa: SLF001
        self._item = _declare(
            self,
            place,
            self.RESOURCE_TYPE,
            {"TargetId": target.target_id},
            stage=stage if on_account else OrderStage.CONTAINER_ALLOW_LIST,
            path=path,
            rank=2,
            acts_on_removal=True,
            needs=[item] if item else [],
            stacks_needed=stacks_behind(target.target_id) if item is None else [],
        )
        place.registry.finishers.append(self)

    def collect(self) -> None:
        """Nothing more belongs to it."""

    def finish(self) -> None:
        """Come after the policies of the target that the same stack attaches."""
        from .policy import Policy

        place = self._item.place
        policies = [
            item
            for item in place.registry.items
            if isinstance(item.owner, Policy)
            and item.place.stack_path == place.stack_path
            and self._target_id in item.owner._targets  # noqa: SLF001
        ]
        self._item.needs += policies
        self._stays = all(cast("Policy", p.owner).retained_by_default for p in policies)

    def retain_by_default(self) -> None:
        """Leave FullAWSAccess detached when the code goes, if the target's policies stay too."""
        if self._stays:
            self._item.l1.apply_removal_policy(cdk.RemovalPolicy.RETAIN)


def _declare(
    construct: Construct,
    place: Place,
    resource_type: str,
    properties: Mapping[str, Any],
    *,
    stage: OrderStage,
    acts_on_removal: bool,
    path: tuple[str, ...] | None = None,
    rank: int = 0,
    needs: Sequence[Item] = (),
    stacks_needed: Sequence[cdk.Stack] = (),
) -> Item:
    """Declare the custom resource of a setting and take it into the chain."""
    item = place.registry.add(
        Item(
            l1=declare_setting(
                construct, place, resource_type, properties, acts_on_removal=acts_on_removal
            ),
            owner=construct,
            place=place,
            position=Position(stage, place.ids if path is None else path, place.path, rank=rank),
            needs=list(needs),
            stacks_needed=list(stacks_needed),
        )
    )
    place.registry.note_source(place.path)
    return item


def _turning_off(asked: bool) -> dict[str, str]:  # noqa: FBT001 - the one property
    return {"TurnOffOnRemoval": "true"} if asked else {}


def _flag(value: bool) -> str:  # noqa: FBT001 - CloudFormation has strings
    return "true" if value else "false"


def _management_accounts(place: Place) -> set[str]:
    """Return what is known of the management account: what is said, and where the stack goes."""
    said = place.registry.management_account_ids.get(place.stack_path, set())
    account = place.stack.account
    return said | (set() if is_token(account) else {account})
