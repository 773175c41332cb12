"""Member accounts."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._dependable import depend_on_resource_only
from ._lock_file import locked_account
from ._order import OrderStage, Position
from ._registry import Item, Tracked, place_of, remember
from ._render import is_token, tag_list
from ._target import PolicyTarget
from .contacts import checked_contacts
from .model.errors import OrgError
from .model.identifiers import (
    check_account_id,
    check_account_name,
    check_construct_id,
    check_email,
    check_role_name,
    is_account_name_for_rename,
)
from .organizational_unit import Container, IOrganizationalUnit, resolve_parent

if TYPE_CHECKING:
    from .contacts import AlternateContact
    from .guardrails import Guardrail
    from .model.lock import LockedAccount
    from .policy import Policy
    from .settings import AllowList


class _CfnAccount(Tracked, organizations.CfnAccount):
    """The L1, watched for dependencies that user code adds."""


@runtime_checkable
class IAccount(Protocol):
    """A member account, declared here or existing."""

    @property
    def account_id(self) -> str:
        """Id of the account, 12 digits."""
        ...

    @property
    def account_ref(self) -> refs.AccountReference:
        """Reference for constructs that take any account."""
        ...

    def attach(self, *guardrails_or_policies: Guardrail | Policy) -> None:
        """Attach guardrails or policies of this app."""
        ...

    def deny_by_default(self) -> AllowList:
        """Allow here only what the policies of this target allow: detach FullAWSAccess from it."""
        ...


class _AccountBase(PolicyTarget):
    """What declared and existing accounts share as targets of policies."""

    @property
    @abc.abstractmethod
    def account_id(self) -> str:
        """Id of the account."""

    @property
    def target_id(self) -> str:
        """Id by which a policy is attached to this account."""
        return self.account_id

    @property
    def _holds_accounts(self) -> bool:
        return False

    @property
    def _policy_position(self) -> tuple[OrderStage, tuple[str, ...]]:
        return OrderStage.ACCOUNT, self._place.ids


class Account(_AccountBase):
    """Define a member account of the organization.

    Its logical id depends on its scope and id alone, never on its OU: another `parent` moves the
    account in place. AWS offers no way to change the e-mail or role through CloudFormation, so
    a change of either is refused at synthesis once the lock file knows the account. Another
    `name` then renames the account, through one more resource: the template itself keeps the name
    of the creation. Removing the code, or destroying the stack, keeps the account.

    Args:
        scope: construct that the account belongs to; `add_account` takes the scope `Accounts` of
            the parent's stack.
        id: stable id.
        parent: the root or an OU: of this app, of another stack, existing, or an L1.
        email: address of the root user, 6 to 64 ASCII characters, unique in all of AWS.
        name: display name, 1 to 50 printable ASCII characters; the id by default. A rename takes
            no `<` and no `>`.
        role_name: role that AWS creates in the account for the management account.
        tags: tags of the account.
        contacts: whom AWS writes to about this account, beside its root user; each wins over the
            one of its type that the organization gives every account.

    Raises:
        OrgError: `ORG001` e-mail, `ORG002` name, `ORG004` role name, `ORG005` id or scope,
            `ORG011` parent, `ORG012` tags, `ORG152` contacts.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-account.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        parent: Container | IOrganizationalUnit | refs.IOrganizationalUnitRef,
        email: str,
        name: str | None = None,
        role_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        contacts: Sequence[AlternateContact] | None = None,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        what = f"account '{id}'"
        name = id if name is None else name
        if not is_token(name):
            check_account_name(name, what=what)
        if not is_token(email):
            check_email(email, what=what)
        if role_name is not None and not is_token(role_name):
            check_role_name(role_name, what=what)
        parent_id, parent_item, _, parent_stacks = resolve_parent(parent, what)
        tag_values = tag_list(tags, where=what)
        own_contacts = checked_contacts(contacts, what)
        locked = locked_account(place, email)
        # CloudFormation refuses another name than the first one, so the template keeps that.
        renamed = locked is not None and not is_token(name) and locked.is_renamed_by(name)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._resource = _CfnAccount(
            self,
            "Resource",
            account_name=locked.name if locked is not None and renamed else name,
            email=email,
            parent_ids=[parent_id],
            role_name=role_name,
            tags=tag_values,
        )
        registry = place.registry
        if registry.account_scopes.get(place.stack_path) is not scope:
            self._resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self._item = item = registry.add(
            Item(
                l1=self._resource,
                owner=self,
                place=place,
                position=Position(OrderStage.ACCOUNT, place.ids, place.path),
                needs=[parent_item] if parent_item else [],
                stacks_needed=parent_stacks,
            )
        )
        registry.account_paths.add(place.path)
        registry.note_source(place.path)
        if locked is not None and renamed:
            self._rename(item, locked, name)
        registry.contacts.add_account(item, own_contacts)

    def _rename(self, item: Item, locked: LockedAccount, name: str) -> None:
        """Let a setting see to it that the account has this name."""
        from .settings import AccountName

        if not is_account_name_for_rename(name):
            self._place.registry.report(
                OrgError(
                    "ORG128",
                    f"account '{self._place.path}': name '{locked.display_name or locked.name}' "
                    f"cannot become '{name}'; AWS creates accounts with '<' or '>' in their name "
                    "and renames none to such a name",
                ),
                path=self._place.path,
                remedy="choose a name without '<' and '>'",
            )
            return
        # As with a policy below the account: who depends on the account waits for it alone.
        depend_on_resource_only(self, self._resource)
        AccountName(item, "Name", account_id=self.account_id, name=name)

    @classmethod
    def from_account_id(cls, scope: Construct, id: str, account_id: str) -> IAccount:
        """Refer to an account that exists; policies can be attached to it.

        Raises:
            OrgError: `ORG004` when a literal is not the id of an account.
        """
        if not is_token(account_id):
            check_account_id(account_id)
        return _ImportedAccount(scope, id, account_id)

    @property
    def account_id(self) -> str:
        """Id of the account."""
        return self._resource.attr_account_id

    @property
    def account_arn(self) -> str:
        """ARN of the account."""
        return self._resource.attr_arn

    @property
    def account_joined_method(self) -> str:
        """How the account joined: `INVITED` or `CREATED`."""
        return self._resource.attr_joined_method

    @property
    def account_joined_timestamp(self) -> str:
        """When the account joined the organization."""
        return self._resource.attr_joined_timestamp

    @property
    def account_state(self) -> str:
        """State of the account, such as `ACTIVE`."""
        return self._resource.attr_state

    @property
    def account_paths(self) -> list[str]:
        """Paths of the account from the organization down."""
        return self._resource.attr_paths

    @property
    def account_ref(self) -> refs.AccountReference:
        """Reference for constructs that take any account."""
        return self._resource.account_ref


class _ImportedAccount(_AccountBase):
    """An account that exists outside this app."""

    def __init__(self, scope: Construct, id: str, account_id: str) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._account_id = account_id

    @property
    def account_id(self) -> str:
        """Id of the account."""
        return self._account_id

    @property
    def account_ref(self) -> refs.AccountReference:
        """Reference for constructs that take any account; its ARN is not known."""
        return refs.AccountReference(account_id=self._account_id, account_arn="")
