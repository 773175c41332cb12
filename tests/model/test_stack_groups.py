"""Several organizations in one app: which stack manages which, and each with a root of its own."""

from __future__ import annotations

from typing import Any

import pytest

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.assembly import Assembly, StackTemplate
from org_constructs.model.changes import find_gaps

ONE, OTHER = "246813579024", "135792468024"
ROOT_OF_O = {"Fn::GetAtt": ["O", "RootId"]}
OUTPUTS = {"RootId": {"Value": ROOT_OF_O, "Export": {"Name": "Base:RootId"}}}
ORGANIZATION: dict[str, Any] = {"O": {"Type": "AWS::Organizations::Organization"}}


def _unit(parent: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Organizations::OrganizationalUnit",
        "Properties": {"Name": "u", "ParentId": parent},
    }


def _deny(*actions: str, target: Any) -> dict[str, Any]:
    statements = [{"Effect": "Deny", "Action": action, "Resource": "*"} for action in actions]
    return {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "p",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": {"Version": "2012-10-17", "Statement": statements},
            "TargetIds": [target],
        },
    }


def _stack(
    id: str, resources: dict[str, Any], account: str | None = None, **changes: Any
) -> StackTemplate:
    outputs = changes.pop("outputs", {})
    template = {"Resources": resources, "Outputs": outputs}
    return StackTemplate(
        **{"id": id, "name": id, "path": id, "account": account, "template": template, **changes}
    )


def _parents(*stacks: StackTemplate) -> list[str]:
    model = OrganizationModel.of(Assembly(stacks=stacks))
    return [unit.parent for unit in model.organizational_units.values()]


def _two(parent: Any, other: Any, one: str | None = None, two: str | None = None) -> list[str]:
    return _parents(_stack("A", {"U": _unit(parent)}, one), _stack("B", {"U": _unit(other)}, two))


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        ([("r-aa11", None), ("r-aa11", None)], ["Root", "Root"]),
        ([("r-aa11", None), ("r-bb22", None)], ["Root of r-aa11", "Root of r-bb22"]),
        ([("r-aa11", ONE), ("r-bb22", OTHER)], [f"Root of {ONE}", f"Root of {OTHER}"]),
        # An account has one organization, whatever its stacks call the root.
        ([("r-aa11", ONE), ({"Ref": "Root"}, ONE)], ["Root", '?{"Ref": "Root"}']),
        ([("r-aa11", ONE), ("r-aa11", None)], ["Root", "Root"]),
        ([("r-aa11", None), ("ou-aa11-12345678", None)], ["Root", "ou-aa11-12345678"]),
        ([("r-aa11", None), ("ou-bb22-12345678", None)], ["Root", "ou-bb22-12345678"]),
    ],
)
def test_literal_roots(stacks: list[tuple[Any, str | None]], expected: list[str]) -> None:
    """Stacks share a root when they name the same one, or go to the same account."""
    (one, first), (two, second) = stacks
    assert _two(one, two, first, second) == expected


@pytest.mark.parametrize(
    "parent",
    [
        {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "RootId"}},
        {"Fn::ImportValue": "Base:RootId"},
    ],
)
def test_references_to_one_organization(parent: dict[str, Any]) -> None:
    """However a template refers to an organization's root, it is the same root."""
    base = _stack("Base", {**ORGANIZATION, "U": _unit(ROOT_OF_O)}, outputs=OUTPUTS)
    team = _stack("Team", {"U": _unit(parent)})
    far = _stack("Far", {"U": _unit("r-zz99")})
    roots = _parents(base, team, far)
    assert roots == ["Root of Base", "Root of Base", "Root of r-zz99"]
    assert _parents(base, team) == ["Root", "Root"]


def test_a_created_and_an_existing_organization_stay_apart() -> None:
    """A root that is created here is not one that is referred to by its id."""
    created = _stack("A", {**ORGANIZATION, "U": _unit(ROOT_OF_O)})
    existing = _stack("B", {"U": _unit("r-bb22")})
    assert _parents(created, existing) == ["Root of A", "Root of r-bb22"]


def test_a_stack_that_refers_to_an_ou_of_another() -> None:
    """Stacks that share an OU manage one organization."""
    base = _stack("A", {"U": _unit("r-aa11")}, outputs={"Id": {"Value": {"Ref": "U"}}})
    below = {"Fn::GetStackOutput": {"StackName": "A", "OutputName": "Id"}}
    team = _stack("B", {"U": _unit(below), "P": _deny("s3:*", target=ROOT_OF_O), **ORGANIZATION})
    model = OrganizationModel.of(Assembly(stacks=(base, team)))
    assert model.policies["B/P"].targets == ("Root",)
    assert model.chain_of("B/U") == ("Root", "A/U", "B/U")


def test_roots_are_shown_and_locked_alike() -> None:
    """The lock of the first organization stays what it was when a second one is added."""
    first = _stack("A", {"U": _unit("r-aa11")}, ONE)
    second = _stack("B", {"U": _unit("r-bb22")}, OTHER)
    alone = Lock.of(OrganizationModel.of(Assembly(stacks=(first,))))
    both = OrganizationModel.of(Assembly(stacks=(first, second)))
    assert Lock.of(both).organizational_units["A/U"] == alone.organizational_units["A/U"]
    assert both.shown(f"Root of {OTHER}") == "Root"
    assert both.is_root(f"Root of {ONE}")
    assert not both.is_root("A/U")


def test_a_denial_of_one_root_does_not_stand_in_for_another() -> None:
    """A denial that passes from one policy to the next leaves a gap, though another root has it."""

    def app(first: list[str], second: list[str]) -> OrganizationModel:
        a = {
            "P": _deny(*first, target="r-aa11"),
            "Q": {**_deny(*second, target="r-aa11"), "DependsOn": "P"},
        }
        b = {"P": _deny("s3:*", target="r-bb22")}
        return OrganizationModel.of(Assembly(stacks=(_stack("A", a, ONE), _stack("B", b, OTHER))))

    before, after = app(["s3:*", "ec2:*"], ["iam:*"]), app(["ec2:*"], ["iam:*", "s3:*"])
    gaps = find_gaps(Lock.of(before), after)
    assert [gap.account for gap in gaps] == [f"any account in Root of {ONE}"]
    assert find_gaps(Lock.of(before), before) == []


def test_a_new_account_of_another_organization_is_no_gap() -> None:
    """An account under a root is bare only of what that root denies."""
    account = {
        "Type": "AWS::Organizations::Account",
        "Properties": {"AccountName": "a", "Email": "a.x@corp.com", "ParentIds": ["r-aa11"]},
    }
    a = _stack("A", {"A": account}, ONE)
    b = _stack("B", {"P": _deny("s3:*", target="r-bb22")}, OTHER)
    assert find_gaps(Lock(), OrganizationModel.of(Assembly(stacks=(a, b)))) == []


def test_two_stacks_of_one_name() -> None:
    """Two stacks of one name, in two accounts, are two, in the model and in the replay."""

    def app(*actions: str) -> OrganizationModel:
        stacks = [
            _stack(
                f"{id}Org",
                {"U": _unit(root), "P": _deny(*actions, target=root)},
                account,
                name="Org",
                path=f"{id}/Org",
            )
            for id, root, account in (("A", "r-aa11", ONE), ("B", "r-bb22", OTHER))
        ]
        return OrganizationModel.of(Assembly(stacks=tuple(stacks)))

    model = app("s3:*")
    assert set(model.organizational_units) == {"AOrg/U", "BOrg/U"}
    assert [model.stack_of(unit).account for unit in model.organizational_units.values()] == [
        ONE,
        OTHER,
    ]
    lock = Lock.of(model)
    assert set(lock.policies) == {"A/Org/P", "B/Org/P"}
    assert find_gaps(lock, model) == []
    assert find_gaps(lock, app()) == []
