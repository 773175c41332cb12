"""Stacks: what CloudFormation does with the five types, without the CDK in between."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from stack_harness import (
    BASE,
    CONTENT,
    DENY,
    ROOT,
    Cloud,
    account,
    after,
    get,
    make_organization,
    scp,
    unit,
)


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

    def test_a_refused_change_of_an_account_is_not_rolled_back(self, organization: Cloud) -> None:
        """The handler refuses to change it back, as it refused to change it."""
        organization.deploy({**BASE, "Account": account(get("A"))})
        other = {**BASE, "Account": account(get("A"), name="other")}
        assert organization.deploy(other, rollback=True) == "UPDATE_ROLLBACK_FAILED"
        refused = [reason for reason in organization.reasons() if "root user" in reason]
        assert len(refused) >= 2

    def test_a_refused_change_of_a_policy_is_rolled_back(self, organization: Cloud) -> None:
        """What its handler had done before it failed is undone."""
        organization.deploy({**BASE, "Policy": scp(get("A"))})
        changed = scp(get("A"), get("B"), content={**CONTENT, "Id": "changed"})
        organization.aws.inject("AttachPolicy:1:ConstraintViolationException")
        status = organization.deploy({**BASE, "Policy": changed}, rollback=True)
        assert status == "UPDATE_ROLLBACK_COMPLETE"
        assert organization.drift() == {}

    def test_stack_tags_reach_the_resources(self, organization: Cloud) -> None:
        """Those of CloudFormation itself are not shown."""
        organization.deploy(
            {**BASE, "Account": account(get("A"))}, Tags=[{"Key": "app", "Value": "org"}]
        )
        for logical_id in ("A", "Account"):
            resource_id = organization.physical_id(logical_id)
            tags = organization.organizations.list_tags_for_resource(ResourceId=resource_id)
            assert tags["Tags"] == [{"Key": "app", "Value": "org"}]

    def test_an_old_unit_that_holds_a_foreign_account_stays(self, organization: Cloud) -> None:
        """The new one is made first; that the old one cannot go does not fail the update."""
        organization.deploy({**BASE, "C": unit("C", get("A"), policy=None)})
        old = organization.physical_id("C")
        foreign = organization.create_account("foreign", old)
        status = organization.deploy({**BASE, "C": unit("C", get("B"), policy=None)})
        assert status == "UPDATE_COMPLETE"
        assert organization.writes() == ["CreateOrganizationalUnit", "DeleteOrganizationalUnit"]
        assert any("DELETE_FAILED" in event for event in organization.events("C"))
        parent = organization.organizations.list_parents(ChildId=foreign)["Parents"][0]["Id"]
        assert parent == old != organization.physical_id("C")

    def test_an_account_gets_a_tag_twice(self, organization: Cloud) -> None:
        """When its stack has the same one: AWS refuses that. OUs and policies merge them."""
        tags = [{"Key": "app", "Value": "org"}]
        units = {
            **BASE,
            "B": {**BASE["B"], "Properties": {**BASE["B"]["Properties"], "Tags": tags}},
        }
        assert organization.deploy(units, Tags=tags) == "UPDATE_COMPLETE"
        tagged = account(get("A"))
        tagged["Properties"]["Tags"] = tags
        assert organization.deploy({**units, "Account": tagged}, Tags=tags) == "UPDATE_FAILED"
        assert any("app" in reason and "twice" in reason for reason in organization.reasons())


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
        assert organization.accounts()["audit"] == "CLOSED"

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
        assert cloud.accounts()["audit"] == "CLOSED"

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

    def test_going_back_after_a_failed_update_is_an_update(self, organization: Cloud) -> None:
        """What it had changed is changed back, though the template is that of the last success."""
        before = {**BASE, "Policy": scp(get("A"))}
        organization.deploy(before)
        changed = scp(get("A"), content={**CONTENT, "Id": "changed"})
        failing = {**account("ou-none-12345678"), "DependsOn": "Policy"}
        attempted = {**BASE, "Policy": changed, "Account": failing}
        assert organization.deploy(attempted) == "UPDATE_FAILED"
        assert organization.writes()[:2] == ["UpdatePolicy", "CreateAccount"]
        assert organization.deploy(before) == "UPDATE_COMPLETE"
        assert organization.writes() == ["UpdatePolicy"]
        assert organization.drift() == {}
        assert organization.plan(before)["Status"] == "FAILED"

    def test_the_attempted_template_again_is_an_update_too(self, organization: Cloud) -> None:
        """Once the cause is removed."""
        organization.deploy({**BASE, "Policy": scp(get("A"))})
        attempted = {
            **BASE,
            "Policy": scp(get("A"), content={**CONTENT, "Id": "changed"}),
            "Second": after("Policy", scp(get("B"), name="second", content={**CONTENT, "Id": "2"})),
        }
        taken = organization.organizations.create_policy(
            Name="second", Type="SERVICE_CONTROL_POLICY", Content=DENY, Description=""
        )["Policy"]["PolicySummary"]["Id"]
        assert organization.deploy(attempted) == "UPDATE_FAILED"
        organization.organizations.delete_policy(PolicyId=taken)
        assert organization.deploy(attempted) == "UPDATE_COMPLETE"
        assert organization.writes() == ["CreatePolicy", "AttachPolicy"]

    def test_what_could_not_be_attached_goes_with_its_code(self, cloud: Cloud) -> None:
        """The policy that a failed attachment left is deleted by the next update."""
        cloud.deploy(BASE)
        assert cloud.deploy({**BASE, "Policy": scp(get("A"))}) == "UPDATE_FAILED"
        assert cloud.deploy(BASE) == "UPDATE_COMPLETE"
        assert cloud.writes() == ["DetachPolicy", "DeletePolicy"]

    def test_an_account_that_takes_too_long_is_imported(self, organization: Cloud) -> None:
        """Left out, deployed, imported without its order, deployed again: nothing is lost."""
        organization.aws.inject("CreateAccount:1:SLOW=200")
        wanted = {**BASE, "Account": after("B", account(get("A")))}
        assert organization.deploy(wanted) == "UPDATE_FAILED"
        assert any("NotStabilized" in reason for reason in organization.reasons())
        organization.aws.advance(200)
        (orphan,) = [
            entry["Id"]
            for entry in organization.organizations.list_accounts()["Accounts"]
            if entry["Name"] == "audit"
        ]
        assert organization.deploy(wanted) == "UPDATE_FAILED"
        assert any("already exists" in reason for reason in organization.reasons())
        assert organization.deploy(BASE) == "UPDATE_COMPLETE"
        imported = organization.adopt({**BASE, "Account": account(ROOT)}, Account=orphan)
        assert organization.execute(imported) == "IMPORT_COMPLETE"
        assert organization.deploy(wanted) == "UPDATE_COMPLETE"
        assert organization.writes() == ["MoveAccount"]
        assert organization.physical_id("Account") == orphan


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
        assert organization.drift() == {}
        organization.organizations.move_account(
            AccountId=account_id,
            SourceParentId=root,
            DestinationParentId=organization.physical_id("A"),
        )
        assert organization.drift() == {"Account": "MODIFIED"}

    def test_what_it_is_imported_by_stands_in_the_summary(self, cloud: Cloud) -> None:
        """From which the CDK CLI knows what to ask for."""
        resources = {"A": unit("A"), "B": account(ROOT), "C": account(ROOT, name="c"), "D": scp()}
        template = json.dumps({"Resources": {**resources, "E": {"Type": "AWS::CDK::Metadata"}}})
        found = cloud.cloudformation.get_template_summary(TemplateBody=template)
        assert {
            summary["ResourceType"].split("::")[-1]: (
                summary["LogicalResourceIds"],
                summary["ResourceIdentifiers"],
            )
            for summary in found["ResourceIdentifierSummaries"]
        } == {
            "Account": (["B", "C"], ["AccountId"]),
            "OrganizationalUnit": (["A"], ["Id"]),
            "Policy": (["D"], ["Id"]),
        }

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

    def test_all_five_are_imported_and_then_in_sync(self, cloud: Cloud) -> None:
        """What others made comes into a stack without a call that changes it."""
        theirs = make_organization(cloud)
        assert cloud.execute(cloud.adopt(theirs.resources, **theirs.ids)) == "IMPORT_COMPLETE"
        assert cloud.drift() == {}
        assert {key: cloud.physical_id(key) for key in theirs.ids} == theirs.ids

    def test_what_a_stack_has_is_not_imported_into_another(self, cloud: Cloud) -> None:
        """By the id, whatever the logical id."""
        theirs = make_organization(cloud)
        cloud.execute(cloud.adopt(theirs.resources, **theirs.ids))
        for logical_id, physical_id in theirs.ids.items():
            resources = {"Mine": theirs.resources[logical_id]}
            planned = cloud.adopt(resources, stack=f"Other{logical_id}", Mine=physical_id)
            assert planned["Status"] == "FAILED", logical_id
            assert "already exists in stack" in planned["StatusReason"]

    def test_drift_is_found_of_all_that_others_can_change(self, cloud: Cloud) -> None:
        """The organization itself has nothing that changes in place."""
        theirs = make_organization(cloud)
        cloud.execute(cloud.adopt(theirs.resources, **theirs.ids))
        client, ids = cloud.organizations, theirs.ids
        client.update_organizational_unit(OrganizationalUnitId=ids["Unit"], Name="renamed")
        client.move_account(
            AccountId=ids["Account"], SourceParentId=theirs.root, DestinationParentId=ids["Unit"]
        )
        client.update_policy(PolicyId=ids["Policy"], Description="changed")
        client.tag_resource(
            ResourceId=ids["ResourcePolicy"], Tags=[{"Key": "owner", "Value": "them"}]
        )
        assert cloud.drift() == {
            "Account": "MODIFIED",
            "Policy": "MODIFIED",
            "ResourcePolicy": "MODIFIED",
            "Unit": "MODIFIED",
        }
        client.detach_policy(PolicyId=ids["Policy"], TargetId=theirs.root)
        client.delete_policy(PolicyId=ids["Policy"])
        client.delete_resource_policy()
        client.close_account(AccountId=ids["Account"])
        assert cloud.drift() == {
            "Account": "DELETED",
            "Policy": "DELETED",
            "ResourcePolicy": "DELETED",
            "Unit": "MODIFIED",
        }

    def test_a_changed_policy_is_drift(self, organization: Cloud) -> None:
        """Content, targets and what is gone."""
        organization.deploy({**BASE, "Policy": scp(get("A"), get("B"))})
        assert organization.drift() == {}
        policy = organization.physical_id("Policy")
        organization.organizations.detach_policy(
            PolicyId=policy, TargetId=organization.physical_id("B")
        )
        assert organization.drift() == {"Policy": "MODIFIED"}
        organization.organizations.detach_policy(
            PolicyId=policy, TargetId=organization.physical_id("A")
        )
        organization.organizations.delete_policy(PolicyId=policy)
        assert organization.drift() == {"Policy": "DELETED"}
