"""The function that applies a stack's settings, and how a setting is declared.

One function per stack serves all settings; each setting is one custom resource with plain
properties, so that a template reads like the organization it declares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from ._function import OrganizationFunction, acknowledge_wildcards
from ._registry import Place, Tracked, untouch
from .handlers import (
    HANDLER,
    SERVICE_TIMEOUT_SECONDS,
    Grant,
    grants_of,
)
from .model.errors import OrgError
from .model.quotas import quota

_HANDLER_ID = "OrganizationSettings"
# Characters around the statements of a policy, and of the statement that lets it write its log.
_FRAME, _LOG_STATEMENT = 45, 300


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
        # In order of declaration; a set would have none.
        self._grants: dict[Grant, None] = {}
        self._removals: dict[tuple[Grant, ...], cdk.CfnResource] = {}
        self._sizes = {"log": _LOG_STATEMENT}

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

    def allow(self, resource_type: str, properties: Mapping[str, Any]) -> None:
        """Let the role do what a setting's handler does to apply it, and no more."""
        new = [g for g in grants_of(resource_type, properties) if g not in self._grants]
        if not new:
            return
        self._grants.update(dict.fromkeys(new))
        acknowledge_wildcards(self._role, _resources_of(new))
        statements = _statements(self._grants)
        self._check_size("settings", statements)
        self.grant("OrganizationSettings", statements)

    def allow_removal(self, resource_type: str, properties: Mapping[str, Any]) -> cdk.CfnResource:
        """Let the role do what the removal of a setting does; the setting depends on the result.

        A policy of its own: that of the role is updated before CloudFormation deletes what has
        gone from the template, and would no longer grant what the deletion needs. Settings that
        need the same share one.
        """
        from aws_cdk import aws_iam as iam

        grants = grants_of(resource_type, properties, on_removal=True)
        if grants not in self._removals:
            shown = json.dumps([asdict(grant) for grant in grants], sort_keys=True)
            id = f"Removal{hashlib.sha256(shown.encode()).hexdigest()[:8]}"
            statements = _statements(grants)
            self._check_size(id, statements)
            self.parts.append(id)
            self._removals[grants] = policy = iam.CfnPolicy(
                self,
                id,
                policy_name=id,
                policy_document={"Version": "2012-10-17", "Statement": statements},
                roles=[self._role.ref],
            )
            acknowledge_wildcards(policy, _resources_of(grants))
        return self._removals[grants]

    def _check_size(self, policy: str, statements: Sequence[Mapping[str, Any]]) -> None:
        """Refuse more than IAM takes, where the setting is written that is too many."""
        self._sizes[policy] = len(json.dumps(statements, separators=(",", ":"))) + _FRAME
        size, most = sum(self._sizes.values()), quota("role_inline_policy_characters")
        if size > most:
            raise OrgError(
                "ORG157",
                f"'{self.path}': what the function may do takes {size} characters of IAM policies, a role has at most "
                f"{most}; each setting with turn_off_on_removal=True adds to it: ask for that when something is to be "
                "turned off, or declare some settings in another stack",
            )


def _statements(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Return IAM's statements: one for what has no limits, one for each limited action."""
    free = {grant.action for grant in grants if _is_free(grant)}
    # ListRoots takes no resource, and the root's id is not known here.
    found: list[dict[str, Any]] = (
        [{"Effect": "Allow", "Action": sorted(free), "Resource": "*"}] if free else []
    )
    limited: dict[tuple[str, tuple[str, ...], str, str], set[str]] = {}
    for grant in grants:
        if grant.action in free:
            continue
        operator, key, value = grant.condition or ("", "", "")
        limited.setdefault((grant.action, grant.resources, operator, key), set()).add(value)
    for (action, resources, operator, key), values in sorted(limited.items()):
        arns = [arn.replace("{partition}", cdk.Aws.PARTITION) for arn in resources]
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": action,
            "Resource": arns[0] if len(arns) == 1 else arns,
        }
        if operator:
            listed = sorted(values)
            statement["Condition"] = {operator: {key: listed[0] if len(listed) == 1 else listed}}
        found.append(statement)
    return found


def _is_free(grant: Grant) -> bool:
    return grant.condition is None and grant.resources == ("*",)


def _resources_of(grants: Iterable[Grant]) -> set[str]:
    return {arn for grant in grants for arn in grant.resources}


class CfnSetting(Tracked, cdk.CfnResource):
    """The L1, watched for dependencies that user code adds."""


def declare_setting(
    scope: Construct,
    place: Place,
    resource_type: str,
    properties: Mapping[str, Any],
    *,
    acts_on_removal: bool = False,
) -> CfnSetting:
    """Declare the custom resource of a setting, and let the stack's handler serve it.

    Args:
        scope: the setting's construct.
        place: where that stands.
        resource_type: such as `Custom::OrganizationPolicyType`.
        properties: of the custom resource.
        acts_on_removal: whether its removal does something, which the handler then may.
    """
    handler = SettingsHandler.of(place)
    handler.allow(resource_type, properties)
    resource = CfnSetting(
        scope,
        "Resource",
        type=resource_type,
        properties={
            "ServiceToken": handler.service_token,
            "ServiceTimeout": str(SERVICE_TIMEOUT_SECONDS),
            **properties,
        },
    )
    if acts_on_removal:
        resource.add_resource_dependency(handler.allow_removal(resource_type, properties))
        untouch(resource)
    return resource
