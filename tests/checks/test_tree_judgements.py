"""Judgements that need the tree: what is denied above, what a class leaves out, what nothing reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from refusal_harness import NewStack, Reported, organization_of, report, root_of

from org_constructs import (
    OrganizationalUnit,
    PolicyType,
    ProductionOu,
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

EU = RegionDeny(allowed_regions=["eu-central-1", "eu-west-1"])


def _judgements(stack: cdk.Stack) -> list[Reported]:
    return [finding for finding in report(stack) if finding.code >= "ORG200"]


def _only(stack: cdk.Stack, code: str, severity: str = "warning") -> Reported:
    found = _judgements(stack)
    assert [(finding.code, finding.severity) for finding in found] == [(code, severity)], found
    return found[0]


# ORG208: what is denied already.


def test_a_guardrail_that_the_root_has(new_stack: NewStack) -> None:
    """The same guardrail below has no effect; the message names both places."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(DenyRootUser(), DenyLeaveOrganization())
    root.add_organizational_unit("Unit", guardrails=[DenyRootUser()])
    found = _only(stack, "ORG208")
    assert found.construct == "Org/Organization/Root/Unit/Guardrails/Resource"
    assert "it has no effect: all it denies is denied by 'Org/Organization/Root/Guardrails'" in (
        found.message
    )
    assert "on 'Root' above it" in found.message


def test_one_of_two_guardrails_that_the_root_has(new_stack: NewStack) -> None:
    """Only the statement that is too many is named."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(DenyRootUser())
    root.add_organizational_unit("Unit", guardrails=[DenyRootUser(), DenyCloseAccount()])
    found = _only(stack, "ORG208")
    assert "statement 2 'DenyRootUser': what it denies is denied by statement 1" in found.message


def test_a_narrower_fence_below(new_stack: NewStack) -> None:
    """A fence that closes more Regions than the one above is what fences are nested for."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(EU)
    root.add_organizational_unit(
        "Unit", guardrails=[RegionDeny(allowed_regions=["eu-west-1"], sid_suffix="Unit")]
    )
    assert not _judgements(stack)


def test_a_wider_fence_below(new_stack: NewStack) -> None:
    """A fence that opens more Regions than the one above opens none."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(RegionDeny(allowed_regions=["eu-west-1"]))
    root.add_organizational_unit("Unit", guardrails=[EU])
    assert "it has no effect" in _only(stack, "ORG208").message


def test_who_is_exempt_above_is_bound_below(new_stack: NewStack) -> None:
    """The same denial without its exemption does more."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(ProtectCloudTrail(exempt_principals=["arn:*:iam::*:role/Audit"]))
    root.add_organizational_unit("Unit", guardrails=[ProtectCloudTrail()])
    assert not _judgements(stack)


def test_two_equal_policies_on_one_target(new_stack: NewStack) -> None:
    """Of two equal policies one is too many, not both."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    for id in ("A", "B"):
        ServiceControlPolicy(stack, id, guardrails=[DenyRootUser()], targets=[unit])
    found = _only(stack, "ORG208")
    assert found.message.startswith("policy 'Org/B': it has no effect")
    assert "on the same target" in found.message


def test_a_shared_policy_that_one_target_has_already(new_stack: NewStack) -> None:
    """A policy of two targets has an effect while it has one on either."""
    stack = new_stack()
    root = root_of(stack)
    units = [root.add_organizational_unit(id) for id in ("One", "Two")]
    units[0].attach(DenyRootUser())
    ServiceControlPolicy(stack, "Shared", guardrails=[DenyRootUser()], targets=units)
    found = _only(stack, "ORG208")
    assert "'Org/Organization/Root/One/Guardrails': it has no effect" in found.message
    assert "by 'Org/Shared' already" in found.message


# ORG214, ORG215: fences on one path.


def test_fences_without_a_common_region(new_stack: NewStack) -> None:
    """An OU's fence cannot open what the root's closes: an error that names both."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(RegionDeny(allowed_regions=["us-east-1"]))
    root.add_organizational_unit("Unit", guardrails=[EU])
    found = _only(stack, "ORG215", "error")
    assert "leaves 'eu-central-1' and 'eu-west-1' open" in found.message
    assert "only 'us-east-1'; what neither exempts is denied in every region" in found.message


def test_acknowledged_fences_without_a_common_region(new_stack: NewStack) -> None:
    """What is wanted is acknowledged, for one place or for all."""
    for code in ("ORG215", "ORG215@Org/Organization/Root/Unit/Guardrails"):
        stack = new_stack()
        root = root_of(stack, acknowledge={code: "the unit is being closed"})
        root.attach(RegionDeny(allowed_regions=["us-east-1"]))
        root.add_organizational_unit("Unit", guardrails=[EU])
        assert not _judgements(stack)


def test_a_leak_that_the_root_closes(new_stack: NewStack) -> None:
    """A fence is judged with what stands above it."""
    for closed in (False, True):
        stack = new_stack()
        root = root_of(stack)
        unit = root.add_organizational_unit("Unit")
        ServiceControlPolicy(
            stack,
            "Fence",
            guardrails=[RegionDeny(allowed_regions=["eu-west-1"], extra_exempt_actions=["rds:*"])],
            targets=[unit],
        )
        if closed:
            root.attach(
                RegionDeny(allowed_regions=["eu-west-1", "eu-west-2"], sid_suffix="Organization")
            )
            assert not _judgements(stack)
        else:
            assert "does not hold for 'rds:*'" in _only(stack, "ORG214").message


# ORG213: what a class leaves out.


class _Forgetful(ProductionOu):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return other guardrails than the base class."""
        return (DenyCloseAccount(), DenyRootUser())


class _Loyal(ProductionOu):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return more guardrails than the base class."""
        return (*super().default_guardrails(), DenyRootUser())


class _Elsewhere(SandboxOu):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return the base class's kind of guardrail with other Regions."""
        return (EU,)


class _Declaring(OrganizationalUnit):
    calls = 0

    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return a guardrail and attach another, as a base class may."""
        type(self).calls += 1
        self.attach(DenyLeaveOrganization())
        return (DenyRootUser(),)


class _NotDeclaring(_Declaring):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return what the base class would not."""
        return (DenyCloseAccount(),)


class _Failing(OrganizationalUnit):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Need what subclasses do not set."""
        return (RegionDeny(allowed_regions=self.regions),)  # type: ignore[attr-defined]


class _NotFailing(_Failing):
    def default_guardrails(self) -> Sequence[Guardrail]:
        """Return what needs nothing."""
        return (DenyCloseAccount(),)


def test_an_override_that_drops_a_guardrail(new_stack: NewStack) -> None:
    """What the base class is for is named, with the line of the OU."""
    stack = new_stack()
    _Forgetful(stack, "Unit", parent=root_of(stack))
    found = _only(stack, "ORG213")
    assert found.message.startswith(
        "OU 'Org/Unit': default_guardrails() of _Forgetful leaves out 'protect-cloud-trail' of ProductionOu"
    )
    assert "test_tree_judgements.py" in found.message


@pytest.mark.parametrize("kind", [_Loyal, _Elsewhere, _NotDeclaring, _NotFailing, ProductionOu])
def test_an_override_that_drops_nothing(
    new_stack: NewStack, kind: type[OrganizationalUnit]
) -> None:
    """Kept, replaced by the same kind, or not to be found out without calling what declares."""
    stack = new_stack()
    kind(stack, "Unit", parent=root_of(stack))
    assert not _judgements(stack)
    assert _Declaring.calls == 0


def test_guardrails_that_are_given_drop_nothing(new_stack: NewStack) -> None:
    """Who gives `guardrails=` has said what is wanted; what is attached counts as kept."""
    stack = new_stack()
    root = root_of(stack)
    _Forgetful(stack, "Given", parent=root, guardrails=[DenyRootUser()])
    _Forgetful(stack, "Attached", parent=root).attach(ProtectCloudTrail())
    assert not _judgements(stack)


# ORG216, ORG217: where accounts are.


def test_an_account_under_the_root(new_stack: NewStack) -> None:
    """It is named; in an OU it is in order."""
    stack = new_stack()
    root = root_of(stack)
    root.attach(DenyRootUser())
    root.add_account("a", email="a.x@corp.com")
    root.add_organizational_unit("Unit").add_account("b", email="b.x@corp.com")
    assert "account 'Org/Accounts/a' is directly under the root" in _only(stack, "ORG216").message


def _units(stack: cdk.Stack, *ids: str, **properties: Any) -> list[OrganizationalUnit]:
    root = root_of(stack, **properties)
    units = [root.add_organizational_unit(id) for id in ids]
    for unit in units:
        unit.add_account(unit.node.id, email=f"{unit.node.id}.x@corp.com")
    return units


def test_units_that_nothing_reaches(new_stack: NewStack) -> None:
    """They are named together, once."""
    stack = new_stack()
    units = _units(stack, "One", "Two", "Three")
    units[1].attach(DenyRootUser())
    found = _only(stack, "ORG217")
    assert "reaches 2 OUs: 'Org/Organization/Root/One' and 'Org/Organization/Root/Three'" in (
        found.message
    )


def test_units_that_are_reached(new_stack: NewStack) -> None:
    """A policy above or on each account is one; an OU without accounts needs none."""
    stack = new_stack()
    unit, other = _units(stack, "One", "Two")
    other.attach(DenyRootUser())
    below = unit.add_organizational_unit("Below")
    below.add_organizational_unit("Empty")
    account = below.add_account("c", email="c.x@corp.com")
    account.attach(DenyRootUser())
    assert "reaches OU 'Org/Organization/Root/One'" in _only(stack, "ORG217").message


# ORG211 and what only deployment knows.


def test_an_allow_list_without_a_target(new_stack: NewStack) -> None:
    """A policy that is attached nowhere restricts nobody, and is no mistake."""
    for attached in (True, False):
        stack = new_stack()
        unit = root_of(stack).add_organizational_unit("Unit")
        content = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}],
        }
        ServiceControlPolicy(stack, "List", content=content, targets=[unit] if attached else [])
        assert [f.code for f in _judgements(stack)] == (["ORG211"] if attached else [])


def test_values_of_deployment_are_not_judged(new_stack: NewStack) -> None:
    """References and tokens stand for values that nobody knows yet."""
    stack = new_stack()
    role = cdk.CfnParameter(stack, "Role").value_as_string
    content = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "ec2:RunInstances",
                "Resource": [f"arn:aws:ec2:*:{cdk.Aws.ACCOUNT_ID}:instance/*", role],
                "Condition": {
                    "StringNotEquals": {"aws:RequestedRegion": [cdk.Aws.REGION, role]},
                    "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{role}"},
                },
            }
        ],
    }
    unit = root_of(stack).add_organizational_unit("Unit")
    ServiceControlPolicy(stack, "Own", content=content, targets=[unit])
    assert not _judgements(stack)


def test_the_policies_of_another_type_are_left_alone(new_stack: NewStack) -> None:
    """A tag policy is no document of statements."""
    from org_constructs import Policy

    stack = new_stack()
    organization = organization_of(stack)
    organization.enable_policy_type(PolicyType.TAG_POLICY)
    Policy(
        stack,
        "Tags",
        type=PolicyType.TAG_POLICY,
        content={"tags": {}},
        targets=[organization.root],
    )
    assert not _judgements(stack)


def test_a_region_that_is_newer_than_the_data(new_stack: NewStack) -> None:
    """Who has named it as that in code has nothing to acknowledge."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")
    unit.attach(RegionDeny(allowed_regions=["eu-west-1"], unlisted_regions=["eu-west-9"]))
    ServiceControlPolicy(
        stack,
        "Own",
        guardrails=[RegionDeny(allowed_regions=["us-east-1"], unlisted_regions=["us-east-9"])],
    )
    assert not _judgements(stack)
