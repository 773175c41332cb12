"""A function of the organization's stacks: its code, its log and a role that names what it does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from ._registry import place_of
from .handlers import (
    ASSET_DIRECTORY,
    ASSET_EXCLUDES,
    FUNCTION_NAME_PREFIX,
    FUNCTION_TIMEOUT_SECONDS,
    LOG_GROUP_NAME_PREFIX,
    ROLE_PATH,
)

_RUNTIME = "python3.14"
_LOG_RETENTION_DAYS = 365


class OrganizationFunction(Construct):
    """One entry point of the handler package, as a function of one stack.

    Args:
        scope: the stack.
        id: stable id.
        handler: the entry point.
        what: what the role is for.
        does: what the function does.
    """

    def __init__(self, scope: Construct, id: str, *, handler: str, what: str, does: str) -> None:
        # Loading these modules takes longer than an organization without functions does.
        from aws_cdk import aws_iam as iam
        from aws_cdk import aws_lambda as lambda_
        from aws_cdk import aws_logs as logs

        super().__init__(scope, id)
        self.path = place_of(scope).child(id).path
        self.parts = ["Logs", "Role", "Function"]
        stack = place_of(scope).stack
        # A name of its own lets the execution policy grant this function and no other.
        # It lasts as long as the stack does: CloudFormation lets no setting change its function.
        lasting = place_of(scope).child(id).lasting_path
        self._stack_name = lasting.partition("/")[0]
        self._digest = hashlib.sha256(lasting.encode()).hexdigest()[:8]
        name = f"{self._stack_name[:36]}-{self._digest}"
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
            description=what,
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
            description=does,
            handler=handler,
            runtime=_RUNTIME,
            role=self._role.attr_arn,
            timeout=FUNCTION_TIMEOUT_SECONDS,
            memory_size=256,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=log_group.ref),
        )

    @property
    def function_name(self) -> str:
        """Name of the function, as a reference to it."""
        return self._function.ref

    @property
    def function_arn(self) -> str:
        """ARN of the function."""
        return self._function.attr_arn

    def name_of(self, part: str) -> str:
        """Return a name for something of at most ten letters that belongs to the function.

        It has at most 64 characters, and the prefix that the execution policy grants.
        """
        return f"{FUNCTION_NAME_PREFIX}{self._stack_name[:24]}-{self._digest}-{part}"

    def grant(self, policy_name: str, statements: Sequence[dict[str, Any]]) -> None:
        """Let the role do this, and write its own log; replaces what it could do before."""
        from aws_cdk import aws_iam as iam

        self._role.policies = [
            iam.CfnRole.PolicyProperty(
                policy_name=policy_name,
                policy_document={
                    "Version": "2012-10-17",
                    "Statement": [self._log_statement, *statements],
                },
            )
        ]


def acknowledge_wildcards(construct: Construct, resources: Iterable[str]) -> None:
    """Answer cdk-nag, for whoever runs it over an app of theirs; a plain text, nothing loads it."""
    cdk.Validations.of(construct).acknowledge(
        *(
            cdk.Acknowledgment(
                id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{arn}]".replace(
                    "{partition}", "<AWS::Partition>"
                ),
                reason="the functions' actions take no resource narrower than the organization, or "
                "one that is not known before the deployment; they are named one by one",
            )
            for arn in sorted(set(resources))
            if "*" in arn
        )
    )
