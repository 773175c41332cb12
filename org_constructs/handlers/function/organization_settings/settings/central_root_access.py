"""Manages the root users of member accounts centrally: their credentials, and sessions as them.

IAM offers two features, each turned on by itself; both need trusted access for IAM first.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from ..errors import SettingError, error_code, explained
from ..properties import is_set, turns_off
from ..retry import is_unsettled
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from . import Run

_LOGGER = logging.getLogger(__name__)

# The API's names are those of the properties too; sessions build on credentials' management.
_FEATURES: Final = {
    "RootCredentialsManagement": "organizations_root_credentials_management",
    "RootSessions": "organizations_root_sessions",
}
_REMEDIES: Final = {
    "AccountNotManagementOrDelegatedAdministratorException": (
        "deploy this stack with credentials of the organization's management account"
    ),
    "CallerIsNotManagementAccountException": (
        "deploy this stack with credentials of the organization's management account"
    ),
    "OrganizationNotFoundException": "the account is in no organization; create it first",
    "OrganizationNotInAllFeaturesModeException": "enable all features of the organization first",
    "ServiceAccessNotEnabledException": (
        "trust 'iam.amazonaws.com' first: trusted_services= of the Organization"
    ),
}


class CentralRootAccessSetting(Setting):
    """The resource type `Custom::CentralRootAccess`.

    Properties: `RootCredentialsManagement`, `RootSessions` and `TurnOffOnRemoval`.
    """

    resource_type = "Custom::CentralRootAccess"
    actions = {  # noqa: RUF012 - annotated in Setting
        "iam:EnableOrganizationsRootCredentialsManagement": "turns the feature on",
        "iam:EnableOrganizationsRootSessions": "turns the feature on",
        "iam:ListOrganizationsFeatures": "tells which features are on already",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "iam:DisableOrganizationsRootCredentialsManagement": "turns the feature off",
        "iam:DisableOrganizationsRootSessions": "turns the feature off",
    }
    kept = (
        "central root access stays on: root users whose credentials are gone depend on it; to "
        "change that, set turn_off_on_removal, deploy, and then remove it"
    )

    def apply(
        self, properties: Mapping[str, Any], previous: Mapping[str, Any], run: Run
    ) -> Outcome:
        """See `Setting.apply`."""
        wanted = _wanted(properties)
        # Only a feature that the code has turned on can be turned off by it.
        dropped = _wanted(previous) - wanted if turns_off(properties) else set()
        enabled = _enabled(run)
        for feature in sorted(wanted - enabled):
            _call("enable", feature, run)
        for feature in sorted(dropped & enabled, reverse=True):
            _call("disable", feature, run)
        return Outcome(physical_id="central-root-access")

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """See `Setting.remove`."""
        if not turns_off(properties):
            return self.kept
        features = sorted(_wanted(properties), reverse=True)
        try:
            for feature in features:
                _call("disable", feature, run)
        except SettingError as error:
            if error_code(error.__cause__ or error) != "ServiceAccessNotEnabledException":
                raise
            return (
                "IAM is not trusted in the organization any more; its features are left as they are"
            )
        return f"{' and '.join(features) or 'nothing'} turned off"


SETTING = CentralRootAccessSetting()


def _wanted(properties: Mapping[str, Any]) -> set[str]:
    return {feature for feature in _FEATURES if is_set(properties, feature)}


def _enabled(run: Run) -> set[str]:
    client = run.client("iam")
    with explained("central root access cannot be read", _REMEDIES):
        found = run.patience.call(
            client.list_organizations_features,
            awaited="the list of central root access features",
            unsettled=_is_unsettled,
        )
    return set(found.get("EnabledFeatures", []))


def _call(verb: str, feature: str, run: Run) -> None:
    client = run.client("iam")
    with explained(f"{feature} cannot be {verb}d", _REMEDIES):
        run.patience.call(
            getattr(client, f"{verb}_{_FEATURES[feature]}"),
            awaited=f"{feature} to be {verb}d",
            unsettled=_is_unsettled,
        )
    _LOGGER.info("%s is %sd", feature, verb)


def _is_unsettled(error: Exception) -> bool:
    # Trusted access may be as new as this deployment.
    return is_unsettled(error) or error_code(error) == "ServiceAccessNotEnabledException"
