"""What the constructs know of the settings function: its sources, entry point, names and actions.

CloudFormation has no resource for some settings of an organization. One Lambda function applies
them all, a `Custom::…` resource type per setting. Its sources are the folder `ASSET_DIRECTORY`,
which is the deployed archive as it is: nothing is generated or installed into it. Importing this
package needs neither boto3 nor CDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from .function.organization_settings.invitations import SWEEP_ACTIONS
from .function.organization_settings.settings import Setting, discover

__all__ = [
    "ASSET_DIRECTORY",
    "ASSET_EXCLUDES",
    "FUNCTION_NAME_PREFIX",
    "FUNCTION_TIMEOUT_SECONDS",
    "HANDLER",
    "LOG_GROUP_NAME_PREFIX",
    "ROLE_PATH",
    "SERVICE_TIMEOUT_SECONDS",
    "SWEEP_HANDLER",
    "Grant",
    "function_actions",
    "grants_of",
    "setting_actions",
    "sweep_actions",
]

ASSET_DIRECTORY: Final = Path(__file__).parent / "function"

# Byte code of whoever ran the tests would change the asset's hash, and with it every template.
ASSET_EXCLUDES: Final = ("**/__pycache__", "**/__pycache__/**", "**/*.pyc")

HANDLER: Final = "organization_settings.index.handler"
SWEEP_HANDLER: Final = "organization_settings.sweep.handler"

# CloudFormation shortens generated names from the middle, so a policy cannot scope on them. These
# prefixes are what the execution policy (operations/data/execution-policy.yaml) grants.
ROLE_PATH: Final = "/org-constructs/"
FUNCTION_NAME_PREFIX: Final = "org-constructs-"
LOG_GROUP_NAME_PREFIX: Final = "/aws/lambda/org-constructs-"

# Settings settle in seconds; the rest is patience with an organization that other changes keep
# busy.
FUNCTION_TIMEOUT_SECONDS: Final = 300

# The default is an hour. Two runs, with the minute that Lambda waits before it runs a function
# again whose answer could not be delivered.
SERVICE_TIMEOUT_SECONDS: Final = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One action that the function's role may use.

    Attributes:
        action: the IAM action.
        resources: on which resources; `{partition}` stands for the partition.
        condition: operator, key and value of the one condition, if there is any.
    """

    action: str
    resources: tuple[str, ...]
    condition: tuple[str, str, str] | None


def setting_actions() -> dict[str, tuple[str, ...]]:
    """Return the IAM actions that each setting uses, by its custom resource type.

    Those count in with which it turns off what it has turned on, where that is asked for.

    Returns:
        For example `{"Custom::OrganizationPolicyType": ("organizations:EnablePolicyType",
        "organizations:ListRoots")}`; types and actions sorted. Why each is needed stands in the
        setting's module.
    """
    return {
        resource_type: tuple(sorted({*setting.actions, *setting.removal_actions}))
        for resource_type, setting in sorted(discover().items())
    }


def grants_of(
    resource_type: str, properties: Mapping[str, Any], *, on_removal: bool = False
) -> tuple[Grant, ...]:
    """Return what the function's role needs for one setting.

    Args:
        resource_type: the setting's custom resource type.
        properties: its properties, which conditions may name.
        on_removal: whether what its removal does is asked for, rather than what applies it.
    """
    setting = _settings()[resource_type]
    grants = []
    for action in sorted(setting.removal_actions if on_removal else setting.actions):
        conditions = [
            (operator, key, value.format_map(properties))
            for operator, keys in setting.conditions.get(action, {}).items()
            for key, value in keys.items()
        ]
        grants.append(
            Grant(
                action=action,
                resources=setting.resources.get(action, ("*",)),
                condition=conditions[0] if conditions else None,
            )
        )
    return tuple(grants)


@cache
def _settings() -> Mapping[str, Setting]:
    return discover()


def sweep_actions() -> dict[str, str]:
    """Return the IAM actions of the sweep that places invited accounts, each with why."""
    return dict(SWEEP_ACTIONS)


def function_actions() -> tuple[str, ...]:
    """Return the IAM actions of all functions, sorted: the most that a role of theirs may do."""
    settings = {action for actions in setting_actions().values() for action in actions}
    return tuple(sorted(settings | SWEEP_ACTIONS.keys()))
