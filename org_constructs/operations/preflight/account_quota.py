"""There is room for the accounts that the deployment creates and invites.

Pending invitations count, and closed accounts until they are gone.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.model.quotas import default_quotas, quota

from ._line import Line, NotKnownError, failed, passed, unknown
from ._situation import Situation

POSITION = 60
_QUOTA = "accounts"


def look(situation: Situation) -> Iterator[Line]:
    """Compare what is there, what waits and what is to come with the quota."""
    pending = [
        party.get("Id", "").lower()
        for handshake in situation.invitations
        for party in handshake.get("Parties", ())
        if party.get("Type") in ("ACCOUNT", "EMAIL")
    ]
    joined = {*situation.accounts, *situation.account_by_email}
    inviting = situation.invited - set(pending) - joined
    # The management account is the first one of an organization that is to be created.
    there, waiting = len(situation.accounts) or 1, len(situation.invitations)
    new = len(situation.new_accounts) + len(inviting)
    total = there + waiting + new
    counted = f"{there} accounts, {waiting} pending invitations and {new} to come"
    limit, is_applied = _limit(situation)
    if total <= limit:
        yield passed(f"{counted} of {limit}")
    elif new == 0:
        yield passed(f"{counted}, so nothing is asked of the quota")
    elif is_applied:
        yield failed(
            f"{counted} are {total}, {limit} are allowed",
            "ask for more in Service Quotas, AWS Organizations, or deploy fewer",
        )
    else:
        yield unknown(
            f"{counted} are {total}; AWS allows {limit} until it is asked for more, and "
            "servicequotas:GetServiceQuota does not tell what was granted",
            f"give what was granted with --quota {_QUOTA}=NUMBER, or ask for more in Service Quotas",
        )


def _limit(situation: Situation) -> tuple[int, bool]:
    """Return the quota, and whether it is known to be the one of this organization."""
    # Refuses what is unknown or no number.
    value = quota(_QUOTA, situation.quotas)
    if _QUOTA in situation.quotas:
        return value, True
    code = default_quotas()[_QUOTA].service_quota
    try:
        client = situation.session.client(
            "service-quotas", region_name=situation.organizations_region
        )
        answer = situation.ask(
            "servicequotas:GetServiceQuota",
            lambda: client.get_service_quota(ServiceCode="organizations", QuotaCode=str(code)),
        )
    except NotKnownError:
        return value, False
    return int(answer["Quota"]["Value"]), True
