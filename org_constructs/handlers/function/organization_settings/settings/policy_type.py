"""Enables a policy type in the root, so that policies of that type can be attached.

EnablePolicyType is asynchronous and may be called in any state, so this reads the state, asks for
the change only when it is needed, and reads again until the type is enabled.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..errors import SettingError, error_code, error_reason, explain
from ..properties import ROOT_ID, checked
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from . import Run

_LOGGER = logging.getLogger(__name__)

# Not a list of the types: AWS adds some every year, and the constructs check the name.
_POLICY_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,63}")

# What a type without trusted access asks for. Facts as of 2026-11, from the user guide's page of
# each type; a type that is not listed gets the general advice.
_SERVICE_PRINCIPALS: Final[Mapping[str, str]] = {
    "BACKUP_POLICY": "backup.amazonaws.com",
    "DECLARATIVE_POLICY_EC2": "ec2.amazonaws.com",
    "GUARDDUTY_POLICY": "guardduty.amazonaws.com",
    "INSPECTOR_POLICY": "inspector2.amazonaws.com",
    "SECURITYHUB_POLICY": "securityhub.amazonaws.com",
    "TAG_POLICY": "tagpolicies.tag.amazonaws.com",
}


class PolicyTypeSetting(Setting):
    """The resource type `Custom::OrganizationPolicyType` with `RootId` and `PolicyType`."""

    resource_type = "Custom::OrganizationPolicyType"
    # No iam:CreateServiceLinkedRole: enabling a type creates no role. No permission for trusted
    # access: a type that needs it says so, and granting it is a decision of its own.
    actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:EnablePolicyType": "enables the type",
        "organizations:ListRoots": "the only operation that tells the state of a type",
    }
    kept = (
        "the policy type stays enabled: disabling it would detach every policy of the type from "
        "every account; to do that, call DisablePolicyType yourself"
    )

    def apply(
        self,
        properties: Mapping[str, Any],
        previous: Mapping[str, Any],  # noqa: ARG002 - another root or type is another setting
        run: Run,
    ) -> Outcome:
        """See `Setting.apply`."""
        root_id = checked(properties, "RootId", ROOT_ID, "'r-ab12'")
        policy_type = checked(properties, "PolicyType", _POLICY_TYPE, "'SERVICE_CONTROL_POLICY'")
        client: OrganizationsClient = run.client("organizations")
        attempt = 0
        while (status := _status(client, root_id, policy_type, run)) != "ENABLED":
            # A type that is being disabled settles first: enabling it now is refused.
            if status is None:
                _enable(client, root_id, policy_type, run)
            awaited = f"policy type {policy_type} to be enabled in root '{root_id}'"
            _LOGGER.info("waiting for %s: it is %s", awaited, status or "requested")
            run.patience.pause(attempt, awaited=f"{awaited} (it is {status or 'disabled'})")
            attempt += 1
        _LOGGER.info("policy type %s is enabled in root %s", policy_type, root_id)
        return Outcome(physical_id=f"{root_id}/{policy_type}")


SETTING = PolicyTypeSetting()


def _status(client: OrganizationsClient, root_id: str, policy_type: str, run: Run) -> str | None:
    """Return the state of the type in the root; `None` is disabled, which AWS leaves out."""
    attempt = 0
    while True:
        roots = run.patience.call(
            lambda: [
                root
                for page in client.get_paginator("list_roots").paginate()
                for root in page["Roots"]
            ],
            awaited="the list of the organization's roots",
        )
        for root in roots:
            if root.get("Id") == root_id:
                return next(
                    (
                        str(entry.get("Status"))
                        for entry in root.get("PolicyTypes", [])
                        if entry.get("Type") == policy_type
                    ),
                    None,
                )
        if not run.patience.settling:
            known = ", ".join(f"'{root.get('Id')}'" for root in roots) or "none"
            raise SettingError(
                f"root '{root_id}' is not a root of this organization, which has {known}; use "
                "that id, or deploy with credentials of the other organization's management account"
            )
        run.patience.pause(attempt, awaited=f"root '{root_id}' to appear")
        attempt += 1


def _enable(client: OrganizationsClient, root_id: str, policy_type: str, run: Run) -> None:
    try:
        run.patience.call(
            lambda: client.enable_policy_type(
                RootId=root_id,
                PolicyType=policy_type,  # type: ignore[arg-type] # the stubs list today's types
            ),
            awaited=f"policy type {policy_type} to be accepted for enabling in root '{root_id}'",
        )
    except client.exceptions.PolicyTypeAlreadyEnabledException:
        _LOGGER.info("policy type %s is enabled already", policy_type)
    except (
        client.exceptions.ConstraintViolationException,
        client.exceptions.InvalidInputException,
        client.exceptions.PolicyTypeNotAvailableForOrganizationException,
    ) as error:
        _refuse(error, policy_type)


def _refuse(error: Exception, policy_type: str) -> NoReturn:
    reason = error_reason(error)
    if reason == "SERVICE_ACCESS_NOT_ENABLED":
        principal = _SERVICE_PRINCIPALS.get(policy_type)
        service = f"'{principal}'" if principal else "the service that the type belongs to"
        raise SettingError(
            f"policy type {policy_type} needs trusted access first (SERVICE_ACCESS_NOT_ENABLED); "
            f"enable trusted access for {service} and deploy again (trusted_services= of the "
            "Organization)"
        ) from error
    if error_code(error) == "PolicyTypeNotAvailableForOrganizationException":
        raise SettingError(
            f"policy type {policy_type} is not available to this organization; it needs all "
            "features (enable them, members have to agree) and a partition that offers the type; "
            "otherwise remove the type and its policies"
        ) from error
    if error_code(error) == "InvalidInputException":
        raise SettingError(
            f"AWS refuses policy type '{policy_type}' ({explain(error)}); check its spelling, and "
            "that this partition offers it"
        ) from error
    raise error
