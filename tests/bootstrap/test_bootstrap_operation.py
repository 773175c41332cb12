from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from org_constructs.handlers import function_actions
from org_constructs.operations.bootstrap import (
    FORBIDDEN_ACTIONS,
    BootstrapError,
    ExecutionPolicy,
    cdk_bootstrap_arguments,
    check_execution_role,
    deploy_execution_policy,
    execution_policy_template,
)

POLICY_ARN = "arn:aws:iam::111122223333:policy/OrgConstructsCloudFormationExecution"
BOUNDARY_ARN = "arn:aws:iam::111122223333:policy/OrgConstructsBoundary"
NAME = "OrgConstructsBootstrap"
REQUEST = {
    "StackName": NAME,
    "TemplateBody": ANY,
    "Parameters": [
        {"ParameterKey": "Qualifier", "ParameterValue": "hnb659fds"},
        {
            "ParameterKey": "SettingActions",
            "ParameterValue": ",".join(function_actions()),
        },
    ],
    "Capabilities": ["CAPABILITY_NAMED_IAM"],
}


class Account:
    """CloudFormation and IAM of one account, with answers laid out in the order of the calls."""

    def __init__(self, service: str) -> None:
        self.client: Any = boto3.client(
            service,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - no secret
        )
        self.stubber = Stubber(self.client)
        self.stubber.activate()
        self.now = 0.0

    def get_partition_for_region(self, _: str) -> str:
        """Stand in for the session."""
        return "aws"

    def is_(self, *statuses: str | None) -> None:
        """Let the next reads of the stack show these; `None` is no stack."""
        for status in statuses:
            if status is None:
                self.stubber.add_client_error(
                    "describe_stacks", "ValidationError", f"Stack with id {NAME} does not exist"
                )
                continue
            stack = {
                "StackName": NAME,
                "CreationTime": datetime(2026, 11, 23, tzinfo=UTC),
                "StackStatus": status,
                "Outputs": [
                    {"OutputKey": "ExecutionPolicyArn", "OutputValue": POLICY_ARN},
                    {"OutputKey": "BoundaryArn", "OutputValue": BOUNDARY_ARN},
                ],
            }
            self.stubber.add_response("describe_stacks", {"Stacks": [stack]})

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def deploy(self, **options: Any) -> ExecutionPolicy:
        """Deploy with this account."""
        session: Any = type("Session", (), {"client": lambda *_: self.client})()
        return deploy_execution_policy(session, clock=lambda: self.now, sleep=self.sleep, **options)

    def check(self) -> tuple[str, ...]:
        """Check the role of this account."""
        session: Any = type(
            "Session",
            (),
            {
                "client": lambda *_: self.client,
                "get_partition_for_region": self.get_partition_for_region,
            },
        )()
        return check_execution_role(session, account_id="111122223333", region="us-east-1")


@pytest.fixture
def account() -> Iterator[Account]:
    """Calls to CloudFormation."""
    fake = Account("cloudformation")
    yield fake
    fake.stubber.assert_no_pending_responses()
    fake.client.close()


@pytest.fixture
def iam() -> Iterator[Account]:
    """Calls to IAM."""
    fake = Account("iam")
    yield fake
    fake.stubber.assert_no_pending_responses()
    fake.client.close()


def test_a_new_stack_is_created_and_protected(account: Account) -> None:
    """The first bootstrap."""
    account.is_(None)
    account.stubber.add_response("create_stack", {"StackId": "1"}, REQUEST)
    account.is_("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    account.stubber.add_response(
        "update_termination_protection",
        {"StackId": "1"},
        {"StackName": NAME, "EnableTerminationProtection": True},
    )
    account.is_("CREATE_COMPLETE")
    lines: list[str] = []
    assert account.deploy(report=lines.append) == ExecutionPolicy(
        policy_arn=POLICY_ARN, boundary_arn=BOUNDARY_ARN, changed=True
    )
    assert lines == ["creating stack OrgConstructsBootstrap"]


def test_an_existing_stack_is_updated(account: Account) -> None:
    """A new version of the library."""
    account.is_("CREATE_COMPLETE")
    account.stubber.add_response("update_stack", {"StackId": "1"}, REQUEST)
    account.is_(
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE",
    )
    assert account.deploy().changed
    assert account.now == 4


def test_no_changes_is_success(account: Account) -> None:
    """CloudFormation calls it an error."""
    account.is_("UPDATE_ROLLBACK_COMPLETE")
    account.stubber.add_client_error(
        "update_stack", "ValidationError", "No updates are to be performed."
    )
    account.is_("UPDATE_ROLLBACK_COMPLETE")
    assert not account.deploy().changed


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED"])
def test_what_was_never_created_is_made_anew(account: Account, status: str) -> None:
    """Such a stack can only be deleted, and holds nothing in use."""
    account.is_(status)
    account.stubber.add_response("delete_stack", {}, {"StackName": NAME})
    account.is_("DELETE_IN_PROGRESS", None)
    account.stubber.add_response("create_stack", {"StackId": "1"}, REQUEST)
    account.is_("CREATE_COMPLETE")
    account.stubber.add_response("update_termination_protection", {"StackId": "1"})
    account.is_("CREATE_COMPLETE")
    assert account.deploy().changed


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("UPDATE_IN_PROGRESS", "wait until that is over and run this again"),
        ("UPDATE_ROLLBACK_FAILED", "repair it in the CloudFormation console"),
        ("DELETE_FAILED", "repair it in the CloudFormation console"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_named(
    account: Account, status: str, remedy: str
) -> None:
    """Nothing is tried that cannot work."""
    account.is_(status)
    with pytest.raises(BootstrapError, match=f"'{NAME}' is {status}; {remedy}"):
        account.deploy()


def test_a_failure_gives_the_first_reason_of_this_update(account: Account) -> None:
    """Later failures follow from the first; earlier updates are over."""

    def event(logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
        return {
            "StackId": "1",
            "EventId": f"{logical_id}-{status}-{reason}",
            "StackName": NAME,
            "LogicalResourceId": logical_id,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "Timestamp": datetime(2026, 11, 23, tzinfo=UTC),
        }

    account.is_("UPDATE_COMPLETE")
    account.stubber.add_response("update_stack", {"StackId": "1"}, REQUEST)
    account.is_("UPDATE_ROLLBACK_COMPLETE")
    account.stubber.add_response(
        "describe_stack_events",
        {
            "StackEvents": [
                event(NAME, "UPDATE_ROLLBACK_COMPLETE"),
                event("Boundary", "UPDATE_FAILED", "Resource update cancelled"),
                event("ExecutionPolicy", "UPDATE_FAILED", "Access denied."),
                event(NAME, "UPDATE_IN_PROGRESS", "User Initiated"),
                event("Boundary", "CREATE_FAILED", "an old failure"),
            ]
        },
    )
    with pytest.raises(BootstrapError) as failure:
        account.deploy()
    assert str(failure.value) == (
        f"stack '{NAME}' is UPDATE_ROLLBACK_COMPLETE: ExecutionPolicy: Access denied; correct that "
        "and run this again"
    )


def test_waiting_is_bounded(account: Account) -> None:
    """A stack that does not finish is an error, not a hang."""
    account.is_("CREATE_COMPLETE")
    account.stubber.add_response("update_stack", {"StackId": "1"}, REQUEST)
    account.is_(*["UPDATE_IN_PROGRESS"] * 301)
    with pytest.raises(BootstrapError, match="still UPDATE_IN_PROGRESS after 600 seconds"):
        account.deploy()


def test_missing_rights_are_explained(account: Account) -> None:
    """The policies of the deployment role are an administrator's to change."""
    account.stubber.add_client_error("describe_stacks", "AccessDenied", "not authorized")
    with pytest.raises(BootstrapError, match="use credentials of an administrator"):
        account.deploy()


def test_a_session_without_a_region_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No traceback of the SDK."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BootstrapError, match="You must specify a region"):
        deploy_execution_policy(boto3.session.Session())


def test_the_template_comes_with_the_package() -> None:
    """Also where the library is installed and no repository is near."""
    assert "NeverLoseAnAccount" in execution_policy_template()


@pytest.mark.parametrize(
    ("qualifier", "more"),
    [
        ("hnb659fds", ()),
        ("org", ("--qualifier", "org", "--toolkit-stack-name", "CDKToolkit-org")),
    ],
)
def test_cdk_is_told_which_policy_to_attach(qualifier: str, more: tuple[str, ...]) -> None:
    """And nothing else, so that AdministratorAccess is not attached by default."""
    policy = ExecutionPolicy(policy_arn=POLICY_ARN, boundary_arn=BOUNDARY_ARN, changed=True)
    assert cdk_bootstrap_arguments(policy, region="us-east-1", qualifier=qualifier) == (
        "bootstrap",
        "aws://111122223333/us-east-1",
        "--cloudformation-execution-policies",
        POLICY_ARN,
        *more,
    )


def _role(iam: Account, policies: list[str], decisions: list[str]) -> None:
    role = "cdk-hnb659fds-cfn-exec-role-111122223333-us-east-1"
    iam.stubber.add_response(
        "list_attached_role_policies",
        {
            "AttachedPolicies": [
                {"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{name}"}
                for name in policies
            ]
        },
        {"RoleName": role},
    )
    iam.stubber.add_response(
        "simulate_principal_policy",
        {
            "EvaluationResults": [
                {"EvalActionName": action, "EvalDecision": decision}
                for action, decision in zip(FORBIDDEN_ACTIONS, decisions, strict=True)
            ]
        },
        {
            "PolicySourceArn": f"arn:aws:iam::111122223333:role/{role}",
            "ActionNames": list(FORBIDDEN_ACTIONS),
        },
    )


def test_a_role_with_this_policy_only_is_safe(iam: Account) -> None:
    """IAM itself says that losing an account is denied."""
    _role(iam, ["OrgConstructsCloudFormationExecution"], ["explicitDeny"] * 3)
    assert iam.check() == ()


def test_a_plain_bootstrap_is_dangerous(iam: Account) -> None:
    """AdministratorAccess allows what a rollback would do."""
    _role(iam, ["AdministratorAccess"], ["allowed"] * 3)
    dangers = iam.check()
    assert len(dangers) == 4
    assert "is not explicitly denied organizations:CloseAccount (allowed)" in dangers[0]
    assert "also has policy 'AdministratorAccess'" in dangers[3]


def test_a_merely_missing_permission_is_not_enough(iam: Account) -> None:
    """Another policy could allow it tomorrow; only an explicit Deny stays."""
    _role(iam, ["OrgConstructsCloudFormationExecution"], ["explicitDeny"] * 2 + ["implicitDeny"])
    assert len(iam.check()) == 1


def test_a_missing_role_is_explained(iam: Account) -> None:
    """The account was not bootstrapped."""
    iam.stubber.add_client_error("list_attached_role_policies", "NoSuchEntity", "not found")
    with pytest.raises(BootstrapError, match=r"cfn-exec-role.*cannot be read"):
        iam.check()
