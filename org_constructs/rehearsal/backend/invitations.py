"""Invitations: existing accounts asked to join an organization."""

from __future__ import annotations

import re

from . import all_features
from .accounts import refuse_while_finalizing
from .errors import ApiError, handshake_violation, invalid_input
from .membership import depart, join, refuse_leaving
from .operation import Call
from .organization import need_service_linked_role
from .state import Account, Handshake, Json, Organization
from .tags import tags_of

_DAY = 86_400
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_ACCOUNT = re.compile(r"[0-9]{12}")


def invite(call: Call) -> Handshake:
    """Send an invitation and return its handshake.

    Raises:
        ApiError: AWS refuses the invitation.
    """
    organization, now = call.organization, call.clock.now()
    account_id, email = _target(call)
    tags = tags_of(call.params, call.settings)
    refuse_while_finalizing(organization, call.settings, now)
    if not call.settings.email_verified:
        raise ApiError(
            "AccountOwnerNotVerifiedException",
            "You can't invite an account until you verify the email address of the management "
            "account.",
        )
    if all_features.pending(organization, call.world) is not None:
        raise handshake_violation(
            "You can't invite accounts while all features are being enabled.",
            "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES",
        )
    known = account_id or call.world.account_of_email(email or "")
    if known in organization.accounts:
        raise handshake_violation(
            "The invited account is already a member of the organization.",
            "ALREADY_IN_AN_ORGANIZATION",
        )
    if account_id is not None and call.world.find(account_id) is None:
        call.world.see(account_id)
    if any(_is_same(call, sent, account_id, email) for sent in _sent(call, organization)):
        raise ApiError(
            "DuplicateHandshakeException",
            "A handshake with the same action and target already exists.",
        )
    _check_quotas(call, organization, now)
    handshake = Handshake(
        id=call.ids.handshake(),
        action="INVITE",
        organization_id=organization.id,
        arn_prefix=organization.arn("handshake", "invite"),
        account_id=account_id,
        email=email,
        requested_at=now,
        expires_at=now + call.settings.quota("invitation_expiry_days") * _DAY,
        notes=call.params.get("Notes"),
        tags=tags,
    )
    call.world.handshakes[handshake.id] = handshake
    return handshake


def _target(call: Call) -> tuple[str | None, str | None]:
    """Return the invited account's id or its address."""
    target: Json = call.params["Target"]
    kind, value = target["Type"], target["Id"]
    if kind == "ACCOUNT":
        if not _ACCOUNT.fullmatch(value):
            raise invalid_input(f"{value!r} is not an account id.", "INVALID_PATTERN")
        return value, None
    if kind == "EMAIL":
        if not _EMAIL.fullmatch(value):
            raise invalid_input(f"{value!r} is not an address.", "INVALID_EMAIL_ADDRESS_TARGET")
        return None, value
    raise invalid_input(
        "You can invite an ACCOUNT or an EMAIL, not an ORGANIZATION.", "INVALID_PARTY_TYPE_TARGET"
    )


def _sent(call: Call, organization: Organization) -> list[Handshake]:
    return [
        handshake
        for handshake in call.world.handshakes.values()
        if handshake.organization_id == organization.id and handshake.action == "INVITE"
    ]


def _is_same(call: Call, sent: Handshake, account_id: str | None, email: str | None) -> bool:
    if sent.state != "REQUESTED":
        return False
    if account_id is not None and sent.account_id is not None:
        return account_id == sent.account_id
    # An invitation by id and one by address can be for the same account.
    own = email or call.world.email_of(account_id or "")
    other = sent.email or call.world.email_of(sent.account_id or "")
    return own is not None and other is not None and own.lower() == other.lower()


def _check_quotas(call: Call, organization: Organization, now: float) -> None:
    settings, sent = call.settings, _sent(call, organization)
    most = settings.quota("accounts")
    pending = sum(handshake.state == "REQUESTED" for handshake in sent)
    creating = sum(c.state == "IN_PROGRESS" for c in organization.creations.values())
    if len(organization.accounts) + creating + pending >= most:
        raise handshake_violation(
            f"You have exceeded the number of accounts in the organization: {most}. Pending "
            "invitations count.",
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        )
    daily = max(settings.quota("invitations_per_24_hours"), most)
    recent = sum(h.requested_at > now - _DAY and h.state != "ACCEPTED" for h in sent)
    if recent >= daily:
        raise handshake_violation(
            f"You have exceeded the number of handshakes that you can send in one day: {daily}.",
            "HANDSHAKE_RATE_LIMIT_EXCEEDED",
        )


def accept(call: Call, handshake: Handshake) -> None:
    """Let the caller join the organization that invited it, out of its own one if it has one.

    Raises:
        ApiError: AWS refuses the step.
    """
    world, now = call.world, call.clock.now()
    organization = world.organizations[handshake.organization_id]
    current = world.find(call.account_id)
    if current is organization:
        raise handshake_violation(
            "The account is already a member of the organization.", "ALREADY_IN_AN_ORGANIZATION"
        )
    if len(organization.accounts) >= call.settings.quota("accounts"):
        raise handshake_violation(
            "The organization has as many accounts as it may have.",
            "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
        )
    if organization.feature_set == "ALL":
        need_service_linked_role(call.settings)
    if current is not None:
        # A member of another organization moves directly, by the rules for leaving that one.
        refuse_leaving(current, call.account_id, call.settings, now)
        depart(current, call.account_id, world, now)
    outsider = world.see(call.account_id)
    handshake.finish("ACCEPTED", now)
    handshake.accepted_by = outsider.id
    join(
        organization,
        Account(
            id=outsider.id,
            name=outsider.name,
            email=outsider.email,
            parent_id=organization.root_id,
            joined_method="INVITED",
            joined_at=now,
        ),
        handshake.tags,
        world,
        now,
    )
