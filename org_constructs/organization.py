"""The organization and its root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._dependable import depend_on_resource_only
from ._order import OrderStage, Position
from ._organization_settings import DeclaresSettings
from ._registry import Item, Place, Tracked, place_of, remember
from ._render import is_token
from .account import IAccount
from .model.errors import OrgError
from .model.identifiers import (
    check_account_id,
    check_construct_id,
    check_organization_id,
    check_root_id,
)
from .model.quotas import quota
from .organizational_unit import Container
from .policies import PolicyType

# Imported where they are used: loading them takes longer than an organization without them does.
if TYPE_CHECKING:
    from .contacts import AlternateContact
    from .delegation_policy import DelegationPolicy
    from .model.trusted_services import AwsService
    from .settings import (
        CentralRootAccess,
        DelegatedAdministrator,
        OrganizationPolicyType,
        RootTags,
        TrustedService,
    )

_ROOT_ID = "Root"


class _CfnOrganization(Tracked, organizations.CfnOrganization):
    """The L1, watched for dependencies that user code adds."""


@runtime_checkable
class IOrganization(Protocol):
    """An organization, created here or existing."""

    @property
    def organization_id(self) -> str:
        """Id of the organization, such as `o-a1b2c3d4e5`."""
        ...

    @property
    def management_account_id(self) -> str:
        """Id of the account that manages the organization and pays its bills."""
        ...

    @property
    def root(self) -> Root:
        """Its root: what holds every OU and account."""
        ...

    def enable_policy_type(self, policy_type: PolicyType | str) -> OrganizationPolicyType:
        """Turn a type of policy on for the organization; it is never turned off again."""
        ...

    def trust_service(
        self, service: AwsService | str, *, turn_off_on_removal: bool = False
    ) -> TrustedService:
        """Let a service of AWS act in the organization."""
        ...

    def delegate_administration(
        self,
        service: AwsService | str,
        account: IAccount | str,
        *,
        turn_off_on_removal: bool = False,
    ) -> DelegatedAdministrator:
        """Let a member account administer a service for the whole organization."""
        ...

    def manage_root_access(
        self,
        *,
        credentials: bool = True,
        sessions: bool = True,
        turn_off_on_removal: bool = False,
    ) -> CentralRootAccess:
        """Manage the root users of member accounts from the management account."""
        ...

    def tag_root(self, tags: Mapping[str, str], *, turn_off_on_removal: bool = False) -> RootTags:
        """Tag the organization's root."""
        ...

    def add_delegation_policy(
        self,
        content: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> DelegationPolicy:
        """Define the organization's resource-based delegation policy."""
        ...


class Root(Container):
    """The root of an organization: parent of every OU, target of policies that bind every member.

    `Organization.root` is one. A stack that holds OUs below the root of another stack's
    organization refers to it by `Root.from_root_id`, so that what it adds to the root belongs to
    itself.
    """

    def __init__(
        self, scope: Construct, id: str, *, root_id: str, item: Item | None = None
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._ids = ()
        self._item = item
        self._id = root_id
        if item is not None:
            depend_on_resource_only(self, item.l1)
        place.registry.note_source(place.path)

    @classmethod
    def from_root_id(cls, scope: Construct, id: str, root_id: str) -> Root:
        """Refer to the root of an organization by its id; it is a full parent and target.

        Args:
            scope: construct that owns what is added to the root.
            id: stable id of the reference.
            root_id: id such as `r-ab12`, or a token such as `organization.root.root_id`.

        Raises:
            OrgError: `ORG004` when a literal is not the id of a root.
        """
        if not is_token(root_id):
            check_root_id(root_id)
        return cls(scope, id, root_id=root_id)

    @property
    def root_id(self) -> str:
        """Id of the root."""
        return self._id

    @property
    def target_id(self) -> str:
        """Id by which a policy is attached to the root."""
        return self._id


class _OrganizationBase(Tracked, DeclaresSettings, cdk.Resource):
    """What created and existing organizations share."""

    _place: Place
    _root: Root

    @property
    def root(self) -> Root:
        """Its root: what holds every OU and account."""
        return self._root

    def _configure(
        self,
        acknowledge: Mapping[str, str] | None,
        quotas: Mapping[str, int] | None,
        *,
        retain_policies: bool,
    ) -> None:
        self._begin()
        registry = self._place.registry
        for code, reason in (acknowledge or {}).items():
            from .checks import acknowledgeable_codes

            if code.partition("@")[0] not in acknowledgeable_codes():
                raise OrgError(
                    "ORG010",
                    f"'{self._place.path}': {code!r} cannot be acknowledged; "
                    f"{', '.join(sorted(acknowledgeable_codes()))} can",
                )
            if not isinstance(reason, str) or not reason.strip():
                raise OrgError(
                    "ORG010", f"'{self._place.path}': acknowledge[{code!r}] needs a reason in words"
                )
            registry.acknowledged[code] = reason
        if quotas:
            quota(next(iter(quotas)), quotas)
            registry.quotas.update(quotas)
        registry.retain_policies = registry.retain_policies or retain_policies


class Organization(_OrganizationBase):
    """Define an organization whose management account is the one that deploys the stack.

    AWS goes on finalizing a new organization for up to an hour, in which accounts cannot be
    created: deploy it in a stack of its own. Removing the code keeps the organization.

    Args:
        scope: where the organization belongs.
        id: stable id.
        policy_types: types of policy to turn on; service control policies by default.
        trusted_services: services of AWS that may act in the organization.
        delegated_administrators: by service the account, or its id, that administers it.
        central_root_access: manage members' root users centrally, credentials and sessions.
        contacts: whom AWS writes to about every account that the app declares; a contact of the
            account itself wins.
        management_account_contacts: the same about the management account.
        root_tags: tags of the root.
        delegation_policy: the organization's resource-based delegation policy.
        acknowledge: refusals that are wanted here, each with its reason: by code and construct
            path, such as `{"ORG106@Organization/Audit": "the bucket moves next month"}`, or by
            code alone for all of its kind.
        quotas: quotas that AWS has granted to this organization, by name.
        retain_policies: keep every policy in force when its code or stack goes, which is how to
            leave this tool with the guardrails standing.

    Raises:
        OrgError: `ORG005` id, `ORG010` acknowledgement, `ORG013` quota; `ORG012` and `ORG150` to
            `ORG154` for settings.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-organization.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        policy_types: Sequence[PolicyType | str] = (PolicyType.SERVICE_CONTROL_POLICY,),
        trusted_services: Sequence[AwsService | str] = (),
        delegated_administrators: Mapping[AwsService | str, IAccount | str] = MappingProxyType({}),
        central_root_access: bool = False,
        contacts: Sequence[AlternateContact] | None = None,
        management_account_contacts: Sequence[AlternateContact] | None = None,
        root_tags: Mapping[str, str] | None = None,
        delegation_policy: Mapping[str, Any] | None = None,
        acknowledge: Mapping[str, str] | None = None,
        quotas: Mapping[str, int] | None = None,
        retain_policies: bool = False,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._configure(acknowledge, quotas, retain_policies=retain_policies)
        # Policies and OUs need all features; CloudFormation cannot change the set afterwards.
        self._resource = _CfnOrganization(self, "Resource", feature_set="ALL")
        self._resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        depend_on_resource_only(self, self._resource)
        item = place.registry.add(
            Item(
                l1=self._resource,
                owner=self,
                place=place,
                position=Position(OrderStage.ORGANIZATION, place.ids, place.path),
            )
        )
        place.registry.note_source(place.path)
        self._root = Root(self, _ROOT_ID, root_id=self._resource.attr_root_id, item=item)
        for policy_type in _as_types(policy_types):
            self.enable_policy_type(policy_type)
        self._set(
            trusted_services=trusted_services,
            delegated_administrators=delegated_administrators,
            central_root_access=central_root_access,
            contacts=contacts,
            management_account_contacts=management_account_contacts,
            root_tags=root_tags,
            delegation_policy=delegation_policy,
        )

    @classmethod
    def from_organization_attributes(
        cls,
        scope: Construct,
        id: str,
        *,
        organization_id: str,
        root_id: str,
        management_account_id: str,
        trusted_services: Sequence[AwsService | str] = (),
        delegated_administrators: Mapping[AwsService | str, IAccount | str] = MappingProxyType({}),
        central_root_access: bool = False,
        contacts: Sequence[AlternateContact] | None = None,
        management_account_contacts: Sequence[AlternateContact] | None = None,
        root_tags: Mapping[str, str] | None = None,
        delegation_policy: Mapping[str, Any] | None = None,
        acknowledge: Mapping[str, str] | None = None,
        quotas: Mapping[str, int] | None = None,
        retain_policies: bool = False,
    ) -> IOrganization:
        """Refer to an organization that exists.

        Args:
            scope: construct that owns what is added to the organization's root.
            id: stable id of the reference.
            organization_id: id such as `o-a1b2c3d4e5`, or a token.
            root_id: id such as `r-ab12`, or a token.
            management_account_id: 12 digits, or a token; a stack that deploys to another account
                is refused.
            trusted_services: as for `Organization`.
            delegated_administrators: as for `Organization`.
            central_root_access: as for `Organization`.
            contacts: as for `Organization`.
            management_account_contacts: as for `Organization`.
            root_tags: as for `Organization`.
            delegation_policy: as for `Organization`.
            acknowledge: as for `Organization`.
            quotas: as for `Organization`.
            retain_policies: as for `Organization`.

        Raises:
            OrgError: `ORG004` for a literal that is not such an id.
        """
        if not is_token(organization_id):
            check_organization_id(organization_id)
        if not is_token(root_id):
            check_root_id(root_id)
        if not is_token(management_account_id):
            check_account_id(management_account_id, what="management account id")
        organization = _ImportedOrganization(
            scope,
            id,
            organization_id=organization_id,
            root_id=root_id,
            management_account_id=management_account_id,
        )
        organization._configure(acknowledge, quotas, retain_policies=retain_policies)  # noqa: SLF001
        organization._set(  # noqa: SLF001
            trusted_services=trusted_services,
            delegated_administrators=delegated_administrators,
            central_root_access=central_root_access,
            contacts=contacts,
            management_account_contacts=management_account_contacts,
            root_tags=root_tags,
            delegation_policy=delegation_policy,
        )
        return organization

    @property
    def organization_id(self) -> str:
        """Id of the organization."""
        return self._resource.attr_id

    @property
    def organization_arn(self) -> str:
        """ARN of the organization."""
        return self._resource.attr_arn

    @property
    def management_account_id(self) -> str:
        """Id of the account that manages the organization."""
        return self._resource.attr_management_account_id

    @property
    def management_account_arn(self) -> str:
        """ARN of the management account."""
        return self._resource.attr_management_account_arn

    @property
    def management_account_email(self) -> str:
        """E-mail of the management account's root user."""
        return self._resource.attr_management_account_email

    @property
    def organization_ref(self) -> refs.OrganizationReference:
        """Reference for constructs that take any organization."""
        return self._resource.organization_ref


class _ImportedOrganization(_OrganizationBase):
    """An organization that exists outside this app, or in another stack of it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        organization_id: str,
        root_id: str,
        management_account_id: str,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._organization_id = organization_id
        self._management_account_id = management_account_id
        self._root = Root(self, _ROOT_ID, root_id=root_id)
        if not is_token(management_account_id):
            ids = place.registry.management_account_ids
            ids.setdefault(place.stack_path, set()).add(management_account_id)

    @property
    def organization_id(self) -> str:
        """Id of the organization."""
        return self._organization_id

    @property
    def management_account_id(self) -> str:
        """Id of the account that manages the organization."""
        return self._management_account_id


def _as_types(policy_types: Sequence[PolicyType | str]) -> Sequence[PolicyType | str]:
    if isinstance(policy_types, str):
        raise OrgError(
            "ORG008",
            f"policy_types is the string '{policy_types}'; give a list: ['{policy_types}']",
        )
    return policy_types
