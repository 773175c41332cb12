"""Handshakes: asked for by one account, answered by another, expired by the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import all_features, invitations
from .errors import ApiError, invalid_input
from .operation import Call, Operation
from .paging import page
from .state import Handshake, Json, World

_DAY = 86_400
# Documentation: handshakes that are done stay visible for 30 days.
_VISIBLE = 30 * _DAY
_PENDING = ("REQUESTED", "OPEN")


def settle(world: World, now: float) -> None:
    """Expire what nobody answered, and forget what has been done for long."""
    for handshake in list(world.handshakes.values()):
        if handshake.state in _PENDING and handshake.expires_at <= now:
            handshake.state = "EXPIRED"
            handshake.completed_at = handshake.expires_at
        if handshake.completed_at is not None and handshake.completed_at + _VISIBLE <= now:
            del world.handshakes[handshake.id]


def _received(world: World, handshake: Handshake, account_id: str) -> bool:
    """Tell whether an account is the recipient, named by its id or its address."""
    if handshake.account_id is not None:
        return handshake.account_id == account_id
    email = world.email_of(account_id)
    return (
        handshake.email is not None
        and email is not None
        and handshake.email.lower() == email.lower()
    )


def _sent(world: World, handshake: Handshake, account_id: str) -> bool:
    organization = world.organizations.get(handshake.organization_id)
    return organization is not None and organization.management_account_id == account_id


def _handshake(call: Call) -> Handshake:
    """Return the handshake of a call; one that is none of the caller's does not exist (guess)."""
    handshake = call.world.handshakes.get(call.params["HandshakeId"])
    if handshake is None or not (
        _received(call.world, handshake, call.account_id)
        or _sent(call.world, handshake, call.account_id)
    ):
        raise ApiError(
            "HandshakeNotFoundException",
            "We can't find a handshake with the HandshakeId that you specified.",
        )
    return handshake


def _denied() -> ApiError:
    return ApiError("AccessDeniedException", "You don't have permissions to access this resource.")


def _check_state(handshake: Handshake, wanted: str) -> None:
    """Refuse a step that the handshake has taken, or cannot take any more."""
    if handshake.state == wanted:
        raise ApiError(
            "HandshakeAlreadyInStateException",
            f"The specified handshake is already in the requested state: {wanted}.",
        )
    if handshake.state not in _PENDING:
        raise ApiError(
            "InvalidHandshakeTransitionException",
            f"You can't perform this operation on a handshake that is {handshake.state}.",
        )


_ACCEPT: Mapping[str, Callable[[Call, Handshake], None]] = {
    "INVITE": invitations.accept,
    "ENABLE_ALL_FEATURES": all_features.accept,
    "APPROVE_ALL_FEATURES": all_features.accept,
}


def _accept(call: Call) -> Json:
    handshake = _handshake(call)
    if not _received(call.world, handshake, call.account_id):
        raise _denied()
    _check_state(handshake, "ACCEPTED")
    _ACCEPT[handshake.action](call, handshake)
    return _answer(call, handshake)


def _decline(call: Call) -> Json:
    handshake = _handshake(call)
    if not _received(call.world, handshake, call.account_id):
        raise _denied()
    _check_state(handshake, "DECLINED")
    handshake.finish("DECLINED", call.clock.now())
    return _answer(call, handshake)


def _cancel(call: Call) -> Json:
    handshake = _handshake(call)
    if not _sent(call.world, handshake, call.account_id):
        raise _denied()
    _check_state(handshake, "CANCELED")
    handshake.finish("CANCELED", call.clock.now())
    # A request for all features takes the ones that it sent with it (inference).
    for child in call.world.handshakes.values():
        if child.parent_id == handshake.id and child.state in _PENDING:
            child.finish("CANCELED", call.clock.now())
    return _answer(call, handshake)


def _answer(call: Call, handshake: Handshake) -> Json:
    return {"Handshake": describe_handshake(call, handshake)}


def describe_handshake(call: Call, handshake: Handshake) -> Json:
    """Return a handshake as the API shows it."""
    world, state = call.world, handshake.state
    if state == "REQUESTED" and handshake.action == "INVITE" and call.settings.invitations_open:
        state = "OPEN"
    organization = world.organizations.get(handshake.organization_id)
    parties = [{"Id": handshake.organization_id, "Type": "ORGANIZATION"}]
    resources: list[Json] = [{"Type": "ORGANIZATION", "Value": handshake.organization_id}]
    if organization is not None:
        management = organization.accounts[organization.management_account_id]
        resources[0]["Resources"] = [
            {"Type": "MASTER_EMAIL", "Value": management.email},
            {"Type": "MASTER_NAME", "Value": management.name},
            {"Type": "ORGANIZATION_FEATURE_SET", "Value": organization.feature_set},
        ]
    if handshake.email is not None:
        parties.append({"Id": handshake.email, "Type": "EMAIL"})
        resources.append({"Type": "EMAIL", "Value": handshake.email})
    if handshake.account_id is not None:
        parties.append({"Id": handshake.account_id, "Type": "ACCOUNT"})
        resources.append({"Type": "ACCOUNT", "Value": handshake.account_id})
    elif handshake.accepted_by is not None:
        # Documentation: the example of an accepted invitation by address names the account here.
        resources.append({"Type": "ACCOUNT", "Value": handshake.accepted_by})
    if handshake.notes is not None:
        resources.append({"Type": "NOTES", "Value": handshake.notes})
    if handshake.parent_id is not None:
        resources.append({"Type": "PARENT_HANDSHAKE", "Value": handshake.parent_id})
    return {
        "Id": handshake.id,
        "Arn": handshake.arn,
        "Parties": parties,
        "State": state,
        "RequestedTimestamp": handshake.requested_at,
        "ExpirationTimestamp": handshake.expires_at,
        "Action": handshake.action,
        "Resources": resources,
    }


def _list_received(call: Call) -> Json:
    return _list(call, lambda handshake: _received(call.world, handshake, call.account_id))


def _list_sent(call: Call) -> Json:
    own = call.organization.id
    return _list(call, lambda handshake: handshake.organization_id == own)


def _list(call: Call, is_wanted: Callable[[Handshake], bool]) -> Json:
    wanted: Json = call.params.get("Filter") or {}
    if len(wanted) > 1:
        raise invalid_input("You can specify only one filter.", "MAX_LIMIT_EXCEEDED_FILTER")
    action, parent = wanted.get("ActionType"), wanted.get("ParentHandshakeId")
    items = [
        describe_handshake(call, handshake)
        for handshake in call.world.handshakes.values()
        if is_wanted(handshake)
        and action in (None, handshake.action)
        and parent in (None, handshake.parent_id)
    ]
    return page(call.params, "Handshakes", items)


def _invite(call: Call) -> Json:
    return _answer(call, invitations.invite(call))


def _enable_all_features(call: Call) -> Json:
    return _answer(call, all_features.start(call))


OPERATIONS = {
    "InviteAccountToOrganization": Operation(run=_invite),
    "EnableAllFeatures": Operation(run=_enable_all_features),
    "AcceptHandshake": Operation(run=_accept),
    "DeclineHandshake": Operation(run=_decline),
    "CancelHandshake": Operation(run=_cancel),
    "DescribeHandshake": Operation(run=lambda call: _answer(call, _handshake(call)), read=True),
    "ListHandshakesForAccount": Operation(run=_list_received, read=True),
    "ListHandshakesForOrganization": Operation(run=_list_sent, read=True),
}
