"""Guardrails of a target: one policy, the same whatever the order, made as late as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
import pytest
from construct_harness import of_type, only, resources_of, root_of
from constructs import Construct

from org_constructs import (
    Account,
    OrganizationalUnit,
    OrgError,
    Policy,
    PolicyType,
    ProductionOu,
    Root,
    SandboxOu,
    ServiceControlPolicy,
)
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    Guardrail,
    ProtectCloudTrail,
    RegionDeny,
)
from org_constructs.policies import Statement

NewStack = Callable[..., cdk.Stack]


def _sids(policy: dict[str, Any]) -> list[str]:
    return [statement["Sid"] for statement in policy["Properties"]["Content"]["Statement"]]


@pytest.mark.parametrize("turned", [False, True])
def test_one_policy_per_target(new_stack: NewStack, *, turned: bool) -> None:
    """Guardrails of one target are one policy of it, in the order of their ids, Sids kept."""
    stack = new_stack()
    root = root_of(stack)
    guardrails = [
        DenyRootUser(),
        DenyLeaveOrganization(),
        RegionDeny(allowed_regions=["us-east-1"]),
    ]
    for guardrail in reversed(guardrails) if turned else guardrails:
        root.attach(guardrail)
    resources = resources_of(stack)
    policy = only(resources, "Policy")
    assert list(of_type(resources, "Policy")) == ["OrganizationRootGuardrails1E53E2A1"]
    assert _sids(policy) == ["DenyLeaveOrganization", "DenyRootUser", "RegionDeny"]
    assert policy["Properties"]["TargetIds"] == ["r-ab12"]
    assert policy["Properties"]["Type"] == "SERVICE_CONTROL_POLICY"
    assert policy["Properties"]["Description"] == (
        "Guardrails: deny-leave-organization, deny-root-user, region-deny"
    )
    assert policy["Properties"]["Name"] == "Organization-Root-984c2786"


@pytest.mark.parametrize("kind", ["root", "root reference", "ou", "account", "existing account"])
def test_every_target(new_stack: NewStack, kind: str) -> None:
    """Root, OUs and accounts, declared or existing, take guardrails and policies."""
    stack = new_stack()
    root = root_of(stack)
    unit = root.add_organizational_unit("Unit")
    targets: dict[str, Any] = {
        "root": root,
        "root reference": Root.from_root_id(stack, "Root", "r-ab12"),
        "ou": unit,
        "account": unit.add_account("a", email="a.x@corp.com"),
        "existing account": Account.from_account_id(stack, "Audit", "135792468024"),
    }
    shared = ServiceControlPolicy(stack, "Shared", guardrails=[DenyLeaveOrganization()])
    targets[kind].attach(DenyRootUser(), shared)
    policies = list(of_type(resources_of(stack), "Policy").values())
    assert len(policies) == 2
    assert policies[0]["Properties"]["TargetIds"] == policies[1]["Properties"]["TargetIds"]
    assert len(policies[0]["Properties"]["TargetIds"]) == 1


def test_equal_guardrails_collapse(new_stack: NewStack) -> None:
    """A guardrail that is attached twice stands in the policy once."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(RegionDeny(allowed_regions=["us-east-1", "us-west-2"]))
    root.attach(RegionDeny(allowed_regions=["us-west-2", "us-east-1"]))
    assert _sids(only(resources_of(stack), "Policy")) == ["RegionDeny"]


def test_sid_suffix_tells_apart(new_stack: NewStack) -> None:
    """Two guardrails of one kind stand in one policy when told apart."""
    stack = new_stack()
    root_of(stack).attach(
        RegionDeny(allowed_regions=["us-east-1", "us-west-2"]),
        RegionDeny(allowed_regions=["us-west-2"], sid_suffix="West"),
    )
    policy = only(resources_of(stack), "Policy")
    assert _sids(policy) == ["RegionDeny", "RegionDenyWest"]
    assert policy["Properties"]["Description"] == "Guardrails: region-deny, region-deny-West"


def test_fails_for_two_guardrails_with_one_sid(new_stack: NewStack) -> None:
    """Two different guardrails with one Sid are refused, with both values and the way out."""
    stack = new_stack()
    root_of(stack).attach(
        RegionDeny(allowed_regions=["us-east-1"]), RegionDeny(allowed_regions=["us-west-2"])
    )
    with pytest.raises(RuntimeError, match="sid_suffix=") as caught:
        resources_of(stack)
    text = str(caught.value)
    assert "ORG113" in text
    assert "'us-west-2'" in text
    assert "'us-east-1'" in text
    assert "FATAL" in text


def test_fails_at_once_for_one_sid_in_an_explicit_policy(new_stack: NewStack) -> None:
    """In an explicit policy the same is refused where it is written."""
    with pytest.raises(OrgError, match="both have a statement 'RegionDeny'") as caught:
        ServiceControlPolicy(
            new_stack(),
            "Own",
            guardrails=[
                RegionDeny(allowed_regions=["us-east-1"]),
                RegionDeny(allowed_regions=["us-west-2"]),
            ],
        )
    assert caught.value.code == "ORG113"


class RegionalOu(OrganizationalUnit):
    """An OU whose guardrails need what its constructor sets after the base class's."""

    calls = 0

    def __init__(self, scope: Construct, id: str, *, parent: Any, regions: list[str]) -> None:
        super().__init__(scope, id, parent=parent)
        self.regions = regions

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Fence the OU to its Regions."""
        type(self).calls += 1
        return [RegionDeny(allowed_regions=self.regions)]


class ForgetfulOu(RegionalOu):
    """An OU whose guardrails fail."""

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Read what nobody has set."""
        return [RegionDeny(allowed_regions=self.missing)]  # type: ignore[attr-defined]


class StrictOu(ProductionOu):
    """A preset that adds to the guardrails of its base."""

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Deny leaving as well."""
        return [*super().default_guardrails(), DenyLeaveOrganization()]


def test_default_guardrails_are_called_once_and_lazily(new_stack: NewStack) -> None:
    """`default_guardrails` reads what a subclass's constructor sets, and is called once."""
    stack = new_stack()
    RegionalOu.calls = 0
    unit = RegionalOu(stack, "Unit", parent=root_of(stack), regions=["eu-west-1"])
    assert RegionalOu.calls == 0
    unit.regions = ["eu-central-1"]
    statement = only(resources_of(stack), "Policy")["Properties"]["Content"]["Statement"][0]
    assert statement["Condition"]["StringNotEquals"]["aws:RequestedRegion"] == "eu-central-1"
    resources_of(stack)
    assert RegionalOu.calls == 1


def test_a_subclass_adds_to_its_base(new_stack: NewStack) -> None:
    """`super().default_guardrails()` keeps what the base class brings."""
    stack = new_stack()
    StrictOu(stack, "Unit", parent=root_of(stack))
    assert _sids(only(resources_of(stack), "Policy")) == [
        "DenyCloseAccount",
        "DenyLeaveOrganization",
        "ProtectCloudTrail",
    ]


def test_guardrails_argument_replaces(new_stack: NewStack) -> None:
    """`guardrails=` is used in place of the defaults, which are not even asked for."""
    stack = new_stack()
    root = root_of(stack)
    SandboxOu(stack, "One", parent=root, guardrails=[RegionDeny(allowed_regions=["eu-west-1"])])
    ForgetfulRegions = type(  # noqa: N806 - a class
        "ForgetfulRegions", (SandboxOu,), {"default_guardrails": lambda _: 1 / 0}
    )
    ForgetfulRegions(stack, "Two", parent=root, guardrails=[])
    policy = only(resources_of(stack), "Policy")
    condition = policy["Properties"]["Content"]["Statement"][0]["Condition"]
    assert condition["StringNotEquals"]["aws:RequestedRegion"] == "eu-west-1"


def test_attach_adds(new_stack: NewStack) -> None:
    """`attach` adds to the defaults and to `guardrails=`, before and after."""
    stack = new_stack()
    root = root_of(stack)
    ProductionOu(stack, "Defaults", parent=root).attach(DenyRootUser())
    ProductionOu(stack, "Given", parent=root, guardrails=[DenyCloseAccount()]).attach(
        DenyRootUser(), DenyLeaveOrganization()
    )
    found = {i[:-8]: _sids(p) for i, p in of_type(resources_of(stack), "Policy").items()}
    assert found == {
        "DefaultsGuardrails": ["DenyCloseAccount", "DenyRootUser", "ProtectCloudTrail"],
        "GivenGuardrails": ["DenyCloseAccount", "DenyLeaveOrganization", "DenyRootUser"],
    }


@pytest.mark.parametrize(
    "declare",
    [
        lambda root: OrganizationalUnit(root, "Unit", parent=root),
        lambda root: OrganizationalUnit(root, "Unit", parent=root, guardrails=[]),
        lambda root: SandboxOu(root, "Unit", parent=root, guardrails=()),
        lambda root: type("Empty", (SandboxOu,), {"default_guardrails": lambda _: ()})(
            root, "Unit", parent=root
        ),
        lambda root: root.attach(),
    ],
    ids=["none", "empty list", "defaults replaced by none", "empty defaults", "attach nothing"],
)
def test_no_guardrails_make_no_policy(new_stack: NewStack, declare: Callable[[Any], Any]) -> None:
    """Where nothing is denied there is no policy."""
    stack = new_stack()
    declare(root_of(stack))
    assert not of_type(resources_of(stack), "Policy")


def test_fails_when_default_guardrails_raise(new_stack: NewStack) -> None:
    """An exception in `default_guardrails` is a refusal with its type and the user's line."""
    stack = new_stack()
    ForgetfulOu(stack, "Unit", parent=root_of(stack), regions=[])
    line = ForgetfulOu.default_guardrails.__code__.co_firstlineno + 2
    with pytest.raises(RuntimeError, match=r"AttributeError: .*missing") as caught:
        resources_of(stack)
    assert f"test_attached_guardrails.py:{line}" in str(caught.value)
    assert "FATAL" in str(caught.value)


def test_fails_with_all_problems_at_once(new_stack: NewStack) -> None:
    """One synthesis reports every OU whose guardrails fail."""
    stack = new_stack()
    root = root_of(stack)
    for id in ("One", "Two"):
        ForgetfulOu(stack, id, parent=root, regions=[])
    with pytest.raises(RuntimeError) as caught:
        resources_of(stack)
    assert str(caught.value).count("AttributeError") == 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (DenyRootUser, "DenyRootUser is the class; give DenyRootUser"),
        ("DenyRootUser", "is not owned by this app and cannot be attached"),
        (7, "7 cannot be attached; give guardrails such as"),
        ({"Effect": "Deny"}, "cannot be attached; give guardrails such as"),
    ],
    ids=["class", "string", "number", "statement"],
)
def test_fails_to_attach_what_is_no_guardrail(
    new_stack: NewStack, value: Any, message: str
) -> None:
    """Only guardrails and policies of this app are attached."""
    stack = new_stack()
    root = root_of(stack)
    with pytest.raises(OrgError, match=message):
        root.attach(value)


def test_fails_to_attach_an_imported_policy(new_stack: NewStack) -> None:
    """A policy that another tool owns cannot be attached: CloudFormation has no such resource."""
    stack = new_stack()
    policy: Any = Policy.from_policy_id(stack, "Existing", "p-12345678")
    with pytest.raises(OrgError, match="CloudFormation has no attachment resource") as caught:
        root_of(stack).attach(policy)
    assert caught.value.code == "ORG011"
    with pytest.raises(OrgError, match="policy 'p-12345678' is not owned by this app"):
        root_of(new_stack()).attach("p-12345678")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [DenyRootUser(), "abc"], ids=["a guardrail", "a string"])
def test_fails_for_guardrails_that_are_no_list(new_stack: NewStack, value: Any) -> None:
    """`guardrails=` takes a list, and says so."""
    stack = new_stack()
    root = root_of(stack)
    with pytest.raises(OrgError, match="not a list; give a list such as") as caught:
        OrganizationalUnit(stack, "Unit", parent=root, guardrails=value)
    assert caught.value.code == "ORG008"
    with pytest.raises(OrgError, match="not a list; give a list such as"):
        ServiceControlPolicy(stack, "Own", guardrails=value)


def test_fails_when_default_guardrails_return_one(new_stack: NewStack) -> None:
    """A default that is no list is a refusal, not a crash."""
    stack = new_stack()
    lone = type("Lone", (OrganizationalUnit,), {"default_guardrails": lambda _: DenyRootUser()})
    lone(stack, "Unit", parent=root_of(stack))
    with pytest.raises(RuntimeError, match="FATAL"):
        resources_of(stack)


@pytest.mark.parametrize(
    ("defaults", "kind"),
    [([DenyRootUser()], "of type list"), (property(lambda _: []), "of type property")],
    ids=["list", "property"],
)
def test_fails_when_default_guardrails_is_no_method(
    new_stack: NewStack, defaults: Any, kind: str
) -> None:
    """What is written as a value in the class is refused in words, where the OU is declared."""
    stack = new_stack()
    root = root_of(stack)
    unit = type("ListedOu", (OrganizationalUnit,), {"default_guardrails": defaults})
    with pytest.raises(OrgError, match=f"of ListedOu is {kind}, not a method") as caught:
        unit(stack, "Unit", parent=root)
    assert caught.value.code == "ORG008"
    assert stack.node.try_find_child("Unit") is None


@dataclass(frozen=True, kw_only=True)
class DenyMarketplace(Guardrail):
    """A guardrail of a user's own."""

    why = "purchases go through procurement"

    def statements(self) -> Sequence[Statement]:
        """Return one statement."""
        return [self.deny(actions=["aws-marketplace:Subscribe"])]


def test_a_guardrail_of_ones_own(new_stack: NewStack) -> None:
    """A guardrail of the user's own is attached like the library's."""
    stack = new_stack()
    root_of(stack).attach(DenyMarketplace())
    policy = only(resources_of(stack), "Policy")
    assert _sids(policy) == ["DenyMarketplace"]
    assert policy["Properties"]["Description"] == "Guardrails: deny-marketplace"


def test_guardrails_or_content(new_stack: NewStack) -> None:
    """A service control policy is made of guardrails or of a document."""
    stack = new_stack()
    root_of(stack)
    made = ServiceControlPolicy(
        stack, "One", guardrails=[ProtectCloudTrail()], description="own words"
    )
    content = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
    }
    own = ServiceControlPolicy(stack, "Two", content=content)
    first, second = of_type(resources_of(stack), "Policy").values()
    assert first["Properties"]["Description"] == "own words"
    assert second["Properties"]["Content"] == content
    assert "Description" not in second["Properties"]
    assert set(made.guardrail_sizes) == {"protect-cloud-trail"}
    assert own.guardrail_sizes == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either guardrails or content"),
        ({"guardrails": [DenyRootUser()], "content": {}}, "give either guardrails or content"),
        ({"guardrails": []}, "guardrails is empty; name at least one"),
        ({"content": "{}"}, r"content is a string, not a JSON object; give .*json\.loads"),
        ({"content": {"Statement": [None]}}, r"content\.Statement\[0\]: None has no JSON form"),
    ],
)
def test_fails_for_a_policy_of_nothing_or_both(
    new_stack: NewStack, arguments: dict[str, Any], message: str
) -> None:
    """Neither, both, nothing, a string or what is no JSON is refused where it is written."""
    with pytest.raises(OrgError, match=message) as caught:
        ServiceControlPolicy(new_stack(), "Own", **arguments)
    assert caught.value.code == "ORG009"


def test_sizes_are_of_minified_statements(new_stack: NewStack) -> None:
    """The characters of each guardrail are those that AWS counts."""
    stack = new_stack()
    root_of(stack)
    policy = ServiceControlPolicy(
        stack, "Own", guardrails=[DenyLeaveOrganization(), DenyRootUser()]
    )
    text = (
        '{"Sid":"DenyLeaveOrganization","Effect":"Deny",'
        '"Action":"organizations:LeaveOrganization","Resource":"*"}'
    )
    assert policy.guardrail_sizes["deny-leave-organization"] == len(text)


def test_a_policy_of_another_type_is_attached(new_stack: NewStack) -> None:
    """`attach` takes policies of every type."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    unit.attach(
        Policy(stack, "Tags", type=PolicyType.TAG_POLICY, content={"tags": {}}),
    )
    assert len(only(resources_of(stack), "Policy")["Properties"]["TargetIds"]) == 1


def test_targets_are_not_doubled(new_stack: NewStack) -> None:
    """A target that is named twice is attached once, in an order that declaration does not decide."""
    stack = new_stack()
    root = root_of(stack)
    units = {id: root.add_organizational_unit(id) for id in ("B", "A")}
    policy = ServiceControlPolicy(
        stack, "Own", guardrails=[DenyRootUser()], targets=[units["B"], units["B"]]
    )
    units["B"].attach(policy)
    units["A"].attach(policy)
    targets = only(resources_of(stack), "Policy")["Properties"]["TargetIds"]
    assert [t["Fn::GetAtt"][0][:-8] for t in targets] == ["OrganizationRootA", "OrganizationRootB"]
