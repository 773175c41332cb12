"""The function that applies a stack's settings, and how a setting is declared.

One function per stack serves all settings; each setting is one custom resource with plain
properties, so that a template reads like the organization it declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from ._function import OrganizationFunction
from ._registry import Place, Tracked
from .handlers import (
    HANDLER,
    SERVICE_TIMEOUT_SECONDS,
    setting_actions,
    setting_conditions,
)

_HANDLER_ID = "OrganizationSettings"


class SettingsHandler(OrganizationFunction):
    """The function behind a stack's settings, with a role that names the actions used.

    Made on first use, once per stack. Ids and logical ids are fixed.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(
            scope,
            id,
            handler=HANDLER,
            what="Settings of the organization that CloudFormation has no resource for",
            does="Sets what CloudFormation cannot in the organization",
        )
        self._actions: set[str] = set()

    @staticmethod
    def of(place: Place) -> SettingsHandler:
        """Return the handler of a stack, made on first use."""
        handlers = place.registry.settings_handlers
        if place.stack_path not in handlers:
            handlers[place.stack_path] = SettingsHandler(place.stack, _HANDLER_ID)
        return handlers[place.stack_path]

    @property
    def service_token(self) -> str:
        """What a custom resource names to be served."""
        return self.function_arn

    def allow(self, resource_type: str) -> None:
        """Let the role do what a setting's handler does, and no more."""
        self._actions.update(setting_actions()[resource_type])
        conditions = setting_conditions()
        free = sorted(self._actions - conditions.keys())
        self.grant(
            "OrganizationSettings",
            [
                # ListRoots takes no resource, and the root's id is not known here.
                {"Effect": "Allow", "Action": free, "Resource": "*"},
                *(
                    {
                        "Effect": "Allow",
                        "Action": action,
                        "Resource": "*",
                        "Condition": conditions[action],
                    }
                    for action in sorted(self._actions & conditions.keys())
                ),
            ],
        )


class CfnSetting(Tracked, cdk.CfnResource):
    """The L1, watched for dependencies that user code adds."""


def declare_setting(
    scope: Construct, place: Place, resource_type: str, properties: Mapping[str, Any]
) -> CfnSetting:
    """Declare the custom resource of a setting, and let the stack's handler serve it."""
    handler = SettingsHandler.of(place)
    handler.allow(resource_type)
    return CfnSetting(
        scope,
        "Resource",
        type=resource_type,
        properties={
            "ServiceToken": handler.service_token,
            "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS),
            **properties,
        },
    )
