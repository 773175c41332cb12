"""Where a Control Tower landing zone governs OUs, its accounts are left to it.

Control Tower takes an account that is created or moved in an OU of its own for drift: the account
has none of its baseline, and may not be enrolled afterwards.

Source: https://docs.aws.amazon.com/controltower/latest/userguide/governance-drift.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from ._line import Line, NotKnownError, failed, passed, unknown
from ._situation import Situation

POSITION = 80
ACKNOWLEDGEABLE = True

# What Control Tower calls the policies of its preventive controls.
_POLICY_PREFIX: Final = "aws-guardrails-"
_DESCRIPTION: Final = "control tower"
_SERVICE: Final = "controltower.amazonaws.com"
_ROLE: Final = "AWSControlTowerAdmin"


def look(situation: Situation) -> Iterator[Line]:
    """Find a landing zone, name what is its own, and what the deployment would do there."""
    if situation.organization is None:
        return
    zones, registered, unanswered = _ask_control_tower(situation)
    policies = {
        id: policy
        for id, policy in situation.policies.items()
        if not policy["aws_managed"]
        and (
            policy["name"].startswith(_POLICY_PREFIX)
            or _DESCRIPTION in str(policy["description"]).lower()
        )
    }
    guarded = {target for policy in policies.values() for target in policy["targets"]}
    governed = {id for id in (registered | guarded) if id in situation.units}
    signs = _signs(situation) if not zones and not policies else []
    if not (zones or policies or signs):
        if unanswered:
            yield passed(f"no landing zone of Control Tower, by its signs ({unanswered})")
        else:
            yield passed("no landing zone of Control Tower")
        return
    found = ", ".join(zones) or "its signs: " + ", ".join(
        [*signs, *([] if signs else ["policies"])]
    )
    if not governed and not policies:
        yield unknown(
            f"a landing zone of Control Tower ({found}), and which OUs it governs is not told"
            + (f" ({unanswered})" if unanswered else ""),
            "allow controltower:ListEnabledBaselines to the caller in the landing zone's home "
            "Region, or see in its console that no OU of this app is registered",
        )
        return
    names = ", ".join(
        f"'{situation.name_of(id)}' ({_slots(policies, id)} SCPs of its own)"
        for id in sorted(governed)
    )
    listed = ", ".join(sorted(str(policy["name"]) for policy in policies.values()))
    refused = list(_refused(situation, governed))
    yield from refused
    if not refused:
        yield passed(
            f"a landing zone of Control Tower ({found}) governs {names or 'no OU'}; this "
            f"deployment neither creates nor moves accounts there; its policies take slots: "
            f"{listed or 'none'}"
        )
    else:
        yield unknown(
            f"a landing zone of Control Tower ({found}) governs {names}; its policies: "
            f"{listed or 'none'}",
            "docs/how-to/control-tower.md says what works beside it",
        )


def _refused(situation: Situation, governed: Collection[str]) -> Iterator[Line]:
    """Yield what the deployment would do with accounts in governed OUs."""
    remedy = (
        "let Control Tower do it (Account Factory, Register OU), declare another OU, or deploy "
        "with --acknowledge control-tower='REASON' and enroll the account afterwards"
    )
    new = {account.key for account in situation.new_accounts}
    for account in situation.app.accounts.values():
        wanted = situation.id_of(account.parent)
        if account.key in new:
            if wanted in governed:
                yield failed(
                    f"account '{account.path}' would be created in "
                    f"'{situation.name_of(str(wanted))}', which Control Tower governs",
                    remedy,
                )
            continue
        live = situation.accounts.get(situation.id_of(account.key) or "")
        if live is None or wanted is None or live["parent_id"] == wanted:
            continue
        if {wanted, live["parent_id"]} & set(governed):
            yield failed(
                f"account '{account.path}' would be moved from "
                f"'{situation.name_of(str(live['parent_id']))}' to '{situation.name_of(wanted)}', "
                "and Control Tower governs one of them",
                remedy,
            )
    for invited in situation.app.invitations.values():
        wanted = situation.id_of(invited.parent)
        names = {(invited.account_id or "").lower(), (invited.email or "").lower()}
        is_there = any(
            {id, str(entry["email"]).lower()} & names and entry["parent_id"] == wanted
            for id, entry in situation.accounts.items()
        )
        if wanted in governed and not is_there:
            yield failed(
                f"invited account '{invited.path}' would be moved to "
                f"'{situation.name_of(str(wanted))}', which Control Tower governs",
                remedy,
            )


def _slots(policies: dict[str, Any], target: str) -> int:
    return sum(target in policy["targets"] for policy in policies.values())


def _ask_control_tower(situation: Situation) -> tuple[list[str], set[str], str]:
    """Return landing zones, ids of registered OUs, and what was not answered.

    Control Tower answers in the home Region of its landing zone only, and is not in all Regions.
    """
    client = situation.client("controltower")
    try:
        zones = situation.ask(
            "controltower:ListLandingZones",
            lambda: [
                str(zone["arn"])
                for page in client.get_paginator("list_landing_zones").paginate()
                for zone in page["landingZones"]
            ],
        )
        if not zones:
            return [], set(), ""
        targets = situation.ask(
            "controltower:ListEnabledBaselines",
            lambda: [
                str(baseline["targetIdentifier"])
                for page in client.get_paginator("list_enabled_baselines").paginate()
                for baseline in page["enabledBaselines"]
            ],
        )
    except NotKnownError as error:
        action = str(error).partition(" ")[0]
        return [], set(), f"{action} does not answer"
    return zones, {target.rpartition("/")[2] for target in targets}, ""


def _signs(situation: Situation) -> list[str]:
    """Return what tells of a landing zone besides its policies; a look that fails tells nothing."""
    found: list[str] = []
    iam = situation.client("iam")

    def has_role() -> bool:
        try:
            iam.get_role(RoleName=_ROLE)
        except iam.exceptions.NoSuchEntityException:
            return False
        return True

    def is_trusted() -> bool:
        pages = situation.organizations.get_paginator(
            "list_aws_service_access_for_organization"
        ).paginate()
        return any(
            entry["ServicePrincipal"] == _SERVICE
            for page in pages
            for entry in page["EnabledServicePrincipals"]
        )

    # Either is enough, and without both nothing would be known.
    problems: list[NotKnownError] = []
    for sign, action, operation in (
        (f"role {_ROLE}", "iam:GetRole", has_role),
        (
            f"trusted access of {_SERVICE}",
            "organizations:ListAWSServiceAccessForOrganization",
            is_trusted,
        ),
    ):
        try:
            if situation.ask(action, operation):
                found.append(sign)
        except NotKnownError as error:
            problems.append(error)
    if problems and not found:
        raise problems[0]
    return found
