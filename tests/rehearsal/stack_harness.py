"""Stacks on an embedded AWS: what tests of CloudFormation's behaviour share."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws

SCP = "SERVICE_CONTROL_POLICY"
CONTENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
}
OWNER = {"Key": "owner", "Value": "us"}
DENY = json.dumps(CONTENT)
DELEGATION = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "222222222222"},
            "Action": "organizations:ListRoots",
            "Resource": "*",
        }
    ],
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


def after(logical_id: str, definition: dict[str, Any]) -> dict[str, Any]:
    """Return a resource that waits for another one."""
    return {**definition, "DependsOn": logical_id}


def scp(*targets: Any, content: Any = None, name: str = "deny") -> dict[str, Any]:
    """Return an SCP, which is deleted with its code."""
    return resource(
        "Policy",
        None,
        Name=name,
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
        sections = {"Resources": resources, "Outputs": options.pop("outputs", {})}
        sections["Conditions"] = options.pop("conditions", {})
        template = json.dumps(sections)
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

    def conflicts(self) -> list[tuple[str, str]]:
        """Return the writes since then that met another one: the operation and the other."""
        return [
            (call["operation"], call["error"]["message"].split("'")[2])
            for call in self.aws.calls(since=self._seen)
            if call["error"] and call["error"]["reason"] == "SIDE_BY_SIDE"
        ]

    def adopt(self, resources: dict[str, Any], *, stack: str = "Org", **ids: str) -> Any:
        """Plan the import of resources by their physical ids."""
        entries = [
            {
                "ResourceType": resources[logical_id]["Type"],
                "LogicalResourceId": logical_id,
                "ResourceIdentifier": {
                    "AccountId" if resources[logical_id]["Type"].endswith("Account") else "Id": id
                },
            }
            for logical_id, id in ids.items()
        ]
        return self.plan(resources, stack=stack, ChangeSetType="IMPORT", ResourcesToImport=entries)

    def execute(self, planned: Any, *, stack: str = "Org") -> str:
        """Execute a change set without rollback, wait and return the stack's status."""
        assert planned["Status"] == "CREATE_COMPLETE", planned["StatusReason"]
        self.cloudformation.execute_change_set(
            ChangeSetName=planned["ChangeSetId"], DisableRollback=True
        )
        return self.wait(stack)

    def drift(self) -> dict[str, str]:
        """Detect drift and return the resources that have it."""
        self.cloudformation.detect_stack_drift(StackName="Org")
        drifts = self.cloudformation.describe_stack_resource_drifts(StackName="Org")
        return {
            drift["LogicalResourceId"]: drift["StackResourceDriftStatus"]
            for drift in drifts["StackResourceDrifts"]
            if drift["StackResourceDriftStatus"] != "IN_SYNC"
        }

    def physical_id(self, logical_id: str, stack: str = "Org") -> str:
        """Return the physical id of a resource."""
        detail = self.cloudformation.describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        physical_id: str = detail["StackResourceDetail"]["PhysicalResourceId"]
        return physical_id

    def events(self, logical_id: str) -> list[str]:
        """Return the statuses through which a resource went, latest first."""
        events = self.cloudformation.describe_stack_events(StackName="Org")["StackEvents"]
        return [
            event["ResourceStatus"] for event in events if event["LogicalResourceId"] == logical_id
        ]

    def create_account(self, name: str, parent: str | None = None) -> str:
        """Create an account from outside the stacks, wait, move it and return its id."""
        self.organizations.create_account(AccountName=name, Email=f"{name}@corp.com")
        self.aws.advance(60)
        listed = self.organizations.list_accounts()["Accounts"]
        (id,) = [entry["Id"] for entry in listed if entry["Name"] == name]
        if parent is not None:
            root = self.organizations.list_roots()["Roots"][0]["Id"]
            self.organizations.move_account(
                AccountId=id, SourceParentId=root, DestinationParentId=parent
            )
        return str(id)

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


@dataclass(frozen=True)
class Made:
    """An organization that was made by hand.

    Attributes:
        root: the root's id.
        ids: the physical ids of one resource of each type, by logical id.
        resources: a template for them.
    """

    root: str
    ids: dict[str, str]
    resources: dict[str, Any]


def make_organization(cloud: Cloud) -> Made:
    """Make one resource of each of the five types, without CloudFormation."""
    client = cloud.organizations
    organization = client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = client.list_roots()["Roots"][0]["Id"]
    cloud.enable_scps()
    created = client.create_organizational_unit(ParentId=root, Name="Theirs")
    policy = client.create_policy(Name="deny", Type=SCP, Content=DENY, Description="why")["Policy"]
    client.attach_policy(PolicyId=policy["PolicySummary"]["Id"], TargetId=root)
    delegation = client.put_resource_policy(Content=json.dumps(DELEGATION))["ResourcePolicy"]
    ids = {
        "Organization": organization,
        "Unit": created["OrganizationalUnit"]["Id"],
        "Account": cloud.create_account("theirs"),
        "Policy": policy["PolicySummary"]["Id"],
        "ResourcePolicy": delegation["ResourcePolicySummary"]["Id"],
    }
    resources = {
        "Organization": resource("Organization", FeatureSet="ALL"),
        "Unit": unit("Theirs", root),
        "Account": account(root, name="theirs"),
        "Policy": resource(
            "Policy", Name="deny", Type=SCP, Description="why", Content=CONTENT, TargetIds=[root]
        ),
        # Without tags in the template, tags that others set are no drift.
        "ResourcePolicy": resource("ResourcePolicy", Content=DELEGATION, Tags=[OWNER]),
    }
    client.tag_resource(ResourceId=ids["ResourcePolicy"], Tags=[OWNER])
    return Made(root, ids, resources)
