from __future__ import annotations

import json
import re
from pathlib import Path

import cfnlint.api
import pytest
from bootstrap_harness import ACCOUNT, REGION, decision, listed, statements, template

from org_constructs import handlers
from org_constructs.operations.bootstrap import (
    BOUNDARY_NAME,
    EXECUTION_POLICY_NAME,
    FORBIDDEN_ACTIONS,
    QUALIFIER,
    execution_policy_template,
)

POLICIES = ["ExecutionPolicy", "Boundary"]
IAM = f"arn:aws:iam::{ACCOUNT}"
ROLE = f"{IAM}:role/org-constructs/Organization-Role-1"
BOUNDARY = {"iam:PermissionsBoundary": f"{IAM}:policy/{BOUNDARY_NAME}"}

# What CloudFormation's handlers of the five types declare (aws-cloudformation/
# aws-cloudformation-resource-providers-organizations, 2025-06), operations that lose an account
# or the organization set apart.
HANDLERS = {
    "Account": (
        "CreateAccount DescribeCreateAccountStatus MoveAccount ListAccounts ListParents "
        "TagResource UntagResource DescribeAccount ListTagsForResource ListRoots"
    ),
    "Organization": "CreateOrganization DescribeOrganization ListRoots",
    "OrganizationalUnit": (
        "CreateOrganizationalUnit DescribeOrganizationalUnit ListParents "
        "ListOrganizationalUnitsForParent ListTagsForResource TagResource UntagResource "
        "UpdateOrganizationalUnit DeleteOrganizationalUnit"
    ),
    "Policy": (
        "CreatePolicy DescribePolicy AttachPolicy ListPolicies ListTagsForResource "
        "ListTargetsForPolicy TagResource DetachPolicy UpdatePolicy UntagResource DeletePolicy"
    ),
    "ResourcePolicy": (
        "PutResourcePolicy DescribeResourcePolicy DeleteResourcePolicy TagResource UntagResource "
        "ListTagsForResource"
    ),
}


def test_the_template_has_no_findings() -> None:
    """CloudFormation's own rules hold."""
    findings = cfnlint.api.lint(execution_policy_template())
    assert [str(finding) for finding in findings] == []


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("action", FORBIDDEN_ACTIONS)
def test_losing_an_account_is_denied(policy: str, action: str) -> None:
    """Neither CloudFormation nor a function that it deploys can lose an account."""
    (statement,) = [s for s in statements(policy) if s["Sid"] == "NeverLoseAnAccount"]
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == "*"
    assert "Condition" not in statement
    assert sorted(statement["Action"]) == sorted(FORBIDDEN_ACTIONS)
    assert decision(policy, action) == "Deny"


@pytest.mark.parametrize("policy", POLICIES)
def test_disabling_a_policy_type_is_denied(policy: str) -> None:
    """It would detach every policy of the type from every account."""
    assert decision(policy, "organizations:DisablePolicyType") == "Deny"


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_allowed_by_wildcard(policy: str) -> None:
    """Every allowed action is named, so a new action of AWS is not allowed by itself."""
    for statement in statements(policy):
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        assert all("*" not in action for action in listed(statement["Action"]))


def test_no_other_policy_is_attached_or_referred_to() -> None:
    """AdministratorAccess, or any policy of AWS, has no part in this."""
    assert "AdministratorAccess" not in json.dumps(template()["Resources"])
    assert {resource["Type"] for resource in template()["Resources"].values()} == {
        "AWS::IAM::ManagedPolicy"
    }


@pytest.mark.parametrize("resource_type", sorted(HANDLERS))
def test_every_permission_of_the_resource_types_is_there(resource_type: str) -> None:
    """A deployment does not stop half-way for want of a permission."""
    for operation in HANDLERS[resource_type].split():
        assert decision("ExecutionPolicy", f"organizations:{operation}") == "Allow", operation


def test_no_organizations_permission_is_left_over() -> None:
    """The list is exactly what the resource types declare."""
    (statement,) = [s for s in statements("ExecutionPolicy") if s["Sid"] == "Organization"]
    expected = {f"organizations:{name}" for names in HANDLERS.values() for name in names.split()}
    assert set(statement["Action"]) == expected


@pytest.mark.parametrize(
    "action",
    [
        "account:CloseAccount",
        "cloudformation:CreateStack",
        "iam:CreateUser",
        "iam:CreateAccessKey",
        "iam:CreatePolicy",
        "lambda:AddPermission",
        "lambda:CreateFunctionUrlConfig",
        "organizations:EnablePolicyType",
        "organizations:LeaveOrganization",
        "organizations:RegisterDelegatedAdministrator",
        "s3:PutObject",
        "sts:AssumeRole",
    ],
)
def test_what_the_stacks_do_not_need_is_not_allowed(action: str) -> None:
    """Not even on this project's own resources."""
    for resource in ("*", ROLE, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:org-constructs-x"):
        assert decision("ExecutionPolicy", action, resource) == "None"


@pytest.mark.parametrize(
    "action",
    [
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:PutRolePermissionsBoundary",
    ],
)
def test_a_role_gets_permissions_only_under_the_boundary(action: str) -> None:
    """Otherwise a role and a function would be the way around the Deny."""
    other = {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert decision("ExecutionPolicy", action, ROLE, BOUNDARY) == "Allow"
    assert decision("ExecutionPolicy", action, ROLE) == "None"
    assert decision("ExecutionPolicy", action, ROLE, other) == "None"


def test_the_boundary_cannot_be_changed_or_taken_off() -> None:
    """Denied explicitly, so another policy on the role does not allow it either."""
    assert decision("ExecutionPolicy", "iam:DeleteRolePermissionsBoundary", ROLE) == "Deny"
    for name in (BOUNDARY_NAME, EXECUTION_POLICY_NAME):
        for action in ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"):
            assert decision("ExecutionPolicy", action, f"{IAM}:policy/{name}") == "Deny"


def test_roles_outside_the_project_are_out_of_reach() -> None:
    """Also those of the bootstrap itself."""
    role = f"{IAM}:role/cdk-{QUALIFIER}-cfn-exec-role-{ACCOUNT}-{REGION}"
    for statement in statements("ExecutionPolicy"):
        for action in listed(statement["Action"]):
            if action.startswith("iam:") and statement["Effect"] == "Allow":
                assert decision("ExecutionPolicy", action, role, BOUNDARY) == "None"


def test_roles_are_passed_to_functions_only() -> None:
    """Not to an instance or another stack."""
    passed = {"iam:PassedToService": "lambda.amazonaws.com"}
    assert decision("ExecutionPolicy", "iam:PassRole", ROLE, passed) == "Allow"
    passed = {"iam:PassedToService": "ec2.amazonaws.com"}
    assert decision("ExecutionPolicy", "iam:PassRole", ROLE, passed) == "None"


def test_the_service_linked_role_is_that_of_organizations() -> None:
    """No other service gets a role."""
    action = "iam:CreateServiceLinkedRole"
    resource = (
        f"{IAM}:role/aws-service-role/organizations.amazonaws.com/AWSServiceRoleForOrganizations"
    )
    allowed = {"iam:AWSServiceName": "organizations.amazonaws.com"}
    other = {"iam:AWSServiceName": "guardduty.amazonaws.com"}
    assert decision("ExecutionPolicy", action, resource, allowed) == "Allow"
    assert decision("ExecutionPolicy", action, resource, other) == "None"


def test_the_boundary_allows_what_every_function_uses() -> None:
    """A function whose action is above the ceiling would fail in AWS only."""
    used = {action for actions in handlers.setting_actions().values() for action in actions}
    assert used | handlers.sweep_actions().keys() == set(handlers.function_actions())
    for action in handlers.function_actions():
        assert decision("Boundary", action) == "Allow"


def test_only_event_bridge_is_let_in_to_run_a_function() -> None:
    """The sweep of invitations is run by rules; nobody else can be given the right."""
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{handlers.FUNCTION_NAME_PREFIX}x"
    rules = {"lambda:Principal": "events.amazonaws.com"}
    assert decision("ExecutionPolicy", "lambda:AddPermission", function, rules) == "Allow"
    for other in ({"lambda:Principal": "444455556666"}, {"lambda:Principal": "*"}, {}):
        assert decision("ExecutionPolicy", "lambda:AddPermission", function, other) == "None"
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{handlers.FUNCTION_NAME_PREFIX}x-Schedule"
    assert decision("ExecutionPolicy", "events:PutTargets", rule) == "Allow"
    assert decision("ExecutionPolicy", "events:PutTargets", rule.replace("/org", "/x")) == "None"


def test_the_boundary_lets_the_function_write_its_own_log_only() -> None:
    """The log of another function could be forged otherwise."""
    prefix = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    own = f"{prefix}{handlers.LOG_GROUP_NAME_PREFIX}x:log-stream:y"
    assert decision("Boundary", "logs:PutLogEvents", own) == "Allow"
    other = f"{prefix}/aws/lambda/x:log-stream:y"
    assert decision("Boundary", "logs:PutLogEvents", other) == "None"


def test_the_policy_grants_the_names_that_the_constructs_give() -> None:
    """The prefixes stand in two places; they are the same."""
    role = f"{IAM}:role{handlers.ROLE_PATH}x"
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{handlers.FUNCTION_NAME_PREFIX}x"
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{handlers.LOG_GROUP_NAME_PREFIX}x"
    assert decision("ExecutionPolicy", "iam:CreateRole", role, BOUNDARY) == "Allow"
    assert decision("ExecutionPolicy", "lambda:InvokeFunction", function) == "Allow"
    assert decision("ExecutionPolicy", "logs:CreateLogGroup", group) == "Allow"


def test_the_names_are_those_that_the_operation_knows() -> None:
    """cdk.json names the boundary, the check names the policy."""
    resources = template()["Resources"]
    assert resources["Boundary"]["Properties"]["ManagedPolicyName"] == BOUNDARY_NAME
    assert resources["ExecutionPolicy"]["Properties"]["ManagedPolicyName"] == EXECUTION_POLICY_NAME
    assert template()["Parameters"]["Qualifier"]["Default"] == QUALIFIER


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policies_hold_in_every_partition(policy: str) -> None:
    """No ARN names a partition."""
    assert "arn:aws" not in execution_policy_template()
    for statement in statements(policy, partition="aws-us-gov"):
        for resource in listed(statement["Resource"]):
            assert resource == "*" or resource.startswith("arn:aws-us-gov:")


@pytest.mark.parametrize("policy", POLICIES)
def test_the_policies_fit(policy: str) -> None:
    """IAM takes 6,144 characters without white space; some are left for a longer partition."""
    document = json.dumps({"Version": "2012-10-17", "Statement": statements(policy)})
    assert len(re.sub(r"\s", "", document)) < 5800


@pytest.mark.parametrize("actions", ["*", "organizations:*", "organizations:enable*"])
def test_the_ceiling_takes_no_wildcard(actions: str) -> None:
    """Whoever deploys the template by hand cannot lift the ceiling by a star."""
    pattern = template()["Parameters"]["SettingActions"]["AllowedPattern"]
    assert not re.fullmatch(pattern, actions)
    assert re.fullmatch(pattern, "organizations:EnablePolicyType")


def test_every_statement_is_explained() -> None:
    """The document names each Sid of the execution policy and why it is there."""
    text = (Path(__file__).parents[2] / "docs" / "bootstrap.md").read_text(encoding="utf-8")
    for policy in POLICIES:
        for statement in statements(policy):
            assert f"`{statement['Sid']}`" in text, statement["Sid"]
