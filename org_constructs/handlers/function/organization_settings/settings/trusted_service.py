"""Lets a service of AWS act in the organization: trusted access.

Many services want to be asked themselves, since they make roles of their own then; what is done
here is what all of them need.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..errors import SettingError, error_code, error_reason, explain
from ..properties import SERVICE_PRINCIPAL, checked, turns_off
from ..trusted_access import trust
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from . import Run

_LOGGER = logging.getLogger(__name__)
_OF_THIS_SERVICE = {"StringEquals": {"organizations:ServicePrincipal": "{ServicePrincipal}"}}


class TrustedServiceSetting(Setting):
    """The resource type `Custom::TrustedService` with `ServicePrincipal` and `TurnOffOnRemoval`."""

    resource_type = "Custom::TrustedService"
    actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:EnableAWSServiceAccess": "lets the service act in the organization",
        "organizations:ListAWSServiceAccessForOrganization": "tells whether it may already",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DisableAWSServiceAccess": "lets the service act no longer",
    }
    conditions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DisableAWSServiceAccess": _OF_THIS_SERVICE,
        "organizations:EnableAWSServiceAccess": _OF_THIS_SERVICE,
    }
    kept = (
        "the service stays trusted: accounts may rely on it; to change that, set "
        "turn_off_on_removal, deploy, and then remove it"
    )

    def apply(
        self,
        properties: Mapping[str, Any],
        previous: Mapping[str, Any],  # noqa: ARG002 - another service is another setting
        run: Run,
    ) -> Outcome:
        """See `Setting.apply`."""
        principal = _principal(properties)
        turns_off(properties)
        trust(principal, run)
        return Outcome(physical_id=f"trusted/{principal}")

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """See `Setting.remove`."""
        if not turns_off(properties):
            return self.kept
        principal = _principal(properties)
        client: OrganizationsClient = run.client("organizations")
        try:
            run.patience.call(
                lambda: client.disable_aws_service_access(ServicePrincipal=principal),
                awaited=f"trusted access for '{principal}' to be disabled",
            )
        except Exception as error:
            remedy = _REMEDIES.get(error_reason(error))
            if remedy is None and error_code(error) != "ConstraintViolationException":
                raise
            raise SettingError(
                f"trusted access for '{principal}' cannot be disabled ({explain(error)}); "
                f"{remedy or 'turn off first, in the service, what relies on it'}"
            ) from error
        return f"the organization no longer trusts {principal}"


_REMEDIES = {
    "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE": (
        "deregister the service's delegated administrators first"
    ),
    "POLICY_TYPE_ENABLED_FOR_THIS_SERVICE": (
        "a policy type needs the service: delete its policies and call DisablePolicyType first"
    ),
}

SETTING = TrustedServiceSetting()


def _principal(properties: Mapping[str, Any]) -> str:
    return checked(properties, "ServicePrincipal", SERVICE_PRINCIPAL, "'cloudtrail.amazonaws.com'")
