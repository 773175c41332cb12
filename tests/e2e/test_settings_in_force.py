"""The settings of an organization, created, changed and removed in the embedded AWS."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from quick_cli import bootstrap

from org_constructs import (
    AlternateContact,
    AwsService,
    IOrganization,
    Organization,
    ServiceControlPolicy,
)
from org_constructs.rehearsal import EmbeddedAws, Settings
from org_constructs.rehearsal.without_cli import deploy, publish_assets
from org_constructs.validation import ALLOW_PLACEHOLDERS_KEY, LOCK_FILE_KEY

pytestmark = pytest.mark.e2e

ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Some", "Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}],
}
FULL = "p-FullAWSAccess"
Write = tuple[str, dict[str, Any]]


def contact(kind: str, phone: str) -> AlternateContact:
    """Return a contact that stays if it is about security, and goes with its code otherwise."""
    return AlternateContact(
        type=kind,
        name="Team",
        title="Duty",
        email="team@corp.com",
        phone_number=phone,
        turn_off_on_removal=kind != "SECURITY",
    )


def delegation(account_id: str) -> dict[str, Any]:
    """Return a delegation policy that lets an account read."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                "Action": "organizations:ListAccounts",
                "Resource": "*",
            }
        ],
    }


class Life:
    """What each deployment wrote, and the organization as it was afterwards."""

    def __init__(self, aws: EmbeddedAws, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self.client = aws.client("organizations")
        self.organization_id = self.client.create_organization()["Organization"]["Id"]
        self.root_id = self.client.list_roots()["Roots"][0]["Id"]
        self.client.tag_resource(ResourceId=self.root_id, Tags=[{"Key": "theirs", "Value": "kept"}])
        self.writes: dict[str, list[Write]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.attached: dict[str, set[str]] = {}
        self.features: dict[str, set[str]] = {}
        self.phones: dict[str, dict[str, str]] = {}

    def deploy(self, name: str, declare: Callable[[cdk.Stack, IOrganization], object]) -> None:
        """Deploy what `declare` adds to an OU and an account."""
        assembly = self.folder / name.replace(" ", "-")
        app = cdk.App(
            outdir=str(assembly),
            context={
                LOCK_FILE_KEY: str(self.folder / "lock.json"),
                ALLOW_PLACEHOLDERS_KEY: True,
            },
        )
        env = cdk.Environment(account=self.aws.account_id, region=self.aws.region)
        stack = cdk.Stack(app, "Org", env=env)
        organization = Organization.from_organization_attributes(
            stack,
            "Organization",
            organization_id=self.organization_id,
            root_id=self.root_id,
            management_account_id=self.aws.account_id,
        )
        organization.enable_policy_type("SERVICE_CONTROL_POLICY")
        declare(stack, organization)
        app.synth()
        publish_assets(self.aws, assembly)
        before = max((call["n"] for call in self.aws.calls()), default=0)
        failure = deploy(self.aws, assembly)
        assert failure is None, self._reasons()
        self.writes[name] = [
            (call["operation"], call["params"])
            for call in self.aws.calls(before)
            if not call["read"]
        ]
        tags = self.client.list_tags_for_resource(ResourceId=self.root_id)["Tags"]
        self.tags[name] = {tag["Key"]: tag["Value"] for tag in tags}
        (unit,) = self.client.list_organizational_units_for_parent(ParentId=self.root_id)[
            "OrganizationalUnits"
        ]
        policies = self.client.list_policies_for_target(
            TargetId=unit["Id"], Filter="SERVICE_CONTROL_POLICY"
        )["Policies"]
        self.attached[name] = {policy["Name"] for policy in policies}
        if name.startswith("accounts"):
            features = self.aws.client("iam").list_organizations_features()
            self.features[name] = set(features["EnabledFeatures"])
            self.phones[name] = self._phones()

    def _phones(self) -> dict[str, str]:
        """Return the phone number of each contact that the account has, by its type."""
        client = self.aws.client("account")
        accounts = self.client.list_accounts()["Accounts"]
        (audit,) = (entry["Id"] for entry in accounts if entry["Email"] == "audit@corp.com")
        found = {}
        for kind in ("BILLING", "OPERATIONS", "SECURITY"):
            with contextlib.suppress(client.exceptions.ResourceNotFoundException):
                answer = client.get_alternate_contact(AccountId=audit, AlternateContactType=kind)
                found[kind] = answer["AlternateContact"]["PhoneNumber"]
        return found

    def operations(self, name: str) -> list[str]:
        """Return the names of what a deployment wrote."""
        return [operation for operation, _ in self.writes[name]]

    def _reasons(self) -> list[str]:
        events = self.aws.client("cloudformation").describe_stack_events(StackName="Org")
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
        ]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Let the settings come, stay, change and go."""
    with EmbeddedAws.start(settings=Settings(policy_type_seconds=0)) as aws:
        bootstrap(aws)
        life = Life(aws, tmp_path_factory.mktemp("settings"))

        def everything(stack: cdk.Stack, organization: IOrganization) -> None:
            organization.enable_policy_type("SECURITYHUB_POLICY")
            organization.trust_service(AwsService.SECURITYHUB)
            organization.trust_service(AwsService.GUARDDUTY, turn_off_on_removal=True)
            organization.tag_root({"team": "platform", "cost": "1"})
            unit = organization.root.add_organizational_unit("Unit")
            audit = unit.add_account("Audit", email="audit@corp.com")
            organization.delegate_administration(
                AwsService.GUARDDUTY, audit, turn_off_on_removal=True
            )
            organization.delegate_administration(AwsService.SECURITYHUB, audit)
            unit.deny_by_default()
            ServiceControlPolicy(stack, "Allowed", content=ALLOW, targets=[unit], name="Allowed")

        def less(stack: cdk.Stack, organization: IOrganization) -> None:
            del stack
            organization.enable_policy_type("SECURITYHUB_POLICY")
            organization.trust_service(AwsService.SECURITYHUB)
            organization.tag_root({"team": "core"})
            unit = organization.root.add_organizational_unit("Unit")
            audit = unit.add_account("Audit", email="audit@corp.com")
            organization.delegate_administration(AwsService.SECURITYHUB, audit)

        def nothing(stack: cdk.Stack, organization: IOrganization) -> None:
            del stack
            unit = organization.root.add_organizational_unit("Unit")
            unit.add_account("Audit", email="audit@corp.com")

        def of_accounts(
            phone: str, *, sessions: bool
        ) -> Callable[[cdk.Stack, IOrganization], None]:
            def declare(stack: cdk.Stack, organization: IOrganization) -> None:
                del stack
                unit = organization.root.add_organizational_unit("Unit")
                security, billing = contact("SECURITY", phone), contact("BILLING", phone)
                unit.add_account("Audit", email="audit@corp.com", contacts=[security, billing])
                organization.manage_root_access(sessions=sessions, turn_off_on_removal=True)
                organization.add_delegation_policy(delegation(aws.account_id))

            return declare

        life.deploy("created", everything)
        life.deploy("again", everything)
        life.deploy("less", less)
        life.deploy("nothing", nothing)
        life.deploy("accounts", of_accounts("+49 1", sessions=True))
        life.deploy("accounts again", of_accounts("+49 1", sessions=True))
        life.deploy("accounts changed", of_accounts("+49 2", sessions=False))
        life.deploy("accounts gone", nothing)
        yield life


class TestOrganizationSettings:
    """What AWS is asked for, in which order."""

    def test_created_in_the_order_that_aws_demands(self, life: Life) -> None:
        """Trust before the type that needs it, the allow list before accounts, delegation last."""
        assert life.operations("created") == [
            "CreateOrganizationalUnit",
            "EnableAWSServiceAccess",
            "EnableAWSServiceAccess",
            "EnablePolicyType",
            "EnablePolicyType",
            "CreatePolicy",
            "AttachPolicy",
            "DetachPolicy",
            "CreateAccount",
            "CreateAccountResult",
            "MoveAccount",
            "RegisterDelegatedAdministrator",
            "RegisterDelegatedAdministrator",
            "TagResource",
        ]
        detached = dict(life.writes["created"])["DetachPolicy"]
        assert detached["PolicyId"] == FULL
        assert life.attached["created"] == {"Allowed"}
        assert life.tags["created"] == {"theirs": "kept", "team": "platform", "cost": "1"}

    def test_no_change_writes_nothing(self, life: Life) -> None:
        """The same code again."""
        assert life.writes["again"] == []

    def test_removed_in_the_opposite_order(self, life: Life) -> None:
        """Only what asked for it is turned off; FullAWSAccess is back before a policy goes."""
        operations = life.operations("less")
        assert operations[:2] == ["TagResource", "UntagResource"]
        assert sorted(operations[2:]) == [
            "AttachPolicy",
            "DeletePolicy",
            "DeregisterDelegatedAdministrator",
            "DetachPolicy",
            "DisableAWSServiceAccess",
        ]
        assert operations.index("AttachPolicy") < operations.index("DetachPolicy")
        assert operations.index("DeregisterDelegatedAdministrator") < operations.index(
            "DisableAWSServiceAccess"
        )
        writes = dict(life.writes["less"])
        assert writes["AttachPolicy"]["PolicyId"] == FULL
        assert writes["DetachPolicy"]["PolicyId"] != FULL
        assert writes["DisableAWSServiceAccess"] == {"ServicePrincipal": "guardduty.amazonaws.com"}
        assert life.attached["less"] == {"FullAWSAccess"}
        assert life.tags["less"] == {"theirs": "kept", "team": "core"}

    def test_what_did_not_ask_stays(self, life: Life) -> None:
        """The code has gone; trust, administrator, policy type and tags are there."""
        assert life.writes["nothing"] == []
        assert life.tags["nothing"] == life.tags["less"]

    def test_contacts_root_access_and_delegation_are_created(self, life: Life) -> None:
        """With the trust that each of them needs first."""
        operations = life.operations("accounts")
        assert operations.count("PutAlternateContact") == 2
        assert operations.count("PutResourcePolicy") == 1
        trusted = [
            parameters["ServicePrincipal"]
            for operation, parameters in life.writes["accounts"]
            if operation == "EnableAWSServiceAccess"
        ]
        assert sorted(trusted) == ["account.amazonaws.com", "iam.amazonaws.com"]
        assert life.features["accounts"] == {"RootCredentialsManagement", "RootSessions"}
        assert life.phones["accounts"] == {"SECURITY": "+49 1", "BILLING": "+49 1"}
        assert life.writes["accounts again"] == []

    def test_contacts_and_root_access_are_changed(self, life: Life) -> None:
        """A feature that is no longer asked for goes where that is asked for."""
        assert life.phones["accounts changed"] == {"SECURITY": "+49 2", "BILLING": "+49 2"}
        assert life.features["accounts changed"] == {"RootCredentialsManagement"}

    def test_contacts_root_access_and_delegation_go_as_they_ask(self, life: Life) -> None:
        """The delegation policy and one contact stay; the rest is turned off."""
        assert life.phones["accounts gone"] == {"SECURITY": "+49 2"}
        assert life.features["accounts gone"] == set()
        assert "DeleteResourcePolicy" not in life.operations("accounts gone")
        assert life.client.describe_resource_policy()["ResourcePolicy"]["Content"]
