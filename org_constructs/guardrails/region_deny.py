"""Requests to Regions that are not allowed are denied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from org_constructs.model.errors import OrgError
from org_constructs.model.partitions import check_region, partition_of
from org_constructs.policies import Statement
from org_constructs.policies.statement import check_action

from ._global_services import exempt_actions, without_covered
from ._guardrail import Guardrail

_INFERENCE = (
    "bedrock:CreateModelInvocationJob",
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
)
_PREFIX = re.compile(r"[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True, kw_only=True)
class RegionDeny(Guardrail):
    """Deny every request to a Region that is not allowed, global services exempt.

    Global services answer in one Region, whatever Region is allowed, so they must be exempt. The
    exemptions are data, each with its evidence: both lists that AWS publishes, and the services
    that the SDK proves to be global in the partition of the allowed Regions. Services that live in
    one Region but are neither in AWS's lists nor global (Cost Optimization Hub, Amazon Managed
    Blockchain Query, Nova Act, Amazon SageMaker geospatial) stay denied; give their actions in
    `extra_exempt_actions`, or allow the Region. STS is exempt as in AWS's lists, as its global
    endpoint counts as `us-east-1`. Of Amazon S3, only calls about the account and its buckets at
    large are exempt.

    Pitfalls:
        - CloudFormation, Lambda, SSM and S3 buckets are not exempt. CDK stacks in `us-east-1` (a
          CloudFront certificate, Lambda@Edge, AWS WAF for CloudFront) need that Region allowed,
          or the CloudFormation execution role in `exempt_principals`.
        - Cross-Region inference of Amazon Bedrock is checked in each Region it may go to, and
          denied in those; see `bedrock_inference_profile_prefixes`.
        - The condition is about the endpoint that is called. A service that copies data to
          another Region with its service-linked role is not stopped.
        - `kms`, `acm`, `config`, `wafv2` and more are regional, yet exempt in AWS's lists since
          global services use them in `us-east-1`.

    Sources: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html#example-scp-deny-region,
    https://docs.aws.amazon.com/controltower/latest/controlreference/primary-region-deny-policy.html,
    https://github.com/aws-samples/service-control-policy-examples/tree/main/Region-controls

    Attributes:
        allowed_regions: codes of the Regions that stay usable, all of one partition, at least one.
        extra_exempt_actions: more actions to exempt, such as `cost-optimization-hub:*`.
        unlisted_regions: Regions to allow that are newer than the data of this library. Their
            spelling cannot be checked, only their form.
        bedrock_inference_profile_prefixes: geographies whose cross-Region inference profiles may
            be used although they lead to Regions that are not allowed: `eu` for profiles such as
            `eu.anthropic.…`. None by default.

    Raises:
        OrgError: `ORG006` for an unknown Region, or for Regions of two partitions; `ORG008` when
            no Region is allowed; `ORG009` for an exempt action that is none, or that is all.
    """

    documented_at: ClassVar[str] = (
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html#example-scp-deny-region"
    )

    allowed_regions: Sequence[str]
    extra_exempt_actions: Sequence[str] = ()
    unlisted_regions: Sequence[str] = ()
    bedrock_inference_profile_prefixes: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        what = type(self).__name__
        allowed = sorted({*self.allowed_regions, *self.unlisted_regions})
        if not allowed:
            raise OrgError(
                "ORG008",
                f"{what}: allowed_regions is empty, every request would be denied; name at least "
                "one region, allowed_regions=['us-east-1']",
            )
        for region in self.unlisted_regions:
            check_region(region, what=f"{what}: unlisted_regions", unlisted=[region])
        for region in allowed:
            check_region(
                region,
                what=f"{what}: allowed_regions",
                unlisted=self.unlisted_regions,
                unlisted_name="unlisted_regions",
            )
        object.__setattr__(self, "allowed_regions", tuple(allowed))
        self._check_partition(what)
        for action in self.extra_exempt_actions:
            self._check_exempt_action(action, what)
        for prefix in self.bedrock_inference_profile_prefixes:
            if not _PREFIX.fullmatch(prefix):
                raise OrgError(
                    "ORG009",
                    f"{what}: bedrock_inference_profile_prefixes '{prefix}' is not the part of a "
                    "profile's id before the first '.'; write one such as 'eu', 'us' or 'apac'",
                )

    @property
    def why(self) -> str:
        """What is denied, in one line."""
        return f"denies requests outside {', '.join(self.allowed_regions)}; global services exempt"

    def statements(self) -> Sequence[Statement]:
        """Return one statement, and a second one when inference may cross Regions."""
        outside = {"aws:RequestedRegion": self.allowed_regions}
        partition = next(iter(self._partitions()), None)
        exempt = {*exempt_actions(partition), *self.extra_exempt_actions}
        prefixes = self.bedrock_inference_profile_prefixes
        if not prefixes:
            return [
                self.deny(
                    not_actions=without_covered(exempt), conditions={"StringNotEquals": outside}
                )
            ]
        profiles = [f"arn:*:bedrock:*:*:inference-profile/{prefix}.*" for prefix in prefixes]
        return [
            self.deny(
                not_actions=without_covered({*exempt, *_INFERENCE}),
                conditions={"StringNotEquals": outside},
            ),
            self.deny(
                "BedrockInference",
                actions=_INFERENCE,
                conditions={
                    "StringNotEquals": outside,
                    "ArnNotLike": {"bedrock:InferenceProfileArn": profiles},
                },
            ),
        ]

    def _partitions(self) -> dict[str, str]:
        """Return a Region by the name of its partition; tokens have none."""
        found = {region: partition_of(region) for region in self.allowed_regions}
        return {
            partition.name: region for region, partition in found.items() if partition is not None
        }

    def _check_partition(self, what: str) -> None:
        found = self._partitions()
        if len(found) > 1:
            shown = ", ".join(f"'{region}' in {name}" for name, region in sorted(found.items()))
            raise OrgError(
                "ORG006",
                f"{what}: allowed_regions are of {len(found)} partitions ({shown}), and an "
                "organization is in one; write a guardrail for each organization",
            )

    def _check_exempt_action(self, action: str, what: str) -> None:
        check_action(action, what=f"{what}: extra_exempt_actions")
        if not action.strip("*?"):
            raise OrgError(
                "ORG009",
                f"{what}: extra_exempt_actions '{action}' exempts everything, so the guardrail "
                "would deny nothing; name a service such as 'cost-optimization-hub:*'",
            )
