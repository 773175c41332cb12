"""Which policies stand on the path to an account, and decisions of a whole organization."""

from __future__ import annotations

import json
from typing import Any

import pytest

from org_constructs.evaluation import Effect, Request
from org_constructs.evaluation.organization import decide_for, levels_of
from org_constructs.model import OrganizationModel, OrgError
from org_constructs.model.assembly import Assembly, StackTemplate

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
MANAGEMENT = "246813579024"
GET, RUN = Request(action="s3:GetObject"), Request(action="ec2:RunInstances")


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::Organizations::{kind}", "Properties": properties}


def _unit(name: str, parent: Any = "r-ab12") -> dict[str, Any]:
    return _resource("OrganizationalUnit", Name=name, ParentId=parent)


def _account(name: str, parent: Any = "r-ab12") -> dict[str, Any]:
    email = f"aws+{name}@corp.com"
    return _resource("Account", AccountName=name, Email=email, ParentIds=[parent])


def _policy(name: str, *targets: Any, action: Any = "s3:*", **more: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": name, "Effect": "Deny", "Action": action, "Resource": "*"}
    if more.get("Type") == RCP:
        statement["Principal"] = "*"
    content = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"Name": name, "Type": SCP, "Content": content, "TargetIds": list(targets)}
    return _resource("Policy", **{**properties, **more})


def _model(resources: dict[str, Any], account: str | None = MANAGEMENT) -> OrganizationModel:
    stack = StackTemplate(
        id="S", name="S", path="S", account=account, template={"Resources": resources}
    )
    return OrganizationModel.of(Assembly(stacks=(stack,)))


TREE: dict[str, Any] = {
    "W": _unit("Workloads"),
    "P": _unit("Production", {"Ref": "W"}),
    "A": _account("payments", {"Ref": "P"}),
    "T": _account("top"),
    "AtRoot": _policy("AtRoot", "r-ab12", action="iam:CreateUser"),
    "AtUnit": _policy("AtUnit", {"Ref": "P"}, {"Ref": "W"}, action="ec2:*"),
    "AtAccount": _policy("AtAccount", {"Ref": "A"}),
    "Tags": _policy("Tags", {"Ref": "A"}, Type="TAG_POLICY", Content={"tags": {}}),
}


def _shown(model: OrganizationModel, subject: str, **more: Any) -> list[tuple[str, list[str]]]:
    levels = levels_of(model, subject, **more)
    return [(level.name, [policy.name for policy in level.policies]) for level in levels]


def test_from_the_root_to_the_account() -> None:
    """Every level has FullAWSAccess and what is attached to it; other types do not count."""
    model = _model(TREE)
    expected = [
        ("Root", ["FullAWSAccess", "AtRoot"]),
        ("Workloads", ["FullAWSAccess", "AtUnit"]),
        ("Workloads/Production", ["FullAWSAccess", "AtUnit"]),
        ("Workloads/Production/payments", ["FullAWSAccess", "AtAccount"]),
    ]
    for subject in ("payments", "S/A", "Workloads/Production/payments"):
        assert _shown(model, subject) == expected
    assert _shown(model, "Workloads/Production") == expected[:3]
    assert _shown(model, "Root") == expected[:1]
    declared = model.account("payments")
    assert levels_of(model, declared) == levels_of(model, "payments")
    assert _shown(model, "payments", kind=RCP) == [(name, []) for name, _ in expected]


def test_policies_are_read_once() -> None:
    """A policy of many targets is read once, and says where it stands."""
    model = _model(TREE)
    levels = levels_of(model, "payments")
    assert levels[1].policies[1] is levels[2].policies[1]
    assert levels[1].policies[1].path == "S/AtUnit"
    assert levels_of(model, "top")[0] is levels[0]


def test_guardrails_are_known_by_the_description() -> None:
    """What this library's policies are made of stands in their description."""
    resources = {
        **TREE,
        "G": _policy(
            "DenyRootUser", {"Ref": "A"}, Description="Guardrails: deny-root-user, region-deny"
        ),
    }
    decision = _model(resources).decide("payments", GET)
    assert "(guardrail deny-root-user)" in decision.explanation
    assert decision.decided_by[0].path == "S/AtAccount"


def test_an_existing_parent() -> None:
    """Above an OU that exists one level stands for all, and the root's own policies count."""
    resources = {
        "A": _account("a", "ou-ab12-34cd56ef"),
        "B": _account("b"),
        "R": _policy("AtRoot", "r-ab12"),
        "O": _policy("AtUnit", "ou-ab12-34cd56ef", action="ec2:*"),
    }
    model = _model(resources)
    assert _shown(model, "a") == [
        ("Root", ["FullAWSAccess", "AtRoot"]),
        ("whatever is between the root and ou-ab12-34cd56ef", ["FullAWSAccess"]),
        ("ou-ab12-34cd56ef", ["FullAWSAccess", "AtUnit"]),
        ("ou-ab12-34cd56ef/a", ["FullAWSAccess"]),
    ]
    assert _shown(model, "ou-ab12-34cd56ef") == _shown(model, "a")[:3]
    decision = model.decide("a", Request(action="kms:Decrypt"))
    assert decision.allowed
    assert decision.is_certain
    assert "Not known here: the place of 'ou-ab12-34cd56ef', which is not declared" in (
        decision.explanation
    )
    assert model.decide("b", Request(action="kms:Decrypt")).unknowns == ()


def test_an_account_that_is_only_a_target() -> None:
    """An account that exists is known by its id where a policy is attached to it."""
    model = _model({"R": _policy("AtRoot", "r-ab12"), "P": _policy("P", "135792468013")})
    assert [name for name, _ in _shown(model, "135792468013")] == [
        "Root",
        "whatever is between the root and 135792468013",
        "135792468013",
    ]
    assert not model.decide("135792468013", GET).allowed
    with pytest.raises(OrgError, match="account '135792468024' has no policy of its own") as caught:
        model.decide("135792468024", GET)
    assert caught.value.code == "ORG017"


def test_the_management_account() -> None:
    """No such policy reaches it, and the decision says why."""
    model = _model(TREE)
    assert levels_of(model, MANAGEMENT) == []
    decision = model.decide(MANAGEMENT, Request(action="iam:CreateUser"))
    assert decision.allowed
    assert "because the account is the management account" in decision.explanation
    principal = f"arn:aws:iam::{MANAGEMENT}:role/Admin"
    assert model.decide("top", Request(action="iam:CreateUser", principal_arn=principal)).allowed


def test_two_organizations() -> None:
    """The root of one organization says nothing of the other's accounts."""
    stacks = [
        StackTemplate(
            id=id,
            name=id,
            path=id,
            account=account,
            template={
                "Resources": {"A": _account(f"a{id}", "ou-x"), f"P{id}": _policy(f"P{id}", root)}
            },
        )
        for id, account, root in (("1", "246813579024", "r-aa11"), ("2", "135792468024", "r-bb22"))
    ]
    model = OrganizationModel.of(Assembly(stacks=tuple(stacks)))
    assert _shown(model, "a1")[0] == ("Root", ["FullAWSAccess", "P1"])
    assert _shown(model, "a2")[0] == ("Root", ["FullAWSAccess", "P2"])
    assert model.management_account_ids == {"246813579024", "135792468024"}


def test_resource_control_policies() -> None:
    """They are those of the path of the resource's owner, by default the account's own."""
    resources = {
        **TREE,
        "Kept": _policy("Kept", {"Ref": "T"}, action="s3:PutObject", Type=RCP),
    }
    model = _model(resources)
    put = Request(action="s3:PutObject", resource="arn:aws:s3:::logs/x")
    assert model.decide("top", put).effect is Effect.EXPLICITLY_DENIED
    own = Request(action="kms:Decrypt")
    assert model.decide("payments", own, resource_account="top").allowed
    decision = _model({k: v for k, v in resources.items() if k != "AtAccount"}).decide(
        "payments", put, resource_account="top"
    )
    assert decision.effect is Effect.EXPLICITLY_DENIED
    assert decision.decided_by[0].policy == "Kept"


OPEN = {"Ref": "Open"}


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"X": _policy("X", OPEN)}, "target"),
        ({"X": _policy("X", {"Ref": "W"}, Type=OPEN)}, "Type"),
        ({"X": _policy("X", {"Ref": "W"}, Content=OPEN)}, "Content"),
        ({"X": {"Type": "AWS::CloudFormation::Stack"}}, "template"),
        ({"P": _unit("Production", OPEN)}, "parent"),
    ],
)
def test_what_is_open_is_said(more: dict[str, Any], what: str) -> None:
    """What could change an answer stands in the decision; a sure denial stays sure."""
    decision = _model({**TREE, **more}).decide("payments", Request(action="kms:Decrypt"))
    assert what in [unknown.what for unknown in decision.unknowns]
    assert not decision.is_certain
    assert decision.to_json()["certain"] is False
    assert "Not known here" in decision.explanation
    assert _model({**TREE, **more}).decide("payments", GET).is_certain


def test_what_does_not_matter_is_not_said() -> None:
    """Names, tag policies and policies of other accounts do not change an answer."""
    more = {
        "X": _policy(OPEN, {"Ref": "T"}, Content=OPEN),  # type: ignore[arg-type]
        "Y": _policy("Y", OPEN, Type="TAG_POLICY", Content={}),
        "Z": _account(OPEN),  # type: ignore[arg-type]
    }
    decision = _model({**TREE, **more}).decide("payments", Request(action="kms:Decrypt"))
    assert decision.unknowns == ()


def test_a_denial_with_an_open_part_is_not_sure() -> None:
    """An open value in what denies leaves the answer open."""
    decision = _model({"A": _account("a"), "P": _policy("P", {"Ref": "A"}, action=["s3:*", OPEN])})
    found = decision.decide("a", GET)
    assert found.effect is Effect.EXPLICITLY_DENIED
    assert not found.is_certain


def test_texts_as_content() -> None:
    """A policy whose content is a text in JSON counts like any other."""
    content = json.dumps(_policy("P")["Properties"]["Content"])
    for value in (content, {"Fn::Sub": content.replace("s3:*", "${Service}:*")}):
        stack = StackTemplate(
            id="S",
            name="S",
            template={
                "Parameters": {"Service": {"Type": "String", "Default": "s3"}},
                "Resources": {
                    "A": _account("a"),
                    "P": _policy("P", {"Ref": "A"}, Content=value),
                },
            },
        )
        assert not OrganizationModel.of(Assembly(stacks=(stack,))).decide("a", GET).allowed


def test_fails_for_a_policy_that_aws_would_reject() -> None:
    """A broken policy is named, not passed over."""
    model = _model({"A": _account("a"), "P": _policy("P", {"Ref": "A"}, Content="{")})
    with pytest.raises(OrgError, match="policy 'P'") as caught:
        model.decide("a", GET)
    assert caught.value.code == "ORG030"


@pytest.mark.parametrize(("name", "code"), [("paymets", "ORG017"), ("Production", "ORG018")])
def test_fails_for_names(name: str, code: str) -> None:
    """A name that means nothing, or several things, is refused."""
    model = _model({**TREE, "V": _unit("Other"), "Q": _unit("Production", {"Ref": "V"})})
    with pytest.raises(OrgError) as caught:
        decide_for(model, name, RUN)
    assert caught.value.code == code


def test_json() -> None:
    """A decision as plain data has the account, the answer and what is not known."""
    found = _model(TREE).decide("payments", GET).to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["account"] == "Workloads/Production/payments"
    assert found["effect"] == "ExplicitlyDenied"
    assert found["certain"] is True
    assert found["unknowns"] == []
    assert found["explanation"].startswith("Workloads/Production/payments: s3:GetObject is ")


def test_an_unknown_parent() -> None:
    """What only AWS knows is a level with a name of its own, and the root's policies count."""
    model = _model({"A": _account("a", {"Ref": "Open"}), "R": _policy("AtRoot", "r-ab12")})
    assert [name for name, _ in _shown(model, "S/A")][:2] == [
        "Root",
        'a parent that is not known, {"Ref": "Open"}',
    ]
    assert not model.decide("S/A", GET).allowed
