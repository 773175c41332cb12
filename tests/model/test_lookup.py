"""Accounts and OUs are found by what people call them."""

from __future__ import annotations

from typing import Any

import pytest

from org_constructs.model import OrganizationModel, OrgError


def _unit(name: str, parent: Any = "r-ab12") -> dict[str, Any]:
    return {
        "Type": "AWS::Organizations::OrganizationalUnit",
        "Properties": {"Name": name, "ParentId": parent},
    }


def _account(name: str, parent: Any = "r-ab12", **more: Any) -> dict[str, Any]:
    properties = {"AccountName": name, "Email": f"aws+{name}@corp.com", "ParentIds": [parent]}
    return {"Type": "AWS::Organizations::Account", "Properties": properties, **more}


RESOURCES: dict[str, Any] = {
    "W": _unit("Workloads"),
    "P": _unit("Production", {"Ref": "W"}),
    "S": _unit("Staging", {"Ref": "W"}),
    "SP": _unit("Production", {"Ref": "S"}),
    "A": _account("payments-prod", {"Ref": "P"}),
    "B": _account("shared", {"Ref": "P"}),
    "C": _account("shared", {"Ref": "S"}),
    "D": _account("old-name", {"Ref": "S"}),
    "E": _account("legacy", "ou-ab12-34cd56ef"),
    "Top": _account("top"),
    "N": {
        "Type": "Custom::AccountName",
        "Properties": {"AccountId": {"Fn::GetAtt": ["D", "AccountId"]}, "Name": "new-name"},
    },
    "Off": _account("off", Condition="Never"),
}
TEMPLATE = {"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}, "Resources": RESOURCES}
MODEL = OrganizationModel.from_templates({"Org": TEMPLATE})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("payments-prod", "A"),
        ("Workloads/Production/payments-prod", "A"),
        ("Workloads/Production/shared", "B"),
        ("Workloads/Staging/shared", "C"),
        ("old-name", "D"),
        ("new-name", "D"),
        ("Workloads/Staging/new-name", "D"),
        ("legacy", "E"),
        ("ou-ab12-34cd56ef/legacy", "E"),
        ("top", "Top"),
        ("Org/A", "A"),
    ],
)
def test_accounts(name: str, expected: str) -> None:
    """A path of names, a unique name, the name before a rename, or the construct path."""
    assert MODEL.account(name).logical_id == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Workloads", "W"),
        ("Workloads/Production", "P"),
        ("Workloads/Staging/Production", "SP"),
        ("Staging", "S"),
        ("Org/P", "P"),
    ],
)
def test_organizational_units(name: str, expected: str) -> None:
    """Likewise."""
    assert MODEL.organizational_unit(name).logical_id == expected


def test_a_top_ou_with_the_name_of_another() -> None:
    """A path that is a whole path means that, though a name elsewhere is the same."""
    below = _unit("Production", {"Ref": "W"})
    templates = {"Org": {"Resources": {"W": _unit("W"), "P": _unit("Production"), "Q": below}}}
    model = OrganizationModel.from_templates(templates)
    assert model.organizational_unit("Production").logical_id == "P"


def test_fails_for_an_ambiguous_name() -> None:
    """A name that several have is refused with the paths to choose from."""
    with pytest.raises(OrgError) as caught:
        MODEL.account("shared")
    assert caught.value.code == "ORG018"
    assert str(caught.value) == (
        "account 'shared' may be any of 'Workloads/Production/shared', 'Workloads/Staging/shared'; "
        "give one of these paths"
    )
    with pytest.raises(OrgError, match=r"'Workloads/Production', 'Workloads/Staging/Production'"):
        MODEL.organizational_unit("Production")


def test_fails_for_equal_paths() -> None:
    """Two organizations of one app may have the same names: construct paths tell them apart."""
    one = {"Resources": {"A": _account("a", "r-aa11")}}
    two = {"Resources": {"A": _account("a", "r-bb22")}}
    model = OrganizationModel.from_templates({"One": one, "Two": two})
    with pytest.raises(OrgError, match="may be any of 'One/A', 'Two/A'"):
        model.account("a")
    assert model.account("Two/A").stack == "Two"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("payments-prd", "did you mean 'Workloads/Production/payments-prod'"),
        ("PAYMENTS-PROD", "did you mean 'Workloads/Production/payments-prod'"),
        ("Workloads/payments-prod", "did you mean 'Workloads/Production/payments-prod'"),
        ("zzz", "known are 'Workloads/Production/payments-prod', "),
    ],
)
def test_fails_for_an_unknown_name(name: str, message: str) -> None:
    """A name that nobody has is refused with those that are near it."""
    with pytest.raises(OrgError, match=message) as caught:
        MODEL.account(name)
    assert caught.value.code == "ORG017"


def test_fails_for_what_is_left_out() -> None:
    """What a condition leaves out is said to be so."""
    with pytest.raises(
        OrgError, match="the condition 'Never' of its template leaves out 'Org/Off'"
    ):
        MODEL.account("Off")
    with pytest.raises(OrgError, match="account 'x' is not declared; none is"):
        OrganizationModel.from_templates({}).account("x")


def test_many_names_are_cut() -> None:
    """A large organization does not fill the screen."""
    resources = {f"A{n}": _account(f"a{n}") for n in range(40)}
    with pytest.raises(OrgError, match=r"'a17' and 30 more"):
        OrganizationModel.from_templates({"S": {"Resources": resources}}).account("zzzzzz")
