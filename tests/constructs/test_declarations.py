"""Every construct: its resource, its properties and attributes, what it takes and refers to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations
from aws_cdk.assertions import Match, Template
from construct_harness import (
    MANAGEMENT_ACCOUNT,
    ORGANIZATION_ID,
    ROOT_ID,
    of_type,
    only,
    organization_of,
    resources_of,
    root_of,
)

from org_constructs import (
    Account,
    IAccount,
    IOrganization,
    IOrganizationalUnit,
    IPolicy,
    Organization,
    OrganizationalUnit,
    OrganizationPolicyType,
    Policy,
    PolicyType,
    ProductionOu,
    Root,
    SandboxOu,
    SecurityOu,
    ServiceControlPolicy,
    StagingOu,
    WorkloadsOu,
)
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser
from org_constructs.model import OrgError

NewStack = Callable[..., cdk.Stack]
RETAIN = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
CONTENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
}


def test_organization(new_stack: NewStack) -> None:
    """A new organization has all features, is kept, and turns service control policies on."""
    stack = new_stack()
    Organization(stack, "Organization")
    template = Template.from_stack(stack)
    template.has_resource(
        "AWS::Organizations::Organization", {"Properties": {"FeatureSet": "ALL"}, **RETAIN}
    )
    template.has_resource_properties(
        "Custom::OrganizationPolicyType",
        {
            "PolicyType": "SERVICE_CONTROL_POLICY",
            "RootId": {"Fn::GetAtt": [Match.any_value(), "RootId"]},
            "ServiceTimeout": "720",
        },
    )


def test_organizational_unit(new_stack: NewStack) -> None:
    """An OU has name, parent and tags, and is kept; its name is its id by default."""
    stack = new_stack()
    root = root_of(stack)
    OrganizationalUnit(stack, "Unit", parent=root, name="Ünït 1", tags={"b": "2", "a": "1"})
    root.add_organizational_unit("Plain")
    template = Template.from_stack(stack)
    template.has_resource(
        "AWS::Organizations::OrganizationalUnit",
        {
            "Properties": {
                "Name": "Ünït 1",
                "ParentId": ROOT_ID,
                "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
            },
            **RETAIN,
        },
    )
    template.has_resource_properties(
        "AWS::Organizations::OrganizationalUnit", {"Name": "Plain", "Tags": Match.absent()}
    )


def test_account(new_stack: NewStack) -> None:
    """An account has all that AWS needs to create it, and is kept, however it is declared."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    unit.add_account("Audit", email="audit@corp.com")
    Account(
        stack,
        "Archive",
        parent=unit,
        email="archive@corp.com",
        name="log archive",
        role_name="Break/Glass".replace("/", "-"),
        tags={"team": "x"},
    )
    template = Template.from_stack(stack)
    parent = {"Fn::GetAtt": [Match.string_like_regexp("^OrganizationRootUnit"), "Id"]}
    template.has_resource(
        "AWS::Organizations::Account",
        {
            "Properties": {
                "AccountName": "Audit",
                "Email": "audit@corp.com",
                "ParentIds": [parent],
                "RoleName": Match.absent(),
            },
            **RETAIN,
        },
    )
    template.has_resource(
        "AWS::Organizations::Account",
        {
            "Properties": {
                "AccountName": "log archive",
                "Email": "archive@corp.com",
                "ParentIds": [parent],
                "RoleName": "Break-Glass",
                "Tags": [{"Key": "team", "Value": "x"}],
            },
            **RETAIN,
        },
    )


def test_accounts_in_a_scope_of_the_users_own(new_stack: NewStack) -> None:
    """A construct that is called Accounts already is used for accounts."""
    from constructs import Construct

    stack = new_stack()
    root = root_of(stack)
    own = Construct(stack, "Accounts")
    Account(own, "a", parent=root, email="a.x@corp.com")
    root.add_account("b", email="b.x@corp.com")
    accounts = of_type(resources_of(stack), "Account")
    assert {i[:-8] for i in accounts} == {"Accountsa", "Accountsb"}
    assert all(RETAIN.items() <= account.items() for account in accounts.values())


def test_policy(new_stack: NewStack) -> None:
    """A policy of any type has its content as a JSON object; it is deleted with its code."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    Policy(
        stack,
        "Tags",
        type=PolicyType.TAG_POLICY,
        content={"tags": {"CostCenter": {"tag_key": {"@@assign": "CostCenter"}}}},
        targets=[unit],
        name="tagging",
        description="what a tag may be",
        tags={"a": "1"},
    )
    policy = only(resources_of(stack), "Policy")
    assert policy["Properties"] == {
        "Type": "TAG_POLICY",
        "Content": {"tags": {"CostCenter": {"tag_key": {"@@assign": "CostCenter"}}}},
        "TargetIds": [{"Fn::GetAtt": ["OrganizationRootUnitB2326941", "Id"]}],
        "Name": "tagging",
        "Description": "what a tag may be",
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    assert "DeletionPolicy" not in policy


def test_policy_content_in_python_types(new_stack: NewStack) -> None:
    """Tuples, sets and frozen values become plain JSON; sets are sorted."""
    stack = new_stack()
    statement = {
        "Effect": "Deny",
        "Action": {"s3:PutObject", "ec2:RunInstances"},
        "Resource": ("*",),
        "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 300.0}},
    }
    root_of(stack)
    ServiceControlPolicy(stack, "Own", content={"Version": "2012-10-17", "Statement": (statement,)})
    assert only(resources_of(stack), "Policy")["Properties"]["Content"]["Statement"] == [
        {
            "Effect": "Deny",
            "Action": ["ec2:RunInstances", "s3:PutObject"],
            "Resource": ["*"],
            "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 300}},
        }
    ]


@pytest.mark.parametrize(
    ("removal", "expected"),
    [
        (None, None),
        (cdk.RemovalPolicy.RETAIN, "Retain"),
        (cdk.RemovalPolicy.DESTROY, "Delete"),
    ],
)
def test_policy_removal(
    new_stack: NewStack, removal: cdk.RemovalPolicy | None, expected: str | None
) -> None:
    """A policy is deleted with its code, unless it is to stay in force."""
    stack = new_stack()
    root_of(stack)
    ServiceControlPolicy(stack, "Own", guardrails=[DenyLeaveOrganization()], removal_policy=removal)
    assert only(resources_of(stack), "Policy").get("DeletionPolicy") == expected


def test_retain_policies(new_stack: NewStack) -> None:
    """`retain_policies` keeps every policy in force when this tool goes, an explicit choice aside."""
    stack = new_stack()
    root = root_of(stack, retain_policies=True)
    root.attach(DenyLeaveOrganization())
    ServiceControlPolicy(stack, "Kept", guardrails=[DenyRootUser()])
    ServiceControlPolicy(
        stack, "Gone", guardrails=[DenyRootUser()], removal_policy=cdk.RemovalPolicy.DESTROY
    )
    found = {
        i[:-8]: policy["DeletionPolicy"]
        for i, policy in of_type(resources_of(stack), "Policy").items()
    }
    assert found == {"OrganizationRootGuardrails": "Retain", "Kept": "Retain", "Gone": "Delete"}


def test_default_policy_name(new_stack: NewStack) -> None:
    """A policy's name has a readable part and eight characters that make it unique."""
    stack = new_stack()
    unit = OrganizationalUnit(stack, "Unit", parent=root_of(stack))
    unit.attach(DenyRootUser())
    ServiceControlPolicy(unit, "Extra", guardrails=[DenyLeaveOrganization()])
    ServiceControlPolicy(stack, "Own", guardrails=[DenyLeaveOrganization()], name="own name")
    ServiceControlPolicy(stack, "L" * 200, guardrails=[DenyLeaveOrganization()])
    names = [p["Properties"]["Name"] for p in of_type(resources_of(stack), "Policy").values()]
    assert [name[:-8] for name in names] == ["Unit-", "Unit-Extra-", "", "L" * 119 + "-"]
    assert names[2] == "own name"
    assert max(map(len, names)) == 128


CLASSES = [SecurityOu, WorkloadsOu, ProductionOu, StagingOu, SandboxOu]


@pytest.mark.parametrize("kind", CLASSES)
def test_typed_organizational_units(new_stack: NewStack, kind: type[OrganizationalUnit]) -> None:
    """The OUs of the reference hierarchy are OUs, each with the guardrails of its purpose."""
    stack = new_stack()
    kind(stack, "Unit", parent=root_of(stack), name="any", tags={"a": "1"})
    resources = resources_of(stack)
    assert only(resources, "OrganizationalUnit")["Properties"]["Name"] == "any"
    policies = list(of_type(resources, "Policy").values())
    expected = {
        ProductionOu: ["DenyCloseAccount", "ProtectCloudTrail"],
        SandboxOu: ["RegionDeny"],
    }.get(kind)
    if expected is None:
        assert not policies
    else:
        statements = policies[0]["Properties"]["Content"]["Statement"]
        assert [statement["Sid"] for statement in statements] == expected


ATTRIBUTES = {
    "AWS::Organizations::Organization": {
        "organization_id": "Id",
        "organization_arn": "Arn",
        "management_account_id": "ManagementAccountId",
        "management_account_arn": "ManagementAccountArn",
        "management_account_email": "ManagementAccountEmail",
        "root.root_id": "RootId",
        "root.target_id": "RootId",
    },
    "AWS::Organizations::OrganizationalUnit": {
        "organizational_unit_id": "Id",
        "organizational_unit_arn": "Arn",
        "organizational_unit_path": "Path",
        "target_id": "Id",
    },
    "AWS::Organizations::Account": {
        "account_id": "AccountId",
        "account_arn": "Arn",
        "account_joined_method": "JoinedMethod",
        "account_joined_timestamp": "JoinedTimestamp",
        "account_paths": "Paths",
        "account_state": "State",
        "target_id": "AccountId",
    },
    "AWS::Organizations::Policy": {
        "policy_id": "Id",
        "policy_arn": "Arn",
        "policy_aws_managed": "AwsManaged",
    },
}


def test_every_attribute(new_stack: NewStack) -> None:
    """Every attribute that CloudFormation returns can be read, under CDK's names."""
    stack = new_stack()
    organization = Organization(stack, "Organization", policy_types=[])
    unit = OrganizationalUnit(stack, "Unit", parent=organization.root)
    account = unit.add_account("a", email="a.x@corp.com")
    policy = ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()])
    made = dict(zip(ATTRIBUTES, (organization, unit, account, policy), strict=True))
    for kind, attributes in ATTRIBUTES.items():
        for name, attribute in attributes.items():
            value: Any = made[kind]
            for part in name.split("."):
                value = getattr(value, part)
            assert stack.resolve(value)["Fn::GetAtt"][1] == attribute, name
    assert stack.resolve(organization.organization_ref.organization_id)
    assert stack.resolve(unit.organizational_unit_ref.organizational_unit_id)
    assert stack.resolve(account.account_ref.account_id)
    assert stack.resolve(policy.policy_ref.policy_id)


def test_no_attribute_is_missing() -> None:
    """The L1s have no attribute that the constructs lack; `Status` is only CloudFormation's name."""
    l1s = {
        "AWS::Organizations::Organization": organizations.CfnOrganization,
        "AWS::Organizations::OrganizationalUnit": organizations.CfnOrganizationalUnit,
        "AWS::Organizations::Account": organizations.CfnAccount,
        "AWS::Organizations::Policy": organizations.CfnPolicy,
    }
    for kind, l1 in l1s.items():
        known = {
            name.removeprefix("attr_").replace("_", "").lower()
            for name, _ in inspect.getmembers(l1)
            if name.startswith("attr_")
        }
        covered = {attribute.lower() for attribute in ATTRIBUTES[kind].values()}
        assert known - covered <= {"status"}, kind


@pytest.mark.parametrize("token", [False, True], ids=["literal", "token"])
def test_references_are_full_parents_and_targets(new_stack: NewStack, *, token: bool) -> None:
    """What exists is a parent and a target like what is declared, by literal id or token."""

    def id(literal: str) -> str:
        return cdk.Fn.import_value(f"x{literal}") if token else literal

    stack = new_stack()
    organization = Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id=id(ORGANIZATION_ID),
        root_id=id(ROOT_ID),
        management_account_id=id(MANAGEMENT_ACCOUNT),
    )
    unit = OrganizationalUnit.from_organizational_unit_id(stack, "Ou", id("ou-ab12-34cd56ef"))
    account = Account.from_account_id(stack, "Audit", id("135792468024"))
    root = Root.from_root_id(stack, "Root", id(ROOT_ID))
    parents: list[Any] = [organization.root, unit, root]
    for index, parent in enumerate(parents):
        OrganizationalUnit(stack, f"Unit{index}", parent=parent)
        parent.add_organizational_unit(f"Nested{index}")
        parent.add_account(f"a{index}", email=f"a{index}.x@corp.com")
        parent.attach(DenyRootUser() if index else DenyLeaveOrganization())
    account.attach(DenyRootUser())  # type: ignore[attr-defined]
    ServiceControlPolicy(stack, "Shared", guardrails=[DenyRootUser()], targets=[unit, root])
    ServiceControlPolicy(stack, "OfAccount", guardrails=[DenyRootUser()], targets=[account])
    resources = resources_of(stack)

    def rendered(literal: str) -> Any:
        return {"Fn::ImportValue": f"x{literal}"} if token else literal

    units = {
        r["Properties"]["Name"]: r["Properties"]["ParentId"]
        for r in of_type(resources, "OrganizationalUnit").values()
    }
    expected = [rendered(ROOT_ID), rendered("ou-ab12-34cd56ef"), rendered(ROOT_ID)]
    assert [units[f"Unit{i}"] for i in range(3)] == expected
    assert [units[f"Nested{i}"] for i in range(3)] == expected
    policies = of_type(resources, "Policy")
    targets = {i[:-8]: p["Properties"]["TargetIds"] for i, p in policies.items()}
    assert targets == {
        "OrganizationRootGuardrails": [rendered(ROOT_ID)],
        "OuGuardrails": [rendered("ou-ab12-34cd56ef")],
        "RootGuardrails": [rendered(ROOT_ID)],
        "AuditGuardrails": [rendered("135792468024")],
        "Shared": [rendered("ou-ab12-34cd56ef"), rendered(ROOT_ID)],
        "OfAccount": [rendered("135792468024")],
    }
    assert isinstance(organization, IOrganization)
    assert isinstance(unit, IOrganizationalUnit)
    assert isinstance(account, IAccount)
    assert isinstance(Policy.from_policy_id(stack, "P", id("p-12345678")), IPolicy)
    assert stack.resolve(organization.organization_id) == rendered(ORGANIZATION_ID)
    assert stack.resolve(organization.management_account_id) == rendered(MANAGEMENT_ACCOUNT)
    assert stack.resolve(unit.organizational_unit_ref.organizational_unit_id) == expected[1]
    assert stack.resolve(account.account_ref.account_id) == rendered("135792468024")


def test_what_is_declared_has_the_interfaces(new_stack: NewStack) -> None:
    """Declared and existing things have the same interfaces."""
    stack = new_stack()
    organization = Organization(stack, "Organization", policy_types=[])
    unit = OrganizationalUnit(stack, "Unit", parent=organization.root)
    assert isinstance(organization, IOrganization)
    assert isinstance(unit, IOrganizationalUnit)
    assert isinstance(unit.add_account("a", email="a.x@corp.com"), IAccount)
    assert isinstance(ServiceControlPolicy(stack, "P", guardrails=[DenyRootUser()]), IPolicy)


def test_targets_offer_what_resources_do(new_stack: NewStack) -> None:
    """Targets know their stack and its environment, and take a removal policy where they have one."""
    stack = new_stack()
    root = root_of(stack)
    unit = root.add_organizational_unit("Unit")
    account = unit.add_account("a", email="a.x@corp.com")
    existing = Account.from_account_id(stack, "Existing", "135792468024")
    for target in (root, unit, account, existing):
        assert target.stack is stack
        assert (target.env.account, target.env.region) == (stack.account, stack.region)
    account.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    unit.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    with pytest.raises(OrgError, match="is not a resource of this app"):
        existing.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    resources = resources_of(stack)
    (rendered_account,) = of_type(resources, "Account").values()
    assert rendered_account["DeletionPolicy"] == "Retain"


def test_policy_reference(new_stack: NewStack) -> None:
    """An existing policy is read by its id."""
    policy = Policy.from_policy_id(new_stack(), "Existing", "p-FullAWSAccess")
    assert policy.policy_id == "p-FullAWSAccess"
    assert policy.policy_ref.policy_id == "p-FullAWSAccess"


def test_l1_parents_and_targets(new_stack: NewStack) -> None:
    """CDK's own L1s are parents and targets too."""
    stack = new_stack()
    root_of(stack)
    unit = organizations.CfnOrganizationalUnit(stack, "L1", name="l1", parent_id=ROOT_ID)
    account = organizations.CfnAccount(stack, "L1Account", account_name="l", email="l.x@corp.com")
    for l1 in (unit, account):
        l1.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    Account(stack, "a", parent=unit, email="a.x@corp.com")
    OrganizationalUnit(stack, "Unit", parent=unit)
    ServiceControlPolicy(stack, "P1", guardrails=[DenyRootUser()], targets=[unit])
    ServiceControlPolicy(stack, "P2", guardrails=[DenyRootUser()], targets=[account])
    resources = resources_of(stack)
    parent = {"Ref": "L1"}
    accounts = of_type(resources, "Account")
    assert next(r for i, r in accounts.items() if i.startswith("a"))["Properties"]["ParentIds"] == [
        parent
    ]
    units = of_type(resources, "OrganizationalUnit")
    assert next(r for i, r in units.items() if i != "L1")["Properties"]["ParentId"] == parent
    targets = [p["Properties"]["TargetIds"] for p in of_type(resources, "Policy").values()]
    assert targets == [[parent], [{"Ref": "L1Account"}]]


def test_escape_hatch(new_stack: NewStack) -> None:
    """The L1 is the default child, and what is overridden there is rendered."""
    stack = new_stack()
    organization = Organization(
        stack, "Organization", policy_types=[], acknowledge={"ORG114": "a test"}
    )
    unit = OrganizationalUnit(stack, "Unit", parent=organization.root)
    account = unit.add_account("a", email="a.x@corp.com")
    policy = ServiceControlPolicy(stack, "P", guardrails=[DenyRootUser()])
    expected = ["CfnOrganization", "CfnOrganizationalUnit", "CfnAccount", "CfnPolicy"]
    for construct, name in zip((organization, unit, account, policy), expected, strict=True):
        child: Any = construct.node.default_child
        assert isinstance(child, getattr(organizations, name))
        child.add_override("Metadata.Reviewed", "yes")
    for kind in expected:
        resource = only(resources_of(stack), kind.removeprefix("Cfn"))
        assert resource["Metadata"] == {"Reviewed": "yes"}


def _tags(resource: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource["Properties"].get("Tags", [])}


@pytest.mark.parametrize("flags", [True, False], ids=["explicit stack tags", "inherited"])
def test_tags_of_scopes(
    new_app: Callable[..., cdk.App], new_stack: NewStack, *, flags: bool
) -> None:
    """`Tags.of` reaches OUs, accounts and policies; what the stack sets too is not set twice."""
    stack = new_stack(new_app(flags=flags))
    unit = OrganizationalUnit(stack, "Unit", parent=root_of(stack), tags={"own": "1"})
    unit.attach(DenyRootUser())
    unit.add_account("a", email="a.x@corp.com")
    cdk.Tags.of(unit).add("unit", "x")
    cdk.Tags.of(stack).add("team", "platform")
    resources = resources_of(stack)
    # Without the flag the stack bears the tag, and CloudFormation adds it to each resource.
    team = {"team": "platform"} if flags else {}
    assert _tags(only(resources, "OrganizationalUnit")) == {"own": "1", "unit": "x", **team}
    assert _tags(only(resources, "Policy")) == {"unit": "x", **team}
    assert _tags(only(resources, "Account")) == team


def test_equal_stack_tag_is_not_set_twice(new_stack: NewStack) -> None:
    """A tag of the stack with the same value is left to the stack: AWS refuses a key twice."""
    stack = new_stack(tags={"team": "platform"})
    unit = root_of(stack).add_organizational_unit("Unit", tags={"team": "platform", "b": "2"})
    unit.add_account("a", email="a.x@corp.com", tags={"team": "platform"})
    resources = resources_of(stack)
    assert _tags(only(resources, "OrganizationalUnit")) == {"b": "2"}
    assert _tags(only(resources, "Account")) == {}


def test_fails_for_a_stack_tag_with_another_value(new_stack: NewStack) -> None:
    """A tag that the stack has with another value is refused: AWS refuses a key twice."""
    stack = new_stack(tags={"team": "platform"})
    root_of(stack).add_account("a", email="a.x@corp.com", tags={"team": "audit"})
    with pytest.raises(
        RuntimeError, match="tag 'team' is 'audit' here and 'platform' on its stack"
    ):
        resources_of(stack)


@pytest.mark.parametrize(
    "kind", [Organization, Account, Policy, ServiceControlPolicy, OrganizationPolicyType, *CLASSES]
)
def test_arguments_are_keyword_only(kind: type) -> None:
    """Scope and id come first; all else is named, so that it reads like a declaration."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    assert [p.name for p in parameters[:2]] == ["scope", "id"]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])


def test_the_settings_function_is_one_a_stack(new_stack: NewStack) -> None:
    """All settings of a stack share a function, whose role has the actions used and no more."""
    stack = new_stack()
    organization = organization_of(stack)
    for policy_type in (PolicyType.SERVICE_CONTROL_POLICY, PolicyType.RESOURCE_CONTROL_POLICY):
        organization.enable_policy_type(policy_type)
    template = Template.from_stack(stack)
    for kind in ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"):
        template.resource_count_is(kind, 1)
    template.resource_count_is("Custom::OrganizationPolicyType", 2)
    template.has_resource_properties(
        "AWS::IAM::Role",
        {
            "Policies": [
                {
                    "PolicyDocument": {
                        "Statement": Match.array_with(
                            [
                                {
                                    "Effect": "Allow",
                                    "Action": [
                                        "organizations:EnablePolicyType",
                                        "organizations:ListRoots",
                                    ],
                                    "Resource": "*",
                                }
                            ]
                        )
                    }
                }
            ]
        },
    )


def test_retain_policies_holds_for_policies_declared_before(new_stack: NewStack) -> None:
    """The order of declaration does not decide whether a policy is retained."""
    stack = new_stack()
    Root.from_root_id(stack, "Root", ROOT_ID).attach(DenyLeaveOrganization())
    Organization.from_organization_attributes(
        stack,
        "Organization",
        organization_id=ORGANIZATION_ID,
        root_id=ROOT_ID,
        management_account_id=MANAGEMENT_ACCOUNT,
        retain_policies=True,
    )
    Template.from_stack(stack).has_resource(
        "AWS::Organizations::Policy", {"DeletionPolicy": "Retain"}
    )
