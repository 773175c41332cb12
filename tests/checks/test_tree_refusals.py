"""What the whole organization shows to be wrong: each refusal just outside and just inside."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    codes,
    organization_of,
    refusal,
    refusals,
    root_of,
)

from org_constructs import (
    Organization,
    OrganizationalUnit,
    Policy,
    PolicyType,
    Root,
    ServiceControlPolicy,
)
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    ProtectCloudTrail,
    RegionDeny,
)


def _nest(stack: cdk.Stack, depth: int, **properties: Any) -> None:
    parent: Any = root_of(stack, **properties)
    for level in range(depth):
        parent = parent.add_organizational_unit(f"L{level + 1}")


def test_ou_depth(new_stack: NewStack) -> None:
    """Five levels of OUs below the root are accepted."""
    stack = new_stack()
    _nest(stack, 5)
    assert codes(stack) == []


def test_fails_for_ou_depth(new_stack: NewStack) -> None:
    """The sixth level is refused, with its path and how far to move it."""
    stack = new_stack()
    _nest(stack, 6)
    found = refusal(stack, "ORG101")
    assert found.message.startswith(
        "ou path 'Root/L1/L2/L3/L4/L5/L6' has 6 levels below the root, at most 5 are allowed"
    )
    assert found.remedy == "move 'L6' up 1 level(s)"
    assert found.construct == "Org/Organization/Root/L1/L2/L3/L4/L5/L6/Resource"
    assert "test_tree_refusals.py:" in found.message


def test_fails_for_ou_depth_below_an_existing_ou(new_stack: NewStack) -> None:
    """An existing OU as outermost parent counts as one level at least."""
    stack = new_stack()
    root_of(stack)
    parent: Any = OrganizationalUnit.from_organizational_unit_id(stack, "Ou", "ou-ab12-34cd56ef")
    for level in range(5):
        parent = parent.add_organizational_unit(f"L{level}")
    assert codes(stack) == ["ORG101"]


def test_quota_override(new_stack: NewStack) -> None:
    """A quota that AWS has granted to this organization replaces the documented one."""
    stack = new_stack()
    _nest(stack, 6, quotas={"organizational_unit_depth": 6})
    assert codes(stack) == []
    stack = new_stack()
    _nest(stack, 7, quotas={"organizational_unit_depth": 6})
    assert "at most 6 are allowed" in refusals(stack)[0].message


def test_equal_ou_names(new_stack: NewStack) -> None:
    """OUs with one name are accepted under different parents, refused under one."""
    stack = new_stack()
    root = root_of(stack)
    one, two = root.add_organizational_unit("One"), root.add_organizational_unit("Two")
    for parent in (one, two):
        parent.add_organizational_unit("Prod", name="same")
    assert codes(stack) == []


@pytest.mark.parametrize("apart", [False, True], ids=["one reference", "two references"])
def test_fails_for_equal_ou_names(new_stack: NewStack, *, apart: bool) -> None:
    """Two OUs with one name under one parent are refused, however the parent is named."""
    stack = new_stack()
    root = root_of(stack)
    other = Root.from_root_id(stack, "Root", "r-ab12") if apart else root
    root.add_organizational_unit("One", name="same")
    other.add_organizational_unit("Two", name="same")
    found = refusal(stack, "ORG102")
    assert "two organizational units under 'Root' are named 'same'" in found.message
    assert "'Org/Organization/Root/One'" in found.message


def test_fails_for_equal_emails(new_app: NewApp, new_stack: NewStack) -> None:
    """Two accounts with one e-mail in any case are refused, across stacks too."""
    app = new_app()
    root_of(new_stack(app, "A")).add_account("one", email="Audit.x@corp.com")
    root_of(new_stack(app, "B")).add_account("two", email="audit.X@CORP.com")
    root_of(new_stack(app, "C")).add_account("three", email="other.x@corp.com")
    found = refusal(app, "ORG103")
    assert "accounts 'A/Accounts/one' and 'B/Accounts/two' have one email" in found.message


def _scp_of(characters: int) -> dict[str, Any]:
    content: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::ü"}],
    }
    size = len(json.dumps(content, separators=(",", ":"), ensure_ascii=False))
    content["Statement"][0]["Resource"] += "x" * (characters - size)
    return content


def test_scp_size(new_stack: NewStack) -> None:
    """A service control policy of 10,240 characters is accepted; characters, not bytes, count."""
    stack = new_stack()
    root_of(stack)
    ServiceControlPolicy(stack, "Own", content=_scp_of(10_240))
    assert codes(stack) == []


def test_fails_for_scp_size(new_stack: NewStack) -> None:
    """One character more is refused."""
    stack = new_stack()
    root_of(stack)
    ServiceControlPolicy(stack, "Own", content=_scp_of(10_241))
    found = refusal(stack, "ORG104")
    assert "policy 'Org/Own' has 10241 characters, at most 10240 are allowed" in found.message
    assert found.remedy == "split its statements over two policies"


def test_deferred_values_count_as_nothing(new_stack: NewStack) -> None:
    """What deployment fills in has no size yet: it is left out, not guessed."""
    stack = new_stack()
    root_of(stack)
    content = _scp_of(10_240)
    del content["Statement"][0]["Resource"]
    content["Statement"][0]["Resource"] = [f"arn:aws:s3:::{'x' * 10_100}", cdk.Aws.PARTITION]
    ServiceControlPolicy(stack, "Own", content=content)
    assert codes(stack) == []


def test_a_string_is_counted_as_it_is() -> None:
    """White space in a document that is a string counts, as AWS counts it."""
    from org_constructs.checks.policy_size import characters

    assert characters('{ "Version" : "2012-10-17" }') == 28
    assert characters({"Version": "2012-10-17"}) == 24


def test_fails_for_guardrails_that_are_too_large(new_stack: NewStack) -> None:
    """A policy of guardrails shows the size of each, and says which one to move."""
    stack = new_stack()
    root = root_of(stack)
    principals = [f"arn:*:iam::{n:012}:role/BreakGlass" for n in range(1, 260)]
    root.attach(DenyRootUser(exempt_principals=principals), DenyLeaveOrganization())
    found = refusal(stack, "ORG104")
    assert "at most 10240 are allowed: deny-root-user " in found.message
    assert ", deny-leave-organization 105" in found.message
    assert found.remedy == (
        "move deny-root-user into a ServiceControlPolicy of its own with the same target"
    )


def _attach(stack: cdk.Stack, number: int, **properties: Any) -> None:
    unit = root_of(stack, **properties).add_organizational_unit("Unit")
    for index in range(number):
        unit.attach(ServiceControlPolicy(stack, f"P{index}", guardrails=[DenyRootUser()]))


def test_scps_per_target(new_stack: NewStack) -> None:
    """Nine policies beside FullAWSAccess are accepted on one target."""
    stack = new_stack()
    _attach(stack, 9)
    assert codes(stack) == []


def test_fails_for_scps_per_target(new_stack: NewStack) -> None:
    """The tenth is refused: FullAWSAccess counts."""
    stack = new_stack()
    _attach(stack, 10)
    found = refusal(stack, "ORG105")
    assert (
        "'Org/Organization/Root/Unit' has 10 policies of type SERVICE_CONTROL_POLICY, "
        "9 are allowed beside AWS's own" in found.message
    )


def test_scps_per_target_override(new_stack: NewStack) -> None:
    """A granted number of policies is honoured."""
    stack = new_stack()
    _attach(stack, 10, quotas={"scps_per_target": 11})
    assert codes(stack) == []


def test_types_are_counted_apart(new_stack: NewStack) -> None:
    """Policies of another type do not count."""
    stack = new_stack()
    _attach(stack, 9)
    unit = OrganizationalUnit.from_organizational_unit_id(stack, "Ou", "ou-ab12-34cd56ef")
    for index in range(10):
        unit.attach(Policy(stack, f"T{index}", type=PolicyType.TAG_POLICY, content={"tags": {}}))
    assert codes(stack) == []


def _bucket(scope: Construct) -> None:
    s3.CfnBucket(scope, "Bucket").apply_removal_policy(cdk.RemovalPolicy.RETAIN)


def test_fails_for_a_workload_beside_the_organization(new_stack: NewStack) -> None:
    """A bucket in a stack of the organization is refused by name."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    _bucket(stack)
    found = refusal(stack, "ORG106")
    assert found.message.startswith("AWS::S3::Bucket 'Org/Bucket' does not manage the organization")
    assert found.construct == "Org/Bucket"
    assert "acknowledge ORG106 with a reason" in found.remedy


def test_fails_for_a_workload_in_another_stack_of_the_management_account(
    new_app: NewApp, new_stack: NewStack
) -> None:
    """A stack that goes to the management account runs no workload either."""
    app = new_app()
    root_of(new_stack(app)).add_organizational_unit("Unit")
    _bucket(new_stack(app, "Data"))
    assert refusal(app, "ORG106").construct == "Data/Bucket"


def test_fails_for_a_function_of_the_users_own(new_stack: NewStack) -> None:
    """The library's own function is accepted, a role beside it is not."""
    stack = new_stack()
    organization_of(stack).enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    assert codes(stack) == []
    stack = new_stack()
    organization_of(stack).enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    iam.CfnRole(stack, "Role", assume_role_policy_document={})
    assert refusal(stack, "ORG106").construct == "Org/Role"


def test_acknowledged_workload(new_stack: NewStack) -> None:
    """A workload that is acknowledged with a reason is accepted."""
    stack = new_stack()
    root_of(stack, acknowledge={"ORG106": "the bucket moves next month"})
    root = Root.from_root_id(stack, "Root", "r-ab12")
    root.add_organizational_unit("Unit")
    _bucket(stack)
    assert codes(stack) == []


def test_what_manages_the_organization_is_no_workload(new_stack: NewStack) -> None:
    """Identity Center, budgets and stack sets belong into the management account."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    for index, kind in enumerate(
        ("AWS::SSO::PermissionSet", "AWS::Budgets::Budget", "AWS::CloudFormation::StackSet")
    ):
        cdk.CfnResource(stack, f"R{index}", type=kind)
    assert codes(stack) == []


def test_a_stack_of_another_account_is_left_alone(new_app: NewApp, new_stack: NewStack) -> None:
    """A workload of a member account, in its own account and Region, is nobody's business here."""
    app = new_app()
    root_of(new_stack(app)).add_organizational_unit("Unit")
    _bucket(new_stack(app, "Data", env=cdk.Environment(account="135792468024", region="eu-west-1")))
    assert codes(app) == []


def test_fails_for_another_account(new_stack: NewStack) -> None:
    """The organization is deployed from its management account."""
    stack = new_stack(env=cdk.Environment(account="135792468024", region="us-east-1"))
    root_of(stack).add_organizational_unit("Unit")
    found = refusal(stack, "ORG107")
    assert (
        f"deploys to account '135792468024', the management account is '{MANAGEMENT_ACCOUNT}'"
        in found.message
    )


def test_fails_for_another_account_than_the_creating_one(
    new_app: NewApp, new_stack: NewStack
) -> None:
    """The account in which the organization is created is the management account."""
    app = new_app()
    base = new_stack(app, "Base")
    organization = Organization(base, "Organization", policy_types=[])
    team = new_stack(app, "Team", env=cdk.Environment(account="135792468024", region="us-east-1"))
    Root.from_root_id(team, "Root", "r-ab12").add_organizational_unit("Unit")
    assert organization.root.root_id
    assert refusal(app, "ORG107").message.startswith("stack 'Team' deploys to account")


@pytest.mark.parametrize("known", ["account", "region", "neither"])
def test_unknown_environments_are_not_refused(new_stack: NewStack, known: str) -> None:
    """An account or Region that only deployment knows is no finding."""
    environment = {
        "account": cdk.Environment(account=MANAGEMENT_ACCOUNT, region=cdk.Aws.REGION),
        "region": cdk.Environment(account=cdk.Aws.ACCOUNT_ID, region="us-east-1"),
        "neither": None,
    }[known]
    stack = new_stack(env=environment)
    root_of(stack).add_organizational_unit("Unit").add_account("a", email="a.x@corp.com")
    assert codes(stack) == []


@pytest.mark.parametrize(
    ("region", "wanted"),
    [
        ("us-east-1", None),
        ("us-east-2", "partition 'aws' is in 'us-east-1'"),
        ("cn-northwest-1", None),
        ("cn-north-1", "partition 'aws-cn' is in 'cn-northwest-1'"),
        ("us-gov-west-1", None),
        ("us-gov-east-1", "partition 'aws-us-gov' is in 'us-gov-west-1'"),
    ],
)
def test_region_of_the_partition(new_stack: NewStack, region: str, wanted: str | None) -> None:
    """An organization is deployed in its partition's Organizations Region, else refused."""
    stack = new_stack(env=cdk.Environment(account=MANAGEMENT_ACCOUNT, region=region))
    root_of(stack).add_organizational_unit("Unit")
    if wanted is None:
        assert codes(stack) == []
    else:
        assert wanted in refusal(stack, "ORG108").message


def test_accounts_in_china(new_stack: NewStack) -> None:
    """CloudFormation creates accounts in China."""
    stack = new_stack(env=cdk.Environment(account=MANAGEMENT_ACCOUNT, region="cn-northwest-1"))
    root_of(stack).add_account("a", email="a.x@corp.com")
    assert codes(stack) == []


def test_fails_for_accounts_in_govcloud(new_stack: NewStack) -> None:
    """CloudFormation creates no accounts in GovCloud; existing ones can be referred to."""
    stack = new_stack(env=cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-gov-west-1"))
    root_of(stack).add_account("a", email="a.x@corp.com")
    found = refusal(stack, "ORG109")
    assert "cannot be created in region 'us-gov-west-1'" in found.message
    assert "Account.from_account_id" in found.remedy


def test_fails_for_a_fence_of_another_partition(new_stack: NewStack) -> None:
    """A fence of another partition's Regions would deny everything."""
    china = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="cn-northwest-1")
    stack = new_stack(env=china)
    root_of(stack).attach(RegionDeny(allowed_regions=["us-east-1"]))
    assert "allows only us-east-1" in refusal(stack, "ORG133").message
    stack = new_stack(env=china)
    root_of(stack).attach(RegionDeny(allowed_regions=["cn-north-1"]))
    assert codes(stack) == []


def test_fails_for_mixed_targets_behind_the_constructs_back(new_stack: NewStack) -> None:
    """Targets of both kinds that come by the escape hatch are refused in the template."""
    stack = new_stack()
    root_of(stack)
    policy = ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()])
    resource: Any = policy.node.default_child
    resource.target_ids = ["ou-ab12-34cd56ef", "135792468024"]
    assert "targets accounts and containers" in refusal(stack, "ORG110").message


def test_fails_for_a_nested_stack(new_stack: NewStack) -> None:
    """A nested stack's resources are not read by any check, so it holds none of these."""
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    root_of(nested).add_organizational_unit("Unit")
    found = next(f for f in refusals(stack) if f.code == "ORG118")
    assert (
        "'Org/Nested/Organization/Root/Unit' is in the nested stack 'Org/Nested'" in found.message
    )


def test_fails_for_a_nested_stack_in_words_alone(new_stack: NewStack) -> None:
    """A nested stack with a part of its parent's organization is refused as such, once."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    nested = cdk.NestedStack(stack, "Nested")
    ServiceControlPolicy(nested, "Own", guardrails=[DenyRootUser()], targets=[unit])
    assert sorted({f.code for f in refusals(stack)}) == ["ORG106", "ORG118"]


@pytest.mark.parametrize("which", ["organization", "unit", "account"])
def test_fails_for_destroy(new_stack: NewStack, which: str) -> None:
    """An organization, OU or account that would go with its code is refused."""
    stack = new_stack()
    organization = Organization(
        stack, "Organization", policy_types=[], acknowledge={"ORG114": "a test"}
    )
    unit = organization.root.add_organizational_unit("Unit")
    account = unit.add_account("a", email="a.x@corp.com")
    made = {"organization": organization, "unit": unit, "account": account}
    made[which].apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    found = refusal(stack, "ORG117")
    assert "has DeletionPolicy 'Delete'; it would be deleted with its code" in found.message


def test_fails_for_destroy_by_an_aspect(new_stack: NewStack) -> None:
    """`RemovalPolicies.of` on the whole stack is refused as well."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit").add_account("a", email="a.x@corp.com")
    cdk.RemovalPolicies.of(stack).destroy()
    assert codes(stack) == ["ORG117", "ORG117"]


def test_acknowledged_destroy(new_stack: NewStack) -> None:
    """A throw-away OU can be acknowledged."""
    stack = new_stack()
    unit = root_of(stack, acknowledge={"ORG117": "a rehearsal"}).add_organizational_unit("Unit")
    unit.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    assert codes(stack) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"Principal": "*"}, "Principal is not part of a service control policy"),
        ({"Efect": "Deny"}, "element 'Efect' is unknown; did you mean 'Effect'"),
        ({"NotAction": "s3:*"}, "Action and NotAction are both given; keep one of them"),
        ({"Action": "RunInstances"}, "'RunInstances' names no service; write one such as"),
    ],
)
def test_fails_for_policy_grammar(
    new_stack: NewStack, statement: dict[str, Any], message: str
) -> None:
    """A document that AWS would call malformed is refused, with the rule that it breaks."""
    stack = new_stack()
    root_of(stack)
    valid = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    ServiceControlPolicy(stack, "Good", content={"Version": "2012-10-17", "Statement": [valid]})
    ServiceControlPolicy(
        stack, "Own", content={"Version": "2012-10-17", "Statement": [{**valid, **statement}]}
    )
    found = refusal(stack, "ORG119")
    assert found.message.startswith("policy 'Org/Own': statement 1: ")
    assert message in found.message


def test_all_refusals_in_one_report(new_stack: NewStack) -> None:
    """One synthesis reports everything, each with construct, line and remedy."""
    stack = new_stack()
    root = root_of(stack)
    for id in ("One", "Two"):
        root.add_organizational_unit(id, name="same").add_account(id, email="same.x@corp.com")
    root.attach(RegionDeny(allowed_regions=["us-east-1"]))
    root.attach(RegionDeny(allowed_regions=["us-west-2"]))
    _bucket(stack)
    found = refusals(stack)
    assert sorted(f.code for f in found) == ["ORG102", "ORG103", "ORG106", "ORG113"]
    by_code = {f.code: f for f in found}
    for code in ("ORG102", "ORG103"):
        assert "test_tree_refusals.py:" in by_code[code].message
    assert all(f.remedy for f in found)


def test_stages_are_validated_apart(new_app: NewApp) -> None:
    """Two Stages are two organizations, each with a plugin and findings of its own."""
    app = new_app()
    for id, email in (("Test", "a.x@corp.com"), ("Live", "a.x@corp.com")):
        stage = cdk.Stage(app, id)
        env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
        stack = cdk.Stack(stage, "Org", env=env)
        root = root_of(stack)
        root.add_account("a", email=email)
        if id == "Live":
            root.attach(DenyCloseAccount(), ProtectCloudTrail())
            root.add_organizational_unit("One", name="same")
            root.add_organizational_unit("Two", name="same")
    with pytest.raises(RuntimeError) as caught:
        app.synth()
    text = str(caught.value)
    assert text.count("ORG102") == 1
    assert "'Live/Org/Organization/Root/One'" in text
    assert "ORG103" not in text
