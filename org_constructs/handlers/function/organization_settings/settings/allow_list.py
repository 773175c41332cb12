"""Detaches FullAWSAccess from a target, so that only what its own policies allow is allowed there.

It is detached only while another policy of the target allows something, and this is the one setting
whose removal acts by default: FullAWSAccess is attached again, since the policies that allow may go
with the same code, and a target where nothing is allowed locks out every account below it.
"""

# ruff: noqa: TID252 - the package has another name in Lambda, so its imports are relative

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import SettingError, error_code, error_reason, explain
from ..properties import checked
from ..retry import is_unsettled
from . import Outcome, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_organizations import OrganizationsClient

    from . import Run

_LOGGER = logging.getLogger(__name__)

_FULL_ACCESS: Final = "p-FullAWSAccess"
_TYPE: Final = "SERVICE_CONTROL_POLICY"
_TARGET: Final = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12}")
_OF_THIS_TYPE: Final = {"StringEquals": {"organizations:PolicyType": _TYPE}}
# The target and the policy are both asked for: no other policy can be attached or detached. AWS lists
# no ARN of its own policies for these actions, so both forms stand here.
_FULL_ACCESS_AND_TARGETS: Final = (
    "arn:{partition}:organizations::*:account/o-*/*",
    "arn:{partition}:organizations::*:ou/o-*/*",
    "arn:{partition}:organizations::*:policy/o-*/service_control_policy/p-FullAWSAccess",
    "arn:{partition}:organizations::*:root/o-*/*",
    "arn:{partition}:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
)
_NO_SLOT: Final = "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


class AllowListSetting(Setting):
    """The resource type `Custom::AllowList` with `TargetId`."""

    resource_type = "Custom::AllowList"
    actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DescribePolicy": "tells whether another policy allows something",
        "organizations:DetachPolicy": "detaches FullAWSAccess, and no other policy",
        "organizations:ListPoliciesForTarget": "tells what is attached to the target",
    }
    removal_actions = {  # noqa: RUF012 - annotated in Setting
        "organizations:AttachPolicy": "attaches FullAWSAccess again, and no other policy",
    }
    conditions = {  # noqa: RUF012 - annotated in Setting
        "organizations:DescribePolicy": _OF_THIS_TYPE,
        "organizations:ListPoliciesForTarget": _OF_THIS_TYPE,
    }
    resources = {  # noqa: RUF012 - annotated in Setting
        "organizations:AttachPolicy": _FULL_ACCESS_AND_TARGETS,
        "organizations:DetachPolicy": _FULL_ACCESS_AND_TARGETS,
    }
    kept = "FullAWSAccess is attached again: without it, nothing might be allowed any more"

    def apply(
        self,
        properties: Mapping[str, Any],
        previous: Mapping[str, Any],  # noqa: ARG002 - another target is another setting
        run: Run,
    ) -> Outcome:
        """See `Setting.apply`."""
        target = _target(properties)
        outcome = Outcome(physical_id=f"{target}/allow-list")
        attached = _attached(target, run)
        if _FULL_ACCESS not in attached:
            _LOGGER.info("FullAWSAccess is detached from %s already", target)
            return outcome
        attempt = 0
        while not any(_allows(policy, run) for policy in attached if policy != _FULL_ACCESS):
            # A policy that was attached a moment ago may not be listed everywhere.
            if not run.patience.settling:
                raise SettingError(
                    f"FullAWSAccess stays attached to '{target}': no other policy there allows "
                    "anything, and without it every request would be denied; attach a service "
                    "control policy that allows what is needed"
                )
            run.patience.pause(attempt, awaited=f"a policy of '{target}' that allows something")
            attached = _attached(target, run)
            attempt += 1
        _detach(target, run)
        return outcome

    def remove(self, properties: Mapping[str, Any], run: Run) -> str:
        """See `Setting.remove`."""
        target = _target(properties)
        client: OrganizationsClient = run.client("organizations")
        try:
            run.patience.call(
                lambda: client.attach_policy(PolicyId=_FULL_ACCESS, TargetId=target),
                awaited=f"FullAWSAccess to be attached to '{target}' again",
            )
        except Exception as error:
            code = error_code(error)
            if code == "DuplicatePolicyAttachmentException":
                return f"FullAWSAccess is attached to {target} already"
            if code in ("TargetNotFoundException", "PolicyTypeNotEnabledException"):
                return f"{target} is gone, or has no service control policies any more"
            if error_reason(error) == _NO_SLOT:
                raise SettingError(
                    f"FullAWSAccess cannot be attached to '{target}' again ({explain(error)}); "
                    "detach a policy from it, attach FullAWSAccess, and deploy again"
                ) from error
            raise
        return f"FullAWSAccess is attached to {target} again"


SETTING = AllowListSetting()


def _target(properties: Mapping[str, Any]) -> str:
    return checked(properties, "TargetId", _TARGET, "'r-ab12', 'ou-ab12-34cd56ef' or an account id")


def _attached(target: str, run: Run) -> list[str]:
    client: OrganizationsClient = run.client("organizations")
    pages = client.get_paginator("list_policies_for_target")
    try:
        return run.patience.call(
            lambda: [
                policy["Id"]
                for page in pages.paginate(TargetId=target, Filter=_TYPE)
                for policy in page["Policies"]
            ],
            awaited=f"the policies of '{target}'",
            # An account or OU may be as new as this deployment.
            unsettled=lambda error: (
                is_unsettled(error) or error_code(error) == "TargetNotFoundException"
            ),
        )
    except Exception as error:
        if error_code(error) != "TargetNotFoundException":
            raise
        raise SettingError(
            f"target '{target}' is not in this organization ({explain(error)}); check its id"
        ) from error


def _allows(policy_id: str, run: Run) -> bool:
    """Tell whether a policy has a statement that allows."""
    client: OrganizationsClient = run.client("organizations")
    found = run.patience.call(
        lambda: client.describe_policy(PolicyId=policy_id), awaited=f"policy '{policy_id}'"
    )
    statements = json.loads(found["Policy"]["Content"]).get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return any(statement.get("Effect") == "Allow" for statement in listed)


def _detach(target: str, run: Run) -> None:
    client: OrganizationsClient = run.client("organizations")
    try:
        run.patience.call(
            lambda: client.detach_policy(PolicyId=_FULL_ACCESS, TargetId=target),
            awaited=f"FullAWSAccess to be detached from '{target}'",
        )
    except Exception as error:
        if error_code(error) == "PolicyNotAttachedException":
            return
        if error_code(error) != "ConstraintViolationException":
            raise
        raise SettingError(
            f"FullAWSAccess cannot be detached from '{target}' ({explain(error)}); a target keeps "
            "at least one policy: attach one that allows what is needed"
        ) from error
    _LOGGER.info("FullAWSAccess is detached from %s", target)
