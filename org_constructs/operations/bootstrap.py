"""Deploys the policy by which CloudFormation may deploy the organization, and checks its role.

`cdk bootstrap` on its own gives CloudFormation AdministratorAccess. The template beside this
module holds a policy for it instead, which allows what the organization's stacks need and denies
what loses an account. It is deployed here, with the credentials of an administrator of the
management account, before `cdk bootstrap` attaches it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from org_constructs.handlers import function_actions

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = [
    "BOUNDARY_NAME",
    "EXECUTION_POLICY_NAME",
    "FORBIDDEN_ACTIONS",
    "QUALIFIER",
    "STACK_NAME",
    "BootstrapError",
    "ExecutionPolicy",
    "cdk_bootstrap_arguments",
    "check_execution_role",
    "deploy_execution_policy",
    "execution_policy_template",
]

STACK_NAME: Final = "OrgConstructsBootstrap"
EXECUTION_POLICY_NAME: Final = "OrgConstructsCloudFormationExecution"
BOUNDARY_NAME: Final = "OrgConstructsBoundary"
# CDK's own default.
QUALIFIER: Final = "hnb659fds"

# What the role that CloudFormation deploys with must be denied, explicitly: only that outlasts
# another policy on the same role.
FORBIDDEN_ACTIONS: Final = (
    "organizations:CloseAccount",
    "organizations:DeleteOrganization",
    "organizations:RemoveAccountFromOrganization",
)

_TEMPLATE: Final = "data/execution-policy.yaml"
_POLL_SECONDS: Final = 2.0
_TIMEOUT_SECONDS: Final = 600.0
_DONE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# An update that failed leaves these, and another update starts from them.
_UPDATABLE: Final = _DONE | {"UPDATE_ROLLBACK_COMPLETE"}
# A creation that failed leaves these; nothing can be updated there, and nothing exists there that
# could be lost: the stack holds two policies, which nobody uses before it is complete.
_NEVER_CREATED: Final = frozenset({"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED"})
_STARTED: Final = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})

_Result = TypeVar("_Result")


class BootstrapError(Exception):
    """The bootstrap cannot be completed; the text names the remedy."""


@dataclass(frozen=True, kw_only=True)
class ExecutionPolicy:
    """The deployed policies.

    Attributes:
        policy_arn: for CloudFormation's role.
        boundary_arn: the permissions boundary for roles that the stacks make.
        changed: whether anything was created or updated.
    """

    policy_arn: str
    boundary_arn: str
    changed: bool


def execution_policy_template() -> str:
    """Return the CloudFormation template of the policies."""
    return resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")


def deploy_execution_policy(
    session: Session,
    *,
    template_body: str | None = None,
    stack_name: str = STACK_NAME,
    qualifier: str = QUALIFIER,
    setting_actions_allowed: Sequence[str] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    report: Callable[[str], None] = lambda _: None,
) -> ExecutionPolicy:
    """Create the policies for CloudFormation's role or bring them up to date, and wait.

    Safe to run again: an unchanged template is success. To be run again with every new version of
    this library, since a new setting widens the boundary by the actions it uses.

    Args:
        session: credentials that may administer IAM in the management account, and the Region
            that the organization's stacks are deployed to.
        template_body: the template; by default the one that comes with this library.
        stack_name: the stack to hold the policies.
        qualifier: the qualifier that `cdk bootstrap` is run with.
        setting_actions_allowed: the most that the settings function may do; by default what the
            settings of this library use.
        clock: seconds that only grow.
        sleep: waits so many seconds.
        report: takes a line on what is going on.

    Raises:
        BootstrapError: the stack is busy, stuck or fails; with the first failure's reason.
    """
    if setting_actions_allowed is None:
        setting_actions_allowed = function_actions()
    deployment = _Deployment(
        client=_ask(lambda: session.client("cloudformation"), "CloudFormation cannot be reached"),
        stack_name=stack_name,
        clock=clock,
        sleep=sleep,
        report=report,
    )
    changed = deployment.run(
        execution_policy_template() if template_body is None else template_body,
        {"Qualifier": qualifier, "SettingActions": ",".join(setting_actions_allowed)},
    )
    outputs = deployment.outputs()
    return ExecutionPolicy(
        policy_arn=outputs["ExecutionPolicyArn"],
        boundary_arn=outputs["BoundaryArn"],
        changed=changed,
    )


def cdk_bootstrap_arguments(
    policy: ExecutionPolicy, *, region: str, qualifier: str = QUALIFIER
) -> tuple[str, ...]:
    """Return the arguments of the CDK CLI that attach the policy to CloudFormation's role.

    Args:
        policy: what `deploy_execution_policy` returned.
        region: the Region that the organization's stacks are deployed to.
        qualifier: one of its own keeps other apps of the account, whose policies differ, apart.
    """
    account_id = policy.policy_arn.split(":")[4]
    arguments = (
        "bootstrap",
        f"aws://{account_id}/{region}",
        "--cloudformation-execution-policies",
        policy.policy_arn,
    )
    if qualifier == QUALIFIER:
        return arguments
    # CDK keeps one bootstrap stack per qualifier only if their names differ.
    return (
        *arguments,
        "--qualifier",
        qualifier,
        "--toolkit-stack-name",
        f"CDKToolkit-{qualifier}",
    )


def check_execution_role(
    session: Session, *, account_id: str, region: str, qualifier: str = QUALIFIER
) -> tuple[str, ...]:
    """Say what is dangerous about the role that CloudFormation deploys with.

    Reads the role as it is and lets IAM judge it, so a role that somebody bootstrapped or changed
    otherwise is seen. Needs `iam:ListAttachedRolePolicies` and `iam:SimulatePrincipalPolicy`.

    Args:
        session: credentials for the management account.
        account_id: the management account.
        region: the Region that the organization's stacks are deployed to.
        qualifier: the qualifier that `cdk bootstrap` was run with.

    Returns:
        One line a danger, with the remedy; empty when losing an account is denied.

    Raises:
        BootstrapError: the role does not exist or may not be read.
    """
    iam = _ask(lambda: session.client("iam"), "IAM cannot be reached")
    partition = session.get_partition_for_region(region)
    role_name = f"cdk-{qualifier}-cfn-exec-role-{account_id}-{region}"
    role_arn = f"arn:{partition}:iam::{account_id}:role/{role_name}"
    attached = _ask(
        lambda: [
            entry.get("PolicyName", "")
            for page in iam.get_paginator("list_attached_role_policies").paginate(
                RoleName=role_name
            )
            for entry in page["AttachedPolicies"]
        ],
        f"the policies of role '{role_name}' cannot be read",
    )
    decisions = _ask(
        lambda: {
            result["EvalActionName"]: result["EvalDecision"]
            for page in iam.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=role_arn, ActionNames=list(FORBIDDEN_ACTIONS)
            )
            for result in page["EvaluationResults"]
        },
        f"role '{role_name}' cannot be judged",
    )
    remedy = (
        f"run the bootstrap of this project again, which leaves only '{EXECUTION_POLICY_NAME}' on "
        "the role"
    )
    dangers = [
        f"role '{role_name}' is not explicitly denied {action} ({decisions.get(action)}); {remedy}"
        for action in FORBIDDEN_ACTIONS
        if decisions.get(action) != "explicitDeny"
    ]
    dangers += [
        f"role '{role_name}' also has policy '{name}', so it can do more than deploy the "
        f"organization; {remedy}"
        for name in attached
        if name != EXECUTION_POLICY_NAME
    ]
    return tuple(dangers)


@dataclass(frozen=True, kw_only=True)
class _Deployment:
    """One stack, created or updated and waited for.

    The AWS CLI's `cloudformation deploy` in small: this project does not ask for that CLI.
    """

    client: Any
    stack_name: str
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    report: Callable[[str], None]

    def run(self, template_body: str, parameters: Mapping[str, str]) -> bool:
        """Return whether anything changed."""
        request: dict[str, Any] = {
            "StackName": self.stack_name,
            "TemplateBody": template_body,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            # The policies' names are fixed, since cdk.json and the checks refer to them.
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        status = self._status()
        if status in _NEVER_CREATED:
            self.report(f"stack {self.stack_name} was never created ({status}); removing its rest")
            self._call("removed", lambda: self.client.delete_stack(StackName=self.stack_name))
            self._wait(until=frozenset({None}))
            status = None
        if status is None:
            self.report(f"creating stack {self.stack_name}")
            self._call("created", lambda: self.client.create_stack(**request))
            self._wait(until=_DONE)
            # Not in the request: a protected stack whose creation fails could not be removed.
            self._call(
                "protected",
                lambda: self.client.update_termination_protection(
                    StackName=self.stack_name, EnableTerminationProtection=True
                ),
            )
            return True
        if status not in _UPDATABLE:
            raise BootstrapError(
                f"stack '{self.stack_name}' is {status}; "
                + (
                    "wait until that is over and run this again"
                    if status.endswith("_IN_PROGRESS")
                    else "repair it in the CloudFormation console (continue the rollback, or delete "
                    "it after its policies are detached) and run this again"
                )
            )
        self.report(f"updating stack {self.stack_name}")
        if not self._update(request):
            self.report(f"stack {self.stack_name} is up to date")
            return False
        self._wait(until=_DONE)
        return True

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs by name."""
        stack = self._describe()
        return {
            output["OutputKey"]: output["OutputValue"]
            for output in (stack or {}).get("Outputs", [])
        }

    def _update(self, request: Mapping[str, Any]) -> bool:
        try:
            self.client.update_stack(**request)
        except (BotoCoreError, ClientError) as error:
            if "No updates are to be performed" in str(error):
                return False
            raise BootstrapError(
                f"stack '{self.stack_name}' cannot be updated: {_told(error)}"
            ) from error
        return True

    def _describe(self) -> Mapping[str, Any] | None:
        try:
            stacks = self.client.describe_stacks(StackName=self.stack_name)["Stacks"]
        except (BotoCoreError, ClientError) as error:
            if "does not exist" in str(error):
                return None
            raise BootstrapError(
                f"stack '{self.stack_name}' cannot be read: {_told(error)}"
            ) from error
        return cast("Mapping[str, Any]", stacks[0])

    def _status(self) -> str | None:
        stack = self._describe()
        return None if stack is None else str(stack["StackStatus"])

    def _wait(self, *, until: frozenset[str | None]) -> None:
        deadline = self.clock() + _TIMEOUT_SECONDS
        while (status := self._status()) not in until:
            if status is None or not status.endswith("_IN_PROGRESS"):
                raise BootstrapError(
                    f"stack '{self.stack_name}' is {status or 'gone'}: {self._first_failure()}; "
                    "correct that and run this again"
                )
            if self.clock() >= deadline:
                raise BootstrapError(
                    f"stack '{self.stack_name}' is still {status} after "
                    f"{_TIMEOUT_SECONDS:.0f} seconds; look at its events and run this again"
                )
            self.sleep(_POLL_SECONDS)

    def _first_failure(self) -> str:
        """Return why the last operation failed: its first failure, the others follow from it."""
        first = "no reason is given"
        pages = self.client.get_paginator("describe_stack_events").paginate(
            StackName=self.stack_name
        )
        try:
            # The newest event comes first.
            for event in (event for page in pages for event in page["StackEvents"]):
                status = event.get("ResourceStatus", "")
                if status.endswith("_FAILED"):
                    first = (
                        f"{event.get('LogicalResourceId')}: "
                        f"{event.get('ResourceStatusReason', status).rstrip('.')}"
                    )
                if event.get("LogicalResourceId") == self.stack_name and status in _STARTED:
                    break
        except (BotoCoreError, ClientError) as error:
            return f"its events cannot be read: {_told(error)}"
        return first

    def _call(self, done: str, operation: Callable[[], object]) -> None:
        _ask(operation, f"stack '{self.stack_name}' cannot be {done}")


def _ask(operation: Callable[[], _Result], failure: str) -> _Result:
    try:
        return operation()
    except (BotoCoreError, ClientError) as error:
        raise BootstrapError(f"{failure}: {_told(error)}") from error


def _told(error: Exception) -> str:
    text = str(error).rstrip(".")
    if "AccessDenied" in text:
        return f"{text}; use credentials of an administrator of the management account"
    return text
