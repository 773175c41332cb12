"""The function that applies a stack's settings, and how a setting is declared.

One function per stack serves all settings; each setting is one custom resource with plain
properties, so that a template reads like the organization it declares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from ._registry import Place, Tracked, place_of
from .handlers import (
    ASSET_DIRECTORY,
    ASSET_EXCLUDES,
    FUNCTION_NAME_PREFIX,
    FUNCTION_TIMEOUT_SECONDS,
    HANDLER,
    LOG_GROUP_NAME_PREFIX,
    ROLE_PATH,
    SERVICE_TIMEOUT_SECONDS,
    setting_actions,
    setting_conditions,
)

_HANDLER_ID = "OrganizationSettings"
_RUNTIME = "python3.14"
_LOG_RETENTION_DAYS = 365


class SettingsHandler(Construct):
    """The function behind a stack's settings, with a role that names the actions used.

    Made on first use, once per stack. Ids and logical ids are fixed.
    """

    PARTS = ("Logs", "Role", "Function")

    def __init__(self, scope: Construct, id: str) -> None:
        # Loading these modules takes longer than an organization without settings does.
        from aws_cdk import aws_iam as iam
        from aws_cdk import aws_lambda as lambda_
        from aws_cdk import aws_logs as logs

        super().__init__(scope, id)
        self.path = place_of(scope).child(id).path
        stack = place_of(scope).stack
        # A name of its own lets the execution policy grant this function and no other.
        # It lasts as long as the stack does: CloudFormation lets no setting change its function.
        lasting = place_of(scope).child(id).lasting_path
        digest = hashlib.sha256(lasting.encode()).hexdigest()[:8]
        name = f"{lasting.partition('/')[0][:36]}-{digest}"
        self._actions: set[str] = set()
        log_group = logs.CfnLogGroup(
            self,
            "Logs",
            log_group_name=f"{LOG_GROUP_NAME_PREFIX}{name}",
            retention_in_days=_LOG_RETENTION_DAYS,
        )
        # Nothing is lost with it: the organization's own history is in CloudTrail.
        log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self._log_statement = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": log_group.attr_arn,
        }
        self._role = iam.CfnRole(
            self,
            "Role",
            path=ROLE_PATH,
            assume_role_policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                    }
                ],
            },
            description="Settings of the organization that CloudFormation has no resource for",
        )
        # For whoever runs cdk-nag over an app that uses this library; a plain text, nothing loads it.
        cdk.Validations.of(self._role).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM5[Resource::*]",
                reason="the settings' actions take no resource narrower than the organization, or "
                "one that is not known before the deployment; they are named one by one",
            )
        )
        staged = cdk.AssetStaging(
            self,
            "Code",
            source_path=str(ASSET_DIRECTORY),
            exclude=list(ASSET_EXCLUDES),
        )
        location = stack.synthesizer.add_file_asset(
            file_name=staged.relative_staged_path(stack),
            packaging=cdk.FileAssetPackaging.ZIP_DIRECTORY,
            source_hash=staged.asset_hash,
        )
        self._function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=f"{FUNCTION_NAME_PREFIX}{name}",
            code=lambda_.CfnFunction.CodeProperty(
                s3_bucket=location.bucket_name, s3_key=location.object_key
            ),
            description="Sets what CloudFormation cannot in the organization",
            handler=HANDLER,
            runtime=_RUNTIME,
            role=self._role.attr_arn,
            timeout=FUNCTION_TIMEOUT_SECONDS,
            memory_size=256,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
        )

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
        return self._function.attr_arn

    def allow(self, resource_type: str) -> None:
        """Let the role do what a setting's handler does, and no more."""
        from aws_cdk import aws_iam as iam

        self._actions.update(setting_actions()[resource_type])
        conditions = setting_conditions()
        free = sorted(self._actions - conditions.keys())
        self._role.policies = [
            iam.CfnRole.PolicyProperty(
                policy_name="OrganizationSettings",
                policy_document={
                    "Version": "2012-10-17",
                    "Statement": [
                        self._log_statement,
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
                },
            )
        ]


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
