"""Accounts that exist already and are invited into the organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from aws_cdk.interfaces import aws_organizations as refs
from constructs import Construct

from ._dependable import depend_on_resource_only
from ._function import OrganizationFunction, acknowledge_wildcards
from ._order import OrderStage, Position
from ._registry import Item, Place, Tracked, place_of, remember
from ._render import is_token
from ._settings_handler import declare_setting
from .handlers import SWEEP_HANDLER, sweep_actions
from .model.errors import OrgError
from .model.identifiers import check_account_id, check_construct_id, check_email
from .model.organization import INVITATION
from .organizational_unit import Container, IOrganizationalUnit, resolve_parent

if TYPE_CHECKING:
    from ._settings_handler import CfnSetting

_SWEEP_ID = "InvitationSweep"
_SCHEDULE = "rate(10 minutes)"
# HandshakeNotes of the API's model.
_LONGEST_NOTES = 1024
# EventBridge takes 8,192 characters of constant input and five targets a rule. An invitation has
# at most 170 of them: an address of 64, an OU's id of 68, and the names around.
_INVITATIONS_PER_TARGET = 45
_TARGETS_PER_RULE = 5
# Lambda and EventBridge forget an event that is older than this; neither takes less.
_SHORTEST_AGE = 60
# What tells that an invitation was accepted: as the call, or as what the service says of it. Since
# 2026-05 AWS also tells that an account has joined; which detail-type that has is not documented.
_ACCEPTED = {
    "source": ["aws.organizations"],
    "detail-type": ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"],
    "detail": {
        "eventSource": ["organizations.amazonaws.com"],
        "eventName": ["AcceptHandshake", "AccountJoinedOrganization"],
    },
}


class AccountInvitation(Tracked, cdk.Resource):
    """Invite an account that exists, and place it in an OU once it has joined.

    The deployment sends the invitation and is done; that nobody has accepted yet is no failure. The
    owner accepts inside the invited account (`orgctl invitations accept`, the console or the CLI).
    AWS then puts the account into the root, where the root's policies rule it, and a sweep moves it
    here: when AWS tells of the acceptance, and every ten minutes in case that was lost. An account
    that is a member already is moved at once. No role in the invited account is needed.

    An invitation that was declined or has expired (after 15 days) is sent again by
    `orgctl invitations resend`, which `make deploy` runs. Removing the code withdraws an invitation
    that is pending, and never removes an account that has joined. Another `parent` moves the
    account; its logical id depends on its scope and id alone.

    Args:
        scope: construct that the invitation belongs to; `invite_account` takes the scope
            `Invitations` of the parent's stack.
        id: stable id.
        parent: the root or OU in which the account shall be: of this app, of another stack,
            existing, or an L1.
        account_id: id of the account. Either this or `email`.
        email: address of the account's root user.
        notes: what the owner reads in the invitation, at most 1024 characters; by default where the
            account will be placed. Notes of an invitation that is sent do not change.

    Raises:
        OrgError: `ORG001` e-mail, `ORG004` account id, `ORG005` id or scope, `ORG011` parent,
            `ORG143` neither or both of account id and e-mail, or notes that are too long.

    Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html
    """

    RESOURCE_TYPE = INVITATION

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        parent: Container | IOrganizationalUnit | refs.IOrganizationalUnitRef,
        account_id: str | None = None,
        email: str | None = None,
        notes: str | None = None,
    ) -> None:
        check_construct_id(id)
        place = place_of(scope).child(id)
        what = f"invitation '{id}'"
        _check_target(account_id, email, what)
        parent_id, parent_item, _, parent_stacks = resolve_parent(parent, what)
        if notes is None:
            notes = f"The account will be placed in {_named(parent)}."
        _check_notes(notes, what)
        super().__init__(scope, id)
        remember(self, place)
        self._place = place
        self.parent_id = parent_id
        self.invited = {"AccountId": account_id} if account_id is not None else {"Email": email}
        self._resource: CfnSetting = declare_setting(
            self,
            place,
            self.RESOURCE_TYPE,
            {**self.invited, "ParentId": parent_id, **({"Notes": notes} if notes else {})},
            acts_on_removal=True,
        )
        depend_on_resource_only(self, self._resource)
        place.registry.add(
            Item(
                l1=self._resource,
                owner=cast("Construct", self),
                place=place,
                position=Position(OrderStage.INVITATION, place.ids, place.path),
                needs=[parent_item] if parent_item else [],
                stacks_needed=parent_stacks,
            )
        )
        place.registry.note_source(place.path)
        InvitationSweep.of(place).cover(self)

    @property
    def invitation_state(self) -> str:
        """What the last deployment that wrote it found: `REQUESTED`, `PLACED` or `QUARANTINED`."""
        return self._resource.get_att("State").to_string()

    @property
    def handshake_id(self) -> str:
        """Id of the invitation, such as `h-examplehandshakeid111`, or `none` for a member."""
        return self._resource.get_att("HandshakeId").to_string()

    @property
    def account_id(self) -> str:
        """Id of the account; `none` while one that is invited by its address has not joined."""
        return self._resource.get_att("AccountId").to_string()


class InvitationSweep(OrganizationFunction):
    """Places the invited accounts of one stack when they have joined. Made on first use.

    The rules hand over all that the function needs to know, after the policies in the chain: the
    function never learns of an OU whose guardrails are not attached. They come before the
    invitations: where a deployment stops in between, the function does not move back who has moved.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(
            scope,
            id,
            handler=SWEEP_HANDLER,
            what="Places accounts that have joined the organization by invitation",
            does="Moves accounts that have joined by invitation to their OUs",
        )
        self.parts += ["Acceptance", "AcceptanceMayRun", "Retries", "Schedule", "ScheduleMayRun"]
        acknowledge_wildcards(self._role, ["*"])
        self._invitations: list[AccountInvitation] = []
        self._place = place_of(scope).child(id)
        actions = sorted(sweep_actions())
        self.grant("InvitationSweep", [{"Effect": "Allow", "Action": actions, "Resource": "*"}])
        self._never_repeat()
        self._rules = [
            self._rule("Acceptance", "An invitation was accepted", event_pattern=_ACCEPTED),
            self._rule("Schedule", "Events can be lost", schedule_expression=_SCHEDULE),
        ]
        self._place.registry.finishers.append(self)

    @staticmethod
    def of(place: Place) -> InvitationSweep:
        """Return the sweep of a stack, made on first use."""
        sweeps = place.registry.sweeps
        if place.stack_path not in sweeps:
            sweeps[place.stack_path] = InvitationSweep(place.stack, _SWEEP_ID)
        return sweeps[place.stack_path]

    def cover(self, invitation: AccountInvitation) -> None:
        """Place this account, too."""
        self._invitations.append(invitation)

    def collect(self) -> None:
        """Nothing is asked of user code."""

    def finish(self) -> None:
        """Tell the function, by way of its rules, who belongs where.

        Raises:
            OrgError: `ORG145` for more invitations than the rules can carry.
        """
        most = _INVITATIONS_PER_TARGET * _TARGETS_PER_RULE
        if len(self._invitations) > most:
            raise OrgError(
                "ORG145",
                f"stack '{self._place.stack_path}' has {len(self._invitations)} invitations, at "
                f"most {most} are allowed; declare some of them in another stack",
            )
        wanted = [
            {**invitation.invited, "ParentId": invitation.parent_id}
            for invitation in sorted(self._invitations, key=lambda one: one._place.path)  # noqa: SLF001
        ]
        targets = [
            {
                "Id": f"Sweep{number}",
                "Arn": self.function_arn,
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": _SHORTEST_AGE,
                    "MaximumRetryAttempts": 0,
                },
                "Input": self._place.stack.to_json_string(
                    {"Invitations": wanted[start : start + _INVITATIONS_PER_TARGET]}
                ),
            }
            for number, start in enumerate(range(0, len(wanted), _INVITATIONS_PER_TARGET))
        ]
        for rule in self._rules:
            rule.add_property_override("Targets", targets)

    def _never_repeat(self) -> None:
        """Let no run come later than it was meant to, with what is declared no longer.

        It could take an account back to an OU that a deployment has meanwhile stripped of its
        policies. The next run, ten minutes later, makes up for one that failed.
        """
        from aws_cdk import aws_lambda as lambda_

        lambda_.CfnEventInvokeConfig(
            self,
            "Retries",
            function_name=self.function_name,
            qualifier="$LATEST",
            maximum_event_age_in_seconds=_SHORTEST_AGE,
            maximum_retry_attempts=0,
        )

    def _rule(self, id: str, description: str, **when: Any) -> cdk.CfnResource:
        from aws_cdk import aws_events as events
        from aws_cdk import aws_lambda as lambda_

        class CfnRule(Tracked, events.CfnRule):
            """The L1, watched for dependencies that user code adds."""

        rule = CfnRule(self, id, name=self.name_of(id), description=description, **when)
        lambda_.CfnPermission(
            self,
            f"{id}MayRun",
            action="lambda:InvokeFunction",
            function_name=self.function_arn,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        self._place.registry.add(
            Item(
                l1=rule,
                owner=self,
                place=self._place.child(id),
                position=Position(OrderStage.INVITATION_SWEEP, self._place.child(id).ids, id),
            )
        )
        return rule


def _check_target(account_id: str | None, email: str | None, what: str) -> None:
    if (account_id is None) is (email is None):
        given = "both account_id and email" if email is not None else "neither account_id nor email"
        raise OrgError(
            "ORG143", f"{what}: {given} are given; give the one by which the account is invited"
        )
    if account_id is not None and not is_token(account_id):
        check_account_id(account_id, what=f"{what}: account id")
    if email is not None and not is_token(email):
        check_email(email, what=what)


def _check_notes(notes: str, what: str) -> None:
    if not isinstance(notes, str):
        raise OrgError("ORG143", f"{what}: notes is {notes!r}, not a text; give a sentence")
    if not is_token(notes) and len(notes) > _LONGEST_NOTES:
        raise OrgError(
            "ORG143",
            f"{what}: the notes have {len(notes)} characters, at most {_LONGEST_NOTES} are allowed; "
            "shorten them",
        )


def _named(parent: object) -> str:
    """Return how an owner who reads the invitation can call the place."""
    if isinstance(parent, Container) and not is_token("/".join(parent._ids)):  # noqa: SLF001
        path = "/".join(parent._ids)  # noqa: SLF001
        return f"the organizational unit {path}" if path else "the root of the organization"
    return "an organizational unit of the organization"
