"""Organizational units, and what the root and they share: units, accounts and policies below."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._dependable import depend_on_resource_only
from ._order import OrderStage, Position
from ._registry import Item, Tracked, place_of, remember, stacks_behind
from ._render import is_token, tag_list
from ._target import PolicyTarget, kind_of
from .guardrails._compose import checked_guardrails
from .model.errors import OrgError
from .model.identifiers import (
    check_construct_id,
    check_organizational_unit_id,
    check_organizational_unit_name,
)

if TYPE_CHECKING:
    from .account import Account
    from .contacts import AlternateContact
    from .guardrails import Guardrail
    from .invitation import AccountInvitation
    from .policy import Policy
    from .settings import AllowList

_ACCOUNTS_SCOPE = "Accounts"
_INVITATIONS_SCOPE = "Invitations"


class _CfnOrganizationalUnit(Tracked, organizations.CfnOrganizationalUnit):
    """The L1, watched for dependencies that user code adds."""


@runtime_checkable
class IOrganizationalUnit(Protocol):
    """An organizational unit, declared here or existing."""

    @property
    def organizational_unit_id(self) -> str:
        """Id of the OU, such as `ou-ab12-34cd56ef`."""
        ...

    @property
    def organizational_unit_ref(self) -> refs.OrganizationalUnitReference:
        """Reference for constructs that take any OU."""
        ...

    def add_organizational_unit(
        self,
        id: str,
        *,
        name: str | None = None,
        guardrails: Sequence[Guardrail] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> OrganizationalUnit:
        """Define an OU below this one."""
        ...

    def add_account(
        self,
        id: str,
        *,
        email: str,
        name: str | None = None,
        role_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        contacts: Sequence[AlternateContact] | None = None,
    ) -> Account:
        """Define an account in this OU."""
        ...

    def invite_account(
        self,
        id: str,
        *,
        account_id: str | None = None,
        email: str | None = None,
        notes: str | None = None,
    ) -> AccountInvitation:
        """Invite an account that exists, and place it in this OU once it has joined."""
        ...

    def attach(self, *guardrails_or_policies: Guardrail | Policy) -> None:
        """Attach guardrails or policies of this app."""
        ...

    def deny_by_default(self) -> AllowList:
        """Allow here only what the policies of this target allow: detach FullAWSAccess from it."""
        ...


class Container(PolicyTarget):
    """What holds OUs and accounts: the root or an OU."""

    # Ids from the outermost parent down: the place in the chain, and what a parent contributes
    # to the identity of the OUs below it.
    _ids: tuple[str, ...]

    @property
    def _holds_accounts(self) -> bool:
        return True

    @property
    def _policy_position(self) -> tuple[OrderStage, tuple[str, ...]]:
        return OrderStage.CONTAINER_POLICY, self._ids

    def add_organizational_unit(
        self,
        id: str,
        *,
        name: str | None = None,
        guardrails: Sequence[Guardrail] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> OrganizationalUnit:
        """Define an OU below this one, nested under this construct.

        Args:
            id: stable id; with the ids of its parents it is the OU's identity.
            name: display name, the id by default; a changed name renames the OU in place.
            guardrails: bound every account below the OU.
            tags: tags of the OU.

        Raises:
            OrgError: as `OrganizationalUnit`.
        """
        return OrganizationalUnit(
            self, id, parent=self, name=name, guardrails=guardrails, tags=tags
        )

    def add_account(
        self,
        id: str,
        *,
        email: str,
        name: str | None = None,
        role_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        contacts: Sequence[AlternateContact] | None = None,
    ) -> Account:
        """Define an account here, in the scope `Accounts` of this construct's stack.

        The scope is the same for every OU of the stack, so that moving an account in code keeps
        its logical id and AWS moves the account.

        Args:
            id: stable id, unique among the accounts of the stack.
            email: address of the account's root user, unique in all of AWS.
            name: display name, the id by default.
            role_name: role that AWS creates in the account, `OrganizationAccountAccessRole` by
                default.
            tags: tags of the account.
            contacts: whom AWS writes to about it, beside its root user.

        Raises:
            OrgError: as `Account`; also `ORG005` when the stack has an account with this id.
        """
        from .account import Account

        place = self._place
        scope = place.registry.account_scopes.get(place.stack_path)
        if scope is None:
            existing = place.stack.node.try_find_child(_ACCOUNTS_SCOPE)
            scope = (
                cast("Construct", existing) if existing else Construct(place.stack, _ACCOUNTS_SCOPE)
            )
            remember(scope, place_of(place.stack).child(_ACCOUNTS_SCOPE))
            # One JS-side Aspect instead of a call per account; leaves an explicit policy alone.
            cdk.MissingRemovalPolicies.of(scope).retain(
                apply_to_resource_types=["AWS::Organizations::Account"]
            )
            place.registry.account_scopes[place.stack_path] = scope
        path = f"{place.stack_path}/{_ACCOUNTS_SCOPE}/{id}"
        if path in place.registry.account_paths:
            other = place.registry.sources.get(path)
            where = f" at {other}" if other else ""
            raise OrgError(
                "ORG005",
                f"account id '{id}' is taken in stack '{place.stack_path}'{where}; ids of accounts "
                "are unique in a stack, whatever their OU: choose another id and give name=",
            )
        return Account(
            scope,
            id,
            parent=self,
            email=email,
            name=name,
            role_name=role_name,
            tags=tags,
            contacts=contacts,
        )

    def invite_account(
        self,
        id: str,
        *,
        account_id: str | None = None,
        email: str | None = None,
        notes: str | None = None,
    ) -> AccountInvitation:
        """Invite an account that exists, in the scope `Invitations` of this construct's stack.

        The owner accepts inside the invited account; then the account is moved here by itself. The
        scope is the same for every OU of the stack, so that another OU in code moves the account.

        Args:
            id: stable id, unique among the invitations of the stack.
            account_id: id of the account; either this or `email`.
            email: address of the account's root user.
            notes: what the owner reads in the invitation, at most 1024 characters.

        Raises:
            OrgError: as `AccountInvitation`; also `ORG005` when the stack has an invitation with
                this id.
        """
        from .invitation import AccountInvitation

        place = self._place
        scopes = place.registry.invitation_scopes
        scope = scopes.get(place.stack_path)
        if scope is None:
            existing = place.stack.node.try_find_child(_INVITATIONS_SCOPE)
            scope = cast("Construct", existing) or Construct(place.stack, _INVITATIONS_SCOPE)
            remember(scope, place_of(place.stack).child(_INVITATIONS_SCOPE))
            scopes[place.stack_path] = scope
        if place_of(scope).child(id).path in place.registry.sources:
            raise OrgError(
                "ORG005",
                f"invitation id '{id}' is taken in stack '{place.stack_path}' at "
                f"{place.registry.sources[place_of(scope).child(id).path]}; ids of invitations are "
                "unique in a stack, whatever their OU: choose another id",
            )
        return AccountInvitation(
            scope, id, parent=self, account_id=account_id, email=email, notes=notes
        )


class OrganizationalUnit(Container):
    """Define an organizational unit: a folder of accounts to which policies attach.

    AWS cannot move an OU. Its logical id therefore contains the ids of its parents: with another
    parent it is another OU, and the old one stays until it is removed by hand. A changed `name`
    renames it in place.

    Args:
        scope: construct that the OU belongs to.
        id: stable id.
        parent: the root or an OU: of this app, of another stack, existing, or an L1.
        name: display name, 1 to 128 characters, unique under its parent; the id by default.
        guardrails: replaces `default_guardrails()`.
        tags: tags of the OU.

    Raises:
        OrgError: `ORG003` name, `ORG005` id or scope, `ORG008` guardrails that are no list,
            `ORG011` parent, `ORG012` tags.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-organizations-organizationalunit.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        parent: Container | IOrganizationalUnit | refs.IOrganizationalUnitRef,
        name: str | None = None,
        guardrails: Sequence[Guardrail] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        what = f"organizational unit '{id}'"
        name = id if name is None else name
        if not is_token(name):
            check_organizational_unit_name(name, what=what)
        parent_id, parent_item, parent_ids, parent_stack = resolve_parent(parent, what)
        tag_values = tag_list(tags, where=what)
        defaults = type(self).default_guardrails
        if not callable(defaults):
            raise OrgError(
                "ORG008",
                f"{what}: default_guardrails of {type(self).__name__} is {kind_of(defaults)}, not a "
                "method; write def default_guardrails(self) that returns the list",
            )
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._ids = (*parent_ids, id)
        self._resource = _CfnOrganizationalUnit(
            self, "Resource", name=name, parent_id=parent_id, tags=tag_values
        )
        self._resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self._path_is_identity = _names_parents(scope, parent)
        if not self._path_is_identity:
            self._identify_by_parent(parent_ids, parent_id)
        depend_on_resource_only(self, self._resource)
        self._item = place.registry.add(
            Item(
                l1=self._resource,
                owner=self,
                place=place,
                position=Position(OrderStage.ORGANIZATIONAL_UNIT, self._ids, place.path),
                needs=[parent_item] if parent_item else [],
                stacks_needed=parent_stack,
            )
        )
        place.registry.note_source(place.path)
        self._id: str | None = None
        if guardrails is not None:
            self.attach(*checked_guardrails(guardrails, what))
        elif defaults is not OrganizationalUnit.default_guardrails:
            self._guardrails_here()._base = self.default_guardrails  # noqa: SLF001

    @classmethod
    def from_organizational_unit_id(
        cls, scope: Construct, id: str, organizational_unit_id: str
    ) -> IOrganizationalUnit:
        """Refer to an OU that exists; it is a full parent and target.

        Args:
            scope: construct that the reference belongs to.
            id: stable id of the reference.
            organizational_unit_id: the OU's id, or a token.

        Raises:
            OrgError: `ORG004` when a literal is not the id of an OU.
        """
        if not is_token(organizational_unit_id):
            check_organizational_unit_id(organizational_unit_id)
        return _ImportedOrganizationalUnit(scope, id, organizational_unit_id)

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return the guardrails of OUs of this class; override it in a subclass.

        Called once, at synthesis, so it may read what a subclass's constructor sets. Not called
        when `guardrails=` was given.
        """
        return ()

    @property
    def organizational_unit_id(self) -> str:
        """Id of the OU."""
        if self._id is None:
            self._id = self._resource.attr_id
        return self._id

    @property
    def organizational_unit_arn(self) -> str:
        """ARN of the OU."""
        return self._resource.attr_arn

    @property
    def organizational_unit_path(self) -> str:
        """Path of the OU from the organization down, as `aws:PrincipalOrgPaths` has it."""
        return self._resource.attr_path

    @property
    def organizational_unit_ref(self) -> refs.OrganizationalUnitReference:
        """Reference for constructs that take any OU."""
        return self._resource.organizational_unit_ref

    @property
    def target_id(self) -> str:
        """Id by which a policy is attached to this OU."""
        return self.organizational_unit_id

    def _identify_by_parent(self, parent_ids: tuple[str, ...], parent_id: str) -> None:
        """Make the parents part of the logical id where the construct path does not name them."""
        seen = "/".join((self._place.lasting_path, *parent_ids))
        if not parent_ids and not is_token(parent_id):
            seen += f"/{parent_id}"
        digest = hashlib.sha256(seen.encode()).hexdigest()[:8].upper()
        readable = "".join("".join(filter(str.isalnum, part)) for part in self._ids)
        self._resource.override_logical_id(f"{readable[:200]}{digest}")


class _ImportedOrganizationalUnit(Container):
    """An OU that exists outside this app."""

    def __init__(self, scope: Construct, id: str, organizational_unit_id: str) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self._id = organizational_unit_id
        # A literal id is the OU's identity: another one means another parent for what is below.
        self._ids = (id,) if is_token(organizational_unit_id) else (organizational_unit_id,)

    @property
    def organizational_unit_id(self) -> str:
        """Id of the OU."""
        return self._id

    @property
    def organizational_unit_ref(self) -> refs.OrganizationalUnitReference:
        """Reference for constructs that take any OU; its ARN is not known."""
        return refs.OrganizationalUnitReference(
            organizational_unit_id=self._id, organizational_unit_arn=""
        )

    @property
    def target_id(self) -> str:
        """Id by which a policy is attached to this OU."""
        return self._id


def resolve_parent(
    parent: object, what: str
) -> tuple[str, Item | None, tuple[str, ...], list[cdk.Stack]]:
    """Return a parent's id, its place in the chain if it has one, its ids and its stacks.

    Raises:
        OrgError: `ORG011` for something that is neither a root nor an OU.
    """
    if isinstance(parent, Container):
        stacks = stacks_behind(parent.target_id) if parent._item is None else []  # noqa: SLF001
        return parent.target_id, parent._item, parent._ids, [parent._place.stack, *stacks]  # noqa: SLF001
    reference = (
        None if isinstance(parent, str) else getattr(parent, "organizational_unit_ref", None)
    )
    if reference is None or not isinstance(parent, Construct):
        raise OrgError(
            "ORG011",
            f"{what}: parent {parent!r} is neither a root nor an organizational unit; for an "
            "existing one give OrganizationalUnit.from_organizational_unit_id(…) or Root.from_root_id(…)",
        )
    place = place_of(parent)
    return reference.organizational_unit_id, None, place.ids, [place.stack]


def _names_parents(scope: Construct, parent: object) -> bool:
    """Tell whether the construct path of something in `scope` names all its parents already."""
    from .organization import Root

    if isinstance(parent, Root):
        return True
    if isinstance(parent, OrganizationalUnit):
        own, others = place_of(scope), parent._place  # noqa: SLF001
        inside = own.path == others.path or own.path.startswith(f"{others.path}/")
        return inside and parent._path_is_identity  # noqa: SLF001
    # The path of a reference says nothing about the OU that it refers to.
    return scope is parent and not isinstance(parent, _ImportedOrganizationalUnit)
