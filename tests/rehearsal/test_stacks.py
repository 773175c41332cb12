"""Stacks: what CloudFormation does with the five types, without the CDK in between."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws

SCP = "SERVICE_CONTROL_POLICY"
CONTENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
}
ROOT = {"Fn::GetAtt": ["Organization", "RootId"]}


def get(logical_id: str, attribute: str = "Id") -> dict[str, Any]:
    """Return a reference to an attribute."""
    return {"Fn::GetAtt": [logical_id, attribute]}


def resource(kind: str, policy: str | None = "Retain", /, **properties: Any) -> dict[str, Any]:
    """Return a resource, retained unless said otherwise."""
    policies = {} if policy is None else {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
    return {"Type": f"AWS::Organizations::{kind}", **policies, "Properties": properties}


def account(parent: Any, *, name: str = "audit", policy: str | None = "Retain") -> dict[str, Any]:
    """Return an account."""
    email = f"{name}@corp.com"
    return resource("Account", policy, AccountName=name, Email=email, ParentIds=[parent])


def unit(name: str, parent: Any = ROOT, *, policy: str | None = "Retain") -> dict[str, Any]:
    """Return an OU."""
    return resource("OrganizationalUnit", policy, Name=name, ParentId=parent)


def scp(*targets: Any, content: Any = None) -> dict[str, Any]:
    """Return an SCP, which is deleted with its code."""
    return resource(
        "Policy",
        None,
        Name="deny",
        Type=SCP,
        Content=content or CONTENT,
        TargetIds=list(targets),
    )


class Cloud:
    """An embedded AWS with stacks."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.cloudformation = aws.client("cloudformation")
        self.organizations = aws.client("organizations")
        self._seen = 0

    def plan(self, resources: dict[str, Any], *, stack: str = "Org", **options: Any) -> Any:
        """Create a change set and return its description."""
        outputs = options.pop("outputs", {})
        template = json.dumps({"Resources": resources, "Outputs": outputs})
        kind = "CREATE"
        try:
            found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if found["StackStatus"] != "REVIEW_IN_PROGRESS":
                kind = "UPDATE"
        except ClientError:
            pass
        name = {"StackName": stack, "ChangeSetName": f"change-{time.monotonic_ns()}"}
        options = {"ChangeSetType": kind, **options}
        self.cloudformation.create_change_set(**name, TemplateBody=template, **options)
        return self.cloudformation.describe_change_set(**name)

    def deploy(
        self,
        resources: dict[str, Any],
        *,
        stack: str = "Org",
        rollback: bool = False,
        **options: Any,
    ) -> str:
        """Create and execute a change set, wait, and return the stack's status."""
        self._seen = len(self.aws.calls())
        planned = self.plan(resources, stack=stack, **options)
        assert planned["Status"] == "CREATE_COMPLETE", planned["StatusReason"]
        self.cloudformation.execute_change_set(
            ChangeSetName=planned["ChangeSetId"], DisableRollback=not rollback
        )
        return self.wait(stack)

    def wait(self, stack: str = "Org") -> str:
        """Wait until nothing is in progress and return the status."""
        while True:
            found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            status: str = found["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.01)

    def delete(self, stack: str = "Org") -> str:
        """Delete the stack, wait, and return its status."""
        self._seen = len(self.aws.calls())
        found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        self.cloudformation.delete_stack(StackName=stack)
        return self.wait(found["StackId"])

    def writes(self) -> list[str]:
        """Return the writes to Organizations since the last deployment or deletion began."""
        return [
            call["operation"]
            for call in self.aws.calls(since=self._seen)
            if not call["read"] and call["caller"] == self.aws.account_id
        ]

    def physical_id(self, logical_id: str, stack: str = "Org") -> str:
        """Return the physical id of a resource."""
        detail = self.cloudformation.describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        physical_id: str = detail["StackResourceDetail"]["PhysicalResourceId"]
        return physical_id

    def reasons(self, stack: str = "Org") -> list[str]:
        """Return why resources failed."""
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [
            event["ResourceStatusReason"]
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]

    def enable_scps(self) -> None:
        """Enable SCPs from outside the stacks."""
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        self.organizations.enable_policy_type(RootId=root, PolicyType=SCP)
        time.sleep(0.1)

    def accounts(self) -> dict[str, str]:
        """Return the state of each account by name."""
        listed = self.organizations.list_accounts()["Accounts"]
        return {entry["Name"]: entry["State"] for entry in listed}


BASE = {"Organization": resource("Organization"), "A": unit("A"), "B": unit("B")}


@pytest.fixture
def cloud(aws: EmbeddedAws) -> Cloud:
    """An embedded AWS without anything in it."""
    return Cloud(aws)


@pytest.fixture
def organization(cloud: Cloud) -> Cloud:
    """A stack with an organization, two OUs, and SCPs enabled."""
    assert cloud.deploy(BASE) == "CREATE_COMPLETE"
    cloud.enable_scps()
    return cloud


class TestChanges:
    """What an edited template does."""

    def test_a_moved_account_is_a_difference(self, organization: Cloud) -> None:
        """And moves in place."""
        organization.deploy({**BASE, "Account": account(get("A"))})
        (change,) = organization.plan({**BASE, "Account": account(get("B"))})["Changes"]
        assert change["ResourceChange"]["LogicalResourceId"] == "Account"
        assert change["ResourceChange"]["Replacement"] == "False"
        before = organization.physical_id("Account")
        status = organization.deploy({**BASE, "Account": account(get("B"))})
        assert status == "UPDATE_COMPLETE"
        assert organization.writes() == ["MoveAccount"]
        assert organization.physical_id("Account") == before

    def test_the_same_template_is_no_difference(self, organization: Cloud) -> None:
        """Nothing is called."""
        organization.deploy({**BASE, "Account": account(get("A"))})
        planned = organization.plan({**BASE, "Account": account(get("A"))})
        assert planned["Status"] == "FAILED"
        assert "didn't contain changes" in planned["StatusReason"]

    def test_a_moved_unit_is_replaced(self, organization: Cloud) -> None:
        """What pointed to the old one points to the new one, and the old one is retained."""
        resources = {**BASE, "C": unit("C", get("A")), "Account": account(get("C"))}
        organization.deploy(resources)
        old = organization.physical_id("C")
        resources["C"] = unit("C", get("B"))
        changes = organization.plan(resources)["Changes"]
        replacements = {
            change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]["Replacement"]
            for change in changes
        }
        assert replacements == {"C": "True", "Account": "False"}
        assert organization.deploy(resources) == "UPDATE_COMPLETE"
        assert organization.writes() == ["CreateOrganizationalUnit", "MoveAccount"]
        assert organization.physical_id("C") != old
        organization.organizations.describe_organizational_unit(OrganizationalUnitId=old)

    def test_a_replaced_unit_goes_unless_retained(self, organization: Cloud) -> None:
        """After the new one is there and in use."""
        organization.deploy({**BASE, "C": unit("C", get("A"), policy=None)})
        organization.deploy({**BASE, "C": unit("C", get("B"), policy=None)})
        assert organization.writes() == ["CreateOrganizationalUnit", "DeleteOrganizationalUnit"]

    def test_an_immutable_property_fails_and_changes_nothing(self, organization: Cloud) -> None:
        """The stack stops there."""
        organization.deploy({**BASE, "Account": account(get("A"))})
        status = organization.deploy({**BASE, "Account": account(get("A"), name="other")})
        assert status == "UPDATE_FAILED"
        assert organization.writes() == []
        assert any("root user" in reason for reason in organization.reasons())

    def test_a_rolled_back_update_moves_the_account_back(self, organization: Cloud) -> None:
        """A later resource failed, and rollback was asked for."""
        organization.deploy({**BASE, "Account": account(get("A"))})
        too_long = {**CONTENT, "Id": "x" * 10_240}
        failing = {**scp(get("A"), content=too_long), "DependsOn": "Account"}
        resources = {**BASE, "Account": account(get("B")), "Policy": failing}
        assert organization.deploy(resources, rollback=True) == "UPDATE_ROLLBACK_COMPLETE"
        assert organization.writes() == ["MoveAccount", "CreatePolicy", "MoveAccount"]

    def test_stack_tags_reach_the_resources(self, organization: Cloud) -> None:
        """Those of CloudFormation itself are not shown."""
        organization.deploy(
            {**BASE, "Account": account(get("A"))}, Tags=[{"Key": "app", "Value": "org"}]
        )
        for logical_id in ("A", "Account"):
            resource_id = organization.physical_id(logical_id)
            tags = organization.organizations.list_tags_for_resource(ResourceId=resource_id)
            assert tags["Tags"] == [{"Key": "app", "Value": "org"}]


class TestRetention:
    """What outlives its code."""

    def test_accounts_are_retained_by_default(self, organization: Cloud) -> None:
        """Removed from the template without any policy in it, the account stays."""
        organization.deploy({**BASE, "Account": account(get("A"), policy=None)})
        organization.deploy(BASE)
        assert organization.writes() == []
        assert organization.accounts()["audit"] == "ACTIVE"

    def test_an_account_closes_when_the_template_says_so(self, organization: Cloud) -> None:
        """DeletionPolicy Delete closes it when it is removed."""
        organization.deploy({**BASE, "Account": account(get("A"), policy="Delete")})
        organization.deploy(BASE)
        assert organization.writes() == ["CloseAccount"]
        assert organization.accounts()["audit"] == "SUSPENDED"

    def test_a_deleted_stack_leaves_what_is_retained(self, organization: Cloud) -> None:
        """Policies go, everything else stays."""
        resources = {**BASE, "Account": account(get("A")), "Policy": scp(get("A"))}
        organization.deploy(resources)
        assert organization.delete() == "DELETE_COMPLETE"
        assert organization.writes() == ["DetachPolicy", "DeletePolicy"]
        assert organization.accounts()["audit"] == "ACTIVE"

    def test_a_deleted_stack_that_failed_leaves_it_too(self, cloud: Cloud) -> None:
        """Though its template never succeeded."""
        failing = {**scp(ROOT), "DependsOn": "Account"}
        resources = {**BASE, "Account": account(get("A")), "Policy": failing}
        assert cloud.deploy(resources) == "CREATE_FAILED"
        assert cloud.delete() == "DELETE_COMPLETE"
        # The handler detaches from the template's targets, attached or not.
        assert cloud.writes() == ["DetachPolicy", "DeletePolicy"]
        assert cloud.accounts()["audit"] == "ACTIVE"

    def test_what_a_failed_deployment_created_is_retained_later(self, cloud: Cloud) -> None:
        """The next template lacks the account: it stays."""
        failing = {**scp(ROOT), "DependsOn": "Account"}
        resources = {**BASE, "Account": account(get("A")), "Policy": failing}
        cloud.deploy(resources)
        removed = [
            change["ResourceChange"]["LogicalResourceId"]
            for change in cloud.plan(BASE)["Changes"]
            if change["ResourceChange"]["Action"] == "Remove"
        ]
        assert removed == ["Account"]
        assert cloud.deploy(BASE) == "UPDATE_COMPLETE"
        assert "CloseAccount" not in cloud.writes()
        assert cloud.accounts()["audit"] == "ACTIVE"

    def test_the_clis_rollback_does_not_retain(self, cloud: Cloud) -> None:
        """It asks for RetainExceptOnCreate, and the new account is closed."""
        cloud.deploy(BASE)
        failing = {**scp(ROOT), "DependsOn": "Account"}
        cloud.deploy({**BASE, "Account": account(get("A")), "Policy": failing})
        cloud.cloudformation.rollback_stack(StackName="Org", RetainExceptOnCreate=True)
        assert cloud.wait() == "UPDATE_ROLLBACK_COMPLETE"
        assert cloud.accounts()["audit"] == "SUSPENDED"

    def test_a_rollback_of_a_creation_keeps_what_is_retained(self, cloud: Cloud) -> None:
        """And deletes the policy that a failed attachment left."""
        failing = {**scp(ROOT), "DependsOn": "Account"}
        resources = {**BASE, "Account": account(get("A")), "Policy": failing}
        assert cloud.deploy(resources, rollback=True) == "ROLLBACK_COMPLETE"
        assert cloud.writes()[-1] == "DeletePolicy"
        assert cloud.accounts()["audit"] == "ACTIVE"

    def test_a_protected_stack_is_not_deleted(self, organization: Cloud) -> None:
        """Until the protection is taken off."""
        protection = {"StackName": "Org", "EnableTerminationProtection": True}
        organization.cloudformation.update_termination_protection(**protection)
        with pytest.raises(ClientError, match="TerminationProtection"):
            organization.cloudformation.delete_stack(StackName="Org")


class TestRepair:
    """After a failure, forward."""

    def test_the_same_template_again_completes_it(self, cloud: Cloud) -> None:
        """The policy that a failed attachment left is deleted and made anew, as AWS does."""
        resources = {**BASE, "Policy": scp(get("A"))}
        assert cloud.deploy(resources) == "CREATE_FAILED"
        assert any("isn't currently enabled" in reason for reason in cloud.reasons())
        cloud.enable_scps()
        assert cloud.deploy(resources) == "UPDATE_COMPLETE"
        assert cloud.writes() == ["DetachPolicy", "DeletePolicy", "CreatePolicy", "AttachPolicy"]

    def test_an_account_that_could_not_be_moved_blocks_its_address(self, cloud: Cloud) -> None:
        """It is retained in the root, so the next attempt meets it: import is the remedy."""
        cloud.deploy(BASE)
        nowhere = {**BASE, "Account": account("ou-none-12345678")}
        assert cloud.deploy(nowhere) == "UPDATE_FAILED"
        assert cloud.writes() == ["CreateAccount", "MoveAccount"]
        assert cloud.deploy({**BASE, "Account": account(get("A"))}) == "UPDATE_FAILED"
        assert cloud.writes() == []
        assert any("already exists" in reason for reason in cloud.reasons())


class TestReferencesBetweenStacks:
    """Fn::GetStackOutput, which CDK writes for weak references."""

    OUTPUTS: dict[str, Any] = {  # noqa: RUF012
        "RootId": {"Value": ROOT},
        "Parent": {"Value": get("A")},
    }

    @staticmethod
    def output(name: str, region: str = "us-east-1") -> dict[str, Any]:
        """Return a reference to an output of the first stack."""
        return {"Fn::GetStackOutput": {"StackName": "Org", "Region": region, "OutputName": name}}

    def test_it_resolves(self, cloud: Cloud) -> None:
        """Inside other functions too; an unchanged one is no difference."""
        cloud.deploy(BASE, outputs=self.OUTPUTS)
        resources = {"Account": account({"Fn::Join": ["", [self.output("Parent")]]})}
        assert cloud.deploy(resources, stack="Accounts") == "CREATE_COMPLETE"
        parents = cloud.organizations.list_parents(ChildId=cloud.physical_id("Account", "Accounts"))
        assert parents["Parents"][0]["Id"] == cloud.physical_id("A")
        assert cloud.plan(resources, stack="Accounts")["Status"] == "FAILED"

    def test_a_changed_output_is_a_difference(self, cloud: Cloud) -> None:
        """Of the stack that refers to it, though its template is the same."""
        cloud.deploy(BASE, outputs=self.OUTPUTS)
        resources = {"Account": account(self.output("Parent"))}
        cloud.deploy(resources, stack="Accounts")
        cloud.deploy(
            BASE | {"C": unit("C")}, outputs={**self.OUTPUTS, "Parent": {"Value": get("C")}}
        )
        assert cloud.deploy(resources, stack="Accounts") == "UPDATE_COMPLETE"
        assert cloud.writes() == ["MoveAccount"]

    def test_it_reaches_other_regions(self, cloud: Cloud) -> None:
        """A stack elsewhere finds the organization's in us-east-1."""
        cloud.deploy(BASE, outputs=self.OUTPUTS)
        elsewhere = Cloud(cloud.aws)
        elsewhere.cloudformation = cloud.aws.client("cloudformation", region="eu-west-1")
        resources = {"Account": account(self.output("Parent"))}
        assert elsewhere.deploy(resources, stack="Accounts") == "CREATE_COMPLETE"

    def test_an_output_that_is_missing_fails(self, cloud: Cloud) -> None:
        """With its name."""
        cloud.deploy(BASE, outputs=self.OUTPUTS)
        resources = {"Account": account(self.output("Missing"))}
        assert cloud.deploy(resources, stack="Accounts") == "CREATE_FAILED"
        assert any("Missing" in reason for reason in cloud.reasons("Accounts"))


class TestImportAndDrift:
    """Taking over what exists, and seeing what others changed."""

    def test_an_account_is_imported_and_drifts(self, organization: Cloud) -> None:
        """By its id; a move that others made is drift."""
        organization.organizations.create_account(AccountName="audit", Email="audit@corp.com")
        time.sleep(0.1)
        account_id = next(
            entry["Id"]
            for entry in organization.organizations.list_accounts()["Accounts"]
            if entry["Name"] == "audit"
        )
        root = organization.organizations.list_roots()["Roots"][0]["Id"]
        status = organization.deploy(
            {**BASE, "Account": account(ROOT)},
            ChangeSetType="IMPORT",
            ResourcesToImport=[
                {
                    "ResourceType": "AWS::Organizations::Account",
                    "LogicalResourceId": "Account",
                    "ResourceIdentifier": {"AccountId": account_id},
                }
            ],
        )
        assert status == "IMPORT_COMPLETE"
        assert organization.writes() == []
        assert self.drift(organization) == {}
        organization.organizations.move_account(
            AccountId=account_id,
            SourceParentId=root,
            DestinationParentId=organization.physical_id("A"),
        )
        assert self.drift(organization) == {"Account": "MODIFIED"}

    def test_what_does_not_exist_is_not_imported(self, organization: Cloud) -> None:
        """A closed account is not found either."""
        planned = organization.plan(
            {**BASE, "Account": account(ROOT)},
            ChangeSetType="IMPORT",
            ResourcesToImport=[
                {
                    "ResourceType": "AWS::Organizations::Account",
                    "LogicalResourceId": "Account",
                    "ResourceIdentifier": {"AccountId": "333333333333"},
                }
            ],
        )
        assert planned["Status"] == "FAILED"

    def test_a_changed_policy_is_drift(self, organization: Cloud) -> None:
        """Content, targets and what is gone."""
        organization.deploy({**BASE, "Policy": scp(get("A"), get("B"))})
        assert self.drift(organization) == {}
        policy = organization.physical_id("Policy")
        organization.organizations.detach_policy(
            PolicyId=policy, TargetId=organization.physical_id("B")
        )
        assert self.drift(organization) == {"Policy": "MODIFIED"}
        organization.organizations.detach_policy(
            PolicyId=policy, TargetId=organization.physical_id("A")
        )
        organization.organizations.delete_policy(PolicyId=policy)
        assert self.drift(organization) == {"Policy": "DELETED"}

    @staticmethod
    def drift(cloud: Cloud) -> dict[str, str]:
        """Detect drift and return the resources that have it."""
        cloud.cloudformation.detect_stack_drift(StackName="Org")
        drifts = cloud.cloudformation.describe_stack_resource_drifts(StackName="Org")
        return {
            drift["LogicalResourceId"]: drift["StackResourceDriftStatus"]
            for drift in drifts["StackResourceDrifts"]
            if drift["StackResourceDriftStatus"] != "IN_SYNC"
        }
