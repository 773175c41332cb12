"""What both created and existing organizations let their settings be declared by."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from constructs import Construct

from ._registry import Place
from ._render import is_token
from ._target import PolicyTarget
from .contacts import checked_contacts
from .model.errors import OrgError

# Imported where they are used: loading them takes longer than an organization without them does.
if TYPE_CHECKING:
    from .account import IAccount
    from .contacts import AlternateContact
    from .delegation_policy import DelegationPolicy
    from .model.trusted_services import AwsService
    from .organization import Root
    from .policies import PolicyType
    from .settings import (
        CentralRootAccess,
        DelegatedAdministrator,
        OrganizationPolicyType,
        RootTags,
        TrustedService,
    )


class DeclaresSettings:
    """Declares the settings of an organization, each once, below the construct of the organization."""

    _place: Place
    _root: Root
    _policy_types: dict[str, OrganizationPolicyType]
    _trusted: dict[str, TrustedService]
    _administrators: dict[tuple[str, str], DelegatedAdministrator]
    _root_access: CentralRootAccess | None
    _root_tags: RootTags | None
    _delegation_policy: DelegationPolicy | None

    def _begin(self) -> None:
        """Begin without any setting."""
        self._policy_types = {}
        self._trusted = {}
        self._administrators = {}
        self._root_access = None
        self._root_tags = None
        self._delegation_policy = None

    @property
    @abc.abstractmethod
    def management_account_id(self) -> str:
        """Id of the account that manages the organization."""

    @property
    def _scope(self) -> Construct:
        """The organization's construct, in which the settings are."""
        return cast("Construct", self)

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
                self._scope,
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
                self._scope,
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
                self._scope if declared is None else declared,
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
                self._scope,
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
            self._scope,
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
            self._scope,
            "DelegationPolicy",
            content=content,
            tags=tags,
            removal_policy=removal_policy,
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

            AccountContact(self._scope, self._place, account=None, account_id=None, contact=contact)
        if root_tags:
            self.tag_root(root_tags)
        if delegation_policy is not None:
            self.add_delegation_policy(delegation_policy)


def _id_of(service: str) -> str:
    """Return what of a service principal goes into the id of a construct."""
    return str(service).removesuffix(".amazonaws.com").replace(".", "-")
