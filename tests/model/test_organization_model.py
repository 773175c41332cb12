"""The organization as templates declare it: what is known, what is not, and no guess between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from org_constructs.model import OrganizationModel, OrgError
from org_constructs.model.assembly import Assembly, StackTemplate
from org_constructs.model.organization import statement_hashes


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::Organizations::{kind}", "Properties": properties}


def _model(resources: dict[str, Any], **others: Any) -> OrganizationModel:
    templates = {"S": {"Resources": resources}, **others}
    return OrganizationModel.from_templates(templates)


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ("r-ab12", "Root"),
        ({"Fn::GetAtt": ["O", "RootId"]}, "Root"),
        ({"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "RootId"}}, "Root"),
        ({"Ref": "U"}, "S/U"),
        ({"Fn::GetAtt": ["U", "Id"]}, "S/U"),
        ("ou-ab12-34cd56ef", "ou-ab12-34cd56ef"),
        ({"Ref": "Parameter"}, '?{"Ref": "Parameter"}'),
    ],
)
def test_parents(parent: Any, expected: str) -> None:
    """A parent is the root, an OU of the app, an id, or an expression that is shown."""
    base = {
        "Resources": {"O": _resource("Organization")},
        "Outputs": {"RootId": {"Value": {"Fn::GetAtt": ["O", "RootId"]}}},
    }
    model = _model(
        {
            "O": _resource("Organization"),
            "U": _resource("OrganizationalUnit", Name="u", ParentId="r-ab12"),
            "V": _resource("OrganizationalUnit", Name="v", ParentId=parent),
            "A": _resource("Account", AccountName="a", Email="a.x@corp.com", ParentIds=[parent]),
            "P": _resource("Policy", Name="p", Type="X", Content={}, TargetIds=[parent]),
        },
        Base=base,
    )
    assert model.organizational_units["S/V"].parent == expected
    assert model.accounts["S/A"].parent == expected
    assert model.policies["S/P"].targets == (expected,)


def test_chain() -> None:
    """A chain leads from the root, or the outermost known node, down."""
    model = _model(
        {
            "U": _resource("OrganizationalUnit", Name="u", ParentId="r-ab12"),
            "V": _resource("OrganizationalUnit", Name="v", ParentId={"Ref": "U"}),
            "A": _resource(
                "Account", AccountName="a", Email="a.x@corp.com", ParentIds=[{"Ref": "V"}]
            ),
            "B": _resource("Account", AccountName="b", Email="b.x@corp.com", ParentIds=["ou-x"]),
            "C": _resource("Account", AccountName="c", Email="c.x@corp.com"),
            "X": _resource("OrganizationalUnit", Name="x", ParentId={"Ref": "Y"}),
            "Y": _resource("OrganizationalUnit", Name="y", ParentId={"Ref": "X"}),
        }
    )
    assert model.chain_of("S/A") == ("Root", "S/U", "S/V", "S/A")
    assert model.chain_of("S/B") == ("ou-x", "S/B")
    assert model.chain_of("S/C") == ("Root", "S/C")
    assert model.chain_of("S/X") == ("S/Y", "S/X")
    assert model.chain_of("elsewhere") == ("elsewhere",)


def test_expressions_are_kept() -> None:
    """A name or address that only deployment knows is an expression, never a literal."""
    model = _model(
        {
            "A": _resource("Account", AccountName={"Ref": "N"}, Email={"Ref": "E"}, RoleName={}),
        }
    )
    account = model.accounts["S/A"]
    assert account.name == '?{"Ref": "N"}'
    assert account.email == '?{"Ref": "E"}'
    assert account.role_name == "?{}"


def test_paths() -> None:
    """Things are found by construct path, and shown by it."""
    marked = _resource("Account", AccountName="a", Email="a.x@corp.com", ParentIds=["r-ab12"])
    marked["Metadata"] = {"aws:cdk:path": "S/Accounts/a/Resource"}
    unit = _resource("OrganizationalUnit", Name="u", ParentId="r-ab12")
    model = _model({"A": marked, "U": unit})
    assert model.accounts_by_path["S/Accounts/a"].logical_id == "A"
    assert model.units_by_path["S/U"].name == "u"
    assert model.shown("S/A") == "S/Accounts/a"
    assert model.shown("Root") == "Root"


def test_targets_and_retention() -> None:
    """A policy without targets has none; one that stays is marked."""
    kept = _resource("Policy", Name="p", Type="X", Content={}, TargetIds="r-ab12")
    kept["DeletionPolicy"] = "RetainExceptOnCreate"
    model = _model({"P": kept, "Q": _resource("Policy", Name="q", Type="X", Content={})})
    assert model.policies["S/P"].targets == ("Root",)
    assert model.policies["S/P"].retained
    assert model.policies["S/Q"].targets == ()
    assert not model.policies["S/Q"].retained


def test_other_resources_are_left_out() -> None:
    """What is no part of an organization is not read."""
    model = _model({"B": {"Type": "AWS::S3::Bucket"}, "N": {}})
    assert not model.accounts
    assert not model.policies


def test_fails_for_two_stacks_of_one_id() -> None:
    """An assembly that holds one stack twice contradicts itself."""
    stack = StackTemplate(
        id="a",
        name="S",
        template={"Resources": {"U": _resource("OrganizationalUnit", Name="u", ParentId="r-1")}},
    )
    with pytest.raises(OrgError, match="'a/U' is declared twice") as caught:
        OrganizationModel.of(Assembly(stacks=(stack, stack)))
    assert caught.value.code == "ORG016"


DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}


def test_denials() -> None:
    """Equal denials have equal hashes, whatever their Sid; what allows is none."""
    named = {"Sid": "A", **DENY}
    allow = {**DENY, "Effect": "Allow"}
    other = {**DENY, "Action": "ec2:*"}
    one = statement_hashes({"Statement": [DENY]})
    assert len(one) == 1
    assert statement_hashes({"Statement": DENY}) == one
    assert statement_hashes({"Statement": [named, allow]}) == one
    assert statement_hashes(json.dumps({"Statement": [named]})) == one
    assert len(statement_hashes({"Statement": [named, other]})) == 2
    for nothing in ("no json", "[]", None, [], {}, {"Statement": ["x"]}, {"Statement": []}):
        assert statement_hashes(nothing) == frozenset()
