"""From consolidated billing to all features: every invited account agrees, then it is confirmed.

AWS's texts disagree about the last step: AcceptHandshake says that the management account accepts
an `APPROVE_ALL_FEATURES` handshake, EnableAllFeatures says that it accepts the
`ENABLE_ALL_FEATURES` one. Both are answered here.
"""

from __future__ import annotations

from .errors import constraint_violation, handshake_violation
from .operation import Call
from .state import Handshake, Organization, World

_DAY = 86_400
# Documentation: the standard process is for organizations with up to 5,000 accounts.
_LARGEST = 5_000
_PENDING = ("REQUESTED", "OPEN")


def pending(organization: Organization, world: World) -> Handshake | None:
    """Return the request that is under way in an organization."""
    for handshake in world.handshakes.values():
        if (
            handshake.organization_id == organization.id
            and handshake.action == "ENABLE_ALL_FEATURES"
            and handshake.parent_id is None
            and handshake.state in _PENDING
        ):
            return handshake
    return None


def start(call: Call) -> Handshake:
    """Ask every invited account, and return the request.

    Raises:
        ApiError: AWS refuses to start.
    """
    organization, world, now = call.organization, call.world, call.clock.now()
    if organization.feature_set == "ALL":
        raise handshake_violation(
            "The organization has already enabled all features.",
            "ORGANIZATION_ALREADY_HAS_ALL_FEATURES",
        )
    if pending(organization, world) is not None:
        raise handshake_violation(
            "The organization has already started the process to enable all features.",
            "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION",
        )
    if len(organization.accounts) > _LARGEST:
        raise constraint_violation(
            f"Your organization has more than {_LARGEST} accounts.",
            "ALL_FEATURES_MIGRATION_ORGANIZATION_SIZE_LIMIT_EXCEEDED",
        )
    request = _send(call, organization, "ENABLE_ALL_FEATURES", None, None)
    for account in organization.accounts.values():
        # Created accounts are not asked (documentation); suspended ones cannot answer (inference).
        is_member = account.id != organization.management_account_id
        if is_member and account.joined_method == "INVITED" and account.state == "ACTIVE":
            _send(call, organization, "ENABLE_ALL_FEATURES", account.id, request.id)
    _proceed(request, organization, world, now)
    return request


def _send(
    call: Call,
    organization: Organization,
    action: str,
    account_id: str | None,
    parent_id: str | None,
) -> Handshake:
    now = call.clock.now()
    handshake = Handshake(
        id=call.ids.handshake(),
        action=action,
        organization_id=organization.id,
        arn_prefix=organization.arn("handshake", action.lower()),
        account_id=account_id,
        email=None,
        requested_at=now,
        expires_at=now + call.settings.quota("all_features_expiry_days") * _DAY,
        parent_id=parent_id,
    )
    call.world.handshakes[handshake.id] = handshake
    return handshake


def _proceed(request: Handshake, organization: Organization, world: World, now: float) -> None:
    """Ask the management account to confirm once every invited account has agreed."""
    asked = [h for h in world.handshakes.values() if h.parent_id == request.id]
    if request.state != "REQUESTED" or any(h.state != "ACCEPTED" for h in asked):
        return
    request.state = "OPEN"
    # From here on the management account can answer the request itself, too.
    request.account_id = organization.management_account_id
    # Made from the request's id: who leaves may be the last one asked, and draws no ids.
    id = f"h-{request.id.removeprefix('h-')[::-1]}"
    world.handshakes[id] = Handshake(
        id=id,
        action="APPROVE_ALL_FEATURES",
        organization_id=organization.id,
        arn_prefix=organization.arn("handshake", "approve_all_features"),
        account_id=organization.management_account_id,
        email=None,
        requested_at=now,
        expires_at=request.expires_at,
        parent_id=request.id,
    )


def accept(call: Call, handshake: Handshake) -> None:
    """Agree as a member, or confirm as the management account."""
    world, now = call.world, call.clock.now()
    organization = world.organizations[handshake.organization_id]
    handshake.finish("ACCEPTED", now)
    request = world.handshakes.get(handshake.parent_id or handshake.id)
    if call.account_id != organization.management_account_id:
        if request is not None:
            _proceed(request, organization, world, now)
        return
    organization.feature_set = "ALL"
    for other in world.handshakes.values():
        is_part = request is not None and request.id in (other.id, other.parent_id)
        if is_part and other.state in _PENDING:
            other.finish("ACCEPTED", now)


def without(organization: Organization, account_id: str, world: World, now: float) -> None:
    """Go on without an account that leaves: it is not asked any more (inference)."""
    request = pending(organization, world)
    if request is None:
        return
    for child in list(world.handshakes.values()):
        if child.parent_id == request.id and child.account_id == account_id:
            del world.handshakes[child.id]
    _proceed(request, organization, world, now)
