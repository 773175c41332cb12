"""The organization and its root."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._dependable import depend_on_resource_only
from ._order import OrderStage, Position
from ._registry import Item, Place, Tracked, place_of, remember
from ._render import is_token
from ._target import PolicyTarget
from .account import IAccount
from .contacts import checked_contacts
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


class _OrganizationBase(Tracked, cdk.Resource):
    """What created and existing organizations share."""

    _place: Place
    _root: Root
    _policy_types: dict[str, OrganizationPolicyType]
    _trusted: dict[str, TrustedService]
    _administrators: dict[tuple[str, str], DelegatedAdministrator]
    _root_access: CentralRootAccess | None
    _root_tags: RootTags | None
    _delegation_policy: DelegationPolicy | None

    @property
    def root(self) -> Root:
        """Its root: what holds every OU and account."""
        return self._root

    @property
    @abc.abstractmethod
    def management_account_id(self) -> str:
        """Id of the account that manages the organization."""

    def enable_policy_type(self, policy_type: PolicyType | str) -> OrganizationPolicyType:
        """Turn a type of policy on for the organization.

        The deployment waits until AWS has enabled it; already enabled is success. Removing the
        code never disables it: AWS would detach every policy of the type at once. Asking twice
        for one type is asking once.
        """
        from .settings import OrganizationPolicyType

        name = str(policy_type)
        if name not in self._policy_types:
            self._policy_types[name] = OrganizationPolicyType(
                self,
                "".join(part.title() for part in name.split("_")) or "PolicyType",
                root_id=self._root.root_id,
                policy_type=policy_type,
            )
        return self._policy_types[name]

    def trust_service(
        self, service: AwsService | str, *, turn_off_on_removal: bool = False
    ) -> TrustedService:
        """Let a service of AWS act in the organization: trusted access.

        Already trusted is success. Asking twice for one service is asking once.

        Args:
            service: the service principal; one that is not known is taken if it looks like one.
            turn_off_on_removal: whether removing the code takes the trust away; otherwise it stays.

        Raises:
            OrgError: `ORG150` service; `ORG151` asked for before, and otherwise.
        """
        from .model.trusted_services import check_service_principal
        from .settings import TrustedService

        check_service_principal(service)
        known = self._trusted.get(str(service))
        if known is None:
            known = self._trusted[str(service)] = TrustedService(
                self,
                f"Trust-{_id_of(service)}",
                service=service,
                turn_off_on_removal=turn_off_on_removal,
            )
        self._refuse_another(known.turn_off_on_removal, turn_off_on_removal, f"'{service}'")
        return known

    def delegate_administration(
        self,
        service: AwsService | str,
        account: IAccount | str,
        *,
        turn_off_on_removal: bool = False,
    ) -> DelegatedAdministrator:
        """Let a member account administer a service for the whole organization.

        The service has to be trusted: `trust_service`, or what trusted it already. The setting
        stands below an account that this app declares, so that it comes when the account is there.

        Args:
            service: the service principal.
            account: the account, or its id.
            turn_off_on_removal: whether removing the code deregisters the account; otherwise it
                stays registered.

        Raises:
            OrgError: `ORG150` service; `ORG151` asked for before, and otherwise; `ORG153` the
                management account.
        """
        from .model.trusted_services import check_service_principal
        from .settings import DelegatedAdministrator

        check_service_principal(service)
        account_id = account if isinstance(account, str) else account.account_id
        known = self._administrators.get((str(service), account_id))
        if known is None:
            declared = account if isinstance(account, PolicyTarget) else None
            item = declared._item if declared is not None else None  # noqa: SLF001
            if account_id == self.management_account_id:
                raise OrgError(
                    "ORG153",
                    f"'{self._place.path}': the management account is made no delegated "
                    f"administrator of '{service}'; name a member account",
                )
            if declared is not None:
                declared._depend_on_account_only()  # noqa: SLF001
            suffix = f"-{account_id}" if isinstance(account, str) and not is_token(account) else ""
            known = self._administrators[(str(service), account_id)] = DelegatedAdministrator(
                self if declared is None else declared,
                f"Administers-{_id_of(service)}{suffix}",
                account_id=account_id,
                service=service,
                turn_off_on_removal=turn_off_on_removal,
                account=item,
            )
        self._refuse_another(known.turn_off_on_removal, turn_off_on_removal, f"'{service}'")
        return known

    def manage_root_access(
        self,
        *,
        credentials: bool = True,
        sessions: bool = True,
        turn_off_on_removal: bool = False,
    ) -> CentralRootAccess:
        """Manage the root users of member accounts from the management account.

        Trusts IAM, which AWS demands first. What is on already is success.

        Args:
            credentials: manage root credentials.
            sessions: short sessions as a member's root user, for tasks that need it.
            turn_off_on_removal: whether removing the code, or one of the features, turns it off;
                otherwise both stay on, and IAM stays trusted in any case.

        Raises:
            OrgError: `ORG151` neither feature, or asked for before, and otherwise.
        """
        from .model.trusted_services import AwsService
        from .settings import CentralRootAccess

        if self._root_access is None:
            if AwsService.IAM not in self._trusted:
                self.trust_service(AwsService.IAM)
            self._root_access = CentralRootAccess(
                self,
                "CentralRootAccess",
                credentials=credentials,
                sessions=sessions,
                turn_off_on_removal=turn_off_on_removal,
            )
        asked = (credentials, sessions, turn_off_on_removal)
        self._refuse_another(self._root_access.asked, asked, "central root access")
        return self._root_access

    def tag_root(self, tags: Mapping[str, str], *, turn_off_on_removal: bool = False) -> RootTags:
        """Tag the organization's root.

        Adds and changes the declared tags, removes one that was declared before and is no longer,
        and never touches any other.

        Args:
            tags: the tags.
            turn_off_on_removal: whether removing the code removes the declared tags.

        Raises:
            OrgError: `ORG012` tags; `ORG151` asked for before.
        """
        if self._root_tags is not None:
            raise OrgError(
                "ORG151", f"'{self._place.path}': the root is tagged already; give all tags at once"
            )
        from .settings import RootTags

        self._root_tags = RootTags(
            self,
            "RootTags",
            root_id=self._root.root_id,
            tags=tags,
            turn_off_on_removal=turn_off_on_removal,
        )
        return self._root_tags

    def add_delegation_policy(
        self,
        content: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        removal_policy: cdk.RemovalPolicy | None = None,
    ) -> DelegationPolicy:
        """Define the organization's resource-based delegation policy, of which it has one.

        Args:
            content: the document as a JSON object.
            tags: tags of the policy.
            removal_policy: what happens when the code goes; kept by default.

        Raises:
            OrgError: as `DelegationPolicy`; also `ORG154` for a second one.
        """
        if self._delegation_policy is not None:
            raise OrgError(
                "ORG154",
                f"'{self._place.path}' has a delegation policy already, and AWS keeps one for an "
                "organization; put all statements into it",
            )
        from .delegation_policy import DelegationPolicy

        self._delegation_policy = DelegationPolicy(
            self, "DelegationPolicy", content=content, tags=tags, removal_policy=removal_policy
        )
        return self._delegation_policy

    def _refuse_another(self, before: object, now: object, what: str) -> None:
        if before != now:
            raise OrgError(
                "ORG151",
                f"'{self._place.path}': {what} is asked for twice, with different arguments; ask once",
            )

    def _set(
        self,
        *,
        trusted_services: Sequence[AwsService | str],
        delegated_administrators: Mapping[AwsService | str, IAccount | str],
        central_root_access: bool,
        contacts: Sequence[AlternateContact] | None,
        management_account_contacts: Sequence[AlternateContact] | None,
        root_tags: Mapping[str, str] | None,
        delegation_policy: Mapping[str, Any] | None,
    ) -> None:
        """Declare the settings that a constructor was given."""
        where = f"'{self._place.path}'"
        if isinstance(trusted_services, str):
            raise OrgError(
                "ORG008",
                f"trusted_services is the string '{trusted_services}'; give a list: "
                f"['{trusted_services}']",
            )
        for service in trusted_services:
            self.trust_service(service)
        for service, account in delegated_administrators.items():
            self.delegate_administration(service, account)
        if central_root_access:
            self.manage_root_access()
        for_all = checked_contacts(contacts, where)
        if for_all:
            self._place.registry.contacts.add_for_all(self._place, for_all)
        for contact in checked_contacts(management_account_contacts, where).values():
            from .settings import AccountContact

            AccountContact(self, self._place, account=None, account_id=None, contact=contact)
        if root_tags:
            self.tag_root(root_tags)
        if delegation_policy is not None:
            self.add_delegation_policy(delegation_policy)

    def _configure(
        self,
        acknowledge: Mapping[str, str] | None,
        quotas: Mapping[str, int] | None,
        *,
        retain_policies: bool,
    ) -> None:
        self._policy_types = {}
        self._trusted = {}
        self._administrators = {}
        self._root_access = None
        self._root_tags = None
        self._delegation_policy = None
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


def _id_of(service: str) -> str:
    """Return what of a service principal goes into the id of a construct."""
    return str(service).removesuffix(".amazonaws.com").replace(".", "-")
