"""What policies attach to, and how a target is recognised."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import aws_cdk as cdk
from aws_cdk.interfaces import ResourceEnvironment
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._dependable import depend_on_resource_only
from ._order import OrderStage
from ._registry import Item, Place, Tracked
from .guardrails import Guardrail
from .model.errors import OrgError

if TYPE_CHECKING:
    from ._guardrail_policy import GuardrailPolicy
    from .account import IAccount
    from .organizational_unit import IOrganizationalUnit
    from .policy import Policy
    from .settings import AllowList

Target: TypeAlias = (
    "PolicyTarget | IOrganizationalUnit | IAccount | refs.IOrganizationalUnitRef | refs.IAccountRef"
)


class PolicyTarget(Tracked, Construct):
    """What a policy can be attached to: the root, an OU or an account.

    Not a `cdk.Resource`, whose creation costs a third more: an organization has hundreds of these,
    and none has the physical name that `Resource` is for. What else it offers is here.
    """

    _place: Place
    _item: Item | None = None
    _guardrail_policy: GuardrailPolicy | None = None
    _allow_list: AllowList | None = None

    @property
    def stack(self) -> cdk.Stack:
        """The stack that declares it, or the reference to it."""
        return self._place.stack

    @property
    def env(self) -> ResourceEnvironment:
        """Account and Region of that stack: an organization is managed from one account."""
        return ResourceEnvironment(account=self.stack.account, region=self.stack.region)

    def apply_removal_policy(self, policy: cdk.RemovalPolicy) -> None:
        """Say what happens when the code goes or the stack is destroyed; by default it stays.

        Raises:
            OrgError: `ORG011` for what this app does not declare.
        """
        if self._item is None:
            raise OrgError(
                "ORG011",
                f"'{self._place.path}' is not a resource of this app; it has no removal policy",
            )
        self._item.l1.apply_removal_policy(policy)

    @property
    @abc.abstractmethod
    def target_id(self) -> str:
        """Id by which a policy is attached to this target."""

    @property
    @abc.abstractmethod
    def _holds_accounts(self) -> bool:
        """Whether this is the root or an OU, rather than an account."""

    @property
    @abc.abstractmethod
    def _policy_position(self) -> tuple[OrderStage, tuple[str, ...]]:
        """Stage and ids by which a policy of this target takes its place in the chain."""

    def attach(self, *guardrails_or_policies: Guardrail | Policy) -> None:
        """Attach guardrails or policies to this target.

        All guardrails of one target form one policy of that target. A policy of this app gets
        this target added; one that the app does not own cannot be attached, because
        CloudFormation has no attachment resource.

        Raises:
            OrgError: `ORG011` for something that cannot be attached; `ORG110` for a policy that
                would target accounts and OUs at once.
        """
        from .policy import Policy

        self._place.registry.refuse_when_finished(self._place.path)
        for thing in guardrails_or_policies:
            if isinstance(thing, Policy):
                thing._add_target(self)  # noqa: SLF001 - one concept in two classes
            elif isinstance(thing, Guardrail):
                self._guardrails_here()._attached.append(thing)  # noqa: SLF001
            elif isinstance(thing, type) and issubclass(thing, Guardrail):
                raise OrgError(
                    "ORG011",
                    f"'{self._place.path}': {thing.__name__} is the class; give {thing.__name__}(…)",
                )
            elif hasattr(thing, "policy_ref") or isinstance(thing, str):
                shown = f"'{thing}'" if isinstance(thing, str) else f"{type(thing).__name__}"
                raise OrgError(
                    "ORG011",
                    f"'{self._place.path}': policy {shown} is not owned by this app and cannot be "
                    "attached, CloudFormation has no attachment resource; declare a "
                    "ServiceControlPolicy with the same content, or attach it outside this app",
                )
            else:
                raise OrgError(
                    "ORG011",
                    f"'{self._place.path}': {thing!r} cannot be attached; give guardrails such as "
                    "DenyLeaveOrganization() or policies of this app",
                )

    def deny_by_default(self) -> AllowList:
        """Allow here only what the policies of this target allow: detach FullAWSAccess from it.

        A policy of this app that allows something has to be attached to this target by the same
        stack; every level above needs one that allows it too. New and moved accounts below are
        bound at once. **Removing the call attaches FullAWSAccess again**, before anything that goes
        in the same deployment is detached. Asking twice is asking once.
        """
        from .settings import AllowList

        if self._allow_list is None:
            self._place.registry.refuse_when_finished(self._place.path)
            self._depend_on_account_only()
            self._allow_list = AllowList(self)
        return self._allow_list

    def _depend_on_account_only(self) -> None:
        if not self._holds_accounts and self._item is not None:
            # Until now nothing was below the account, and CDK's own way did.
            depend_on_resource_only(self, self._item.l1)

    def _guardrails_here(self) -> GuardrailPolicy:
        """Return the one policy that holds this target's guardrails, made when first needed."""
        from ._guardrail_policy import GuardrailPolicy

        if self._guardrail_policy is None:
            self._depend_on_account_only()
            self._guardrail_policy = GuardrailPolicy(self)
        return self._guardrail_policy


def resolve_targets(
    targets: Sequence[Target], place: Place, known: Mapping[str, Target]
) -> dict[str, Target]:
    """Return targets by id, `known` ones included; nothing has changed when this raises."""
    if isinstance(targets, str) or not isinstance(targets, Sequence):
        raise OrgError(
            "ORG011",
            f"'{place.path}': targets is {kind_of(targets)}, not a list; give targets=[…]",
        )
    found = dict(known)
    for target in targets:
        found[identify(target, place)[0]] = target
    if len({identify(target, place)[1] for target in found.values()}) > 1:
        raise OrgError(
            "ORG110",
            f"'{place.path}' targets accounts and containers; declare one policy for "
            "the root and OUs and another for the accounts",
        )
    return found


def identify(target: Target, place: Place) -> tuple[str, bool]:
    """Return a target's id and whether it is the root or an OU."""
    if isinstance(target, PolicyTarget):
        return target.target_id, target._holds_accounts  # noqa: SLF001
    if not isinstance(target, str):
        unit = getattr(target, "organizational_unit_ref", None)
        if unit is not None:
            return cast("str", unit.organizational_unit_id), True
        account = getattr(target, "account_ref", None)
        if account is not None:
            return cast("str", account.account_id), False
    raise OrgError(
        "ORG011",
        f"'{place.path}': target {target!r} is not a root, OU or account; for an existing one "
        "give OrganizationalUnit.from_organizational_unit_id(…) or Account.from_account_id(…)",
    )


def kind_of(value: object) -> str:
    """Return what a value of the wrong type is, in words."""
    return "a string" if isinstance(value, str) else f"of type {type(value).__name__}"
