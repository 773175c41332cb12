"""A lock is compared by what CloudFormation knows: name of the stack and logical id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.alignment import align
from org_constructs.model.assembly import Assembly, StackTemplate

ACCOUNT, OTHER = "246813579024", "135792468024"

RESOURCES: dict[str, Any] = {
    "O": {"Type": "AWS::Organizations::Organization"},
    "U": {
        "Type": "AWS::Organizations::OrganizationalUnit",
        "Properties": {"Name": "u", "ParentId": "r-ab12"},
    },
    "A": {
        "Type": "AWS::Organizations::Account",
        "Properties": {"AccountName": "a", "Email": "a.x@corp.com", "ParentIds": [{"Ref": "U"}]},
    },
    "P": {
        "Type": "AWS::Organizations::Policy",
        "Properties": {
            "Name": "p",
            "Type": "SERVICE_CONTROL_POLICY",
            "Content": {},
            "TargetIds": [{"Ref": "U"}],
        },
    },
}


def _stack(
    path: str, name: str = "Org", account: str | None = ACCOUNT, **ids: str
) -> StackTemplate:
    resources = {ids.get(key, key): value for key, value in RESOURCES.items()}
    return StackTemplate(
        id=path.replace("/", ""),
        name=name,
        path=path,
        account=account,
        template={"Resources": resources},
    )


def _model(*stacks: StackTemplate) -> OrganizationModel:
    return OrganizationModel.of(Assembly(stacks=stacks))


@pytest.mark.parametrize("path", ["Renamed", "Prod/Org"])
def test_another_id_of_the_stack(path: str) -> None:
    """With the stack's name kept, everything is found under its new path."""
    before, after = _model(_stack("Org")), _model(_stack(path))
    assert align(Lock.of(before), after) == Lock.of(after)


def test_nothing_has_changed() -> None:
    """A lock whose paths hold is returned as it is."""
    model = _model(_stack("Org"))
    lock = Lock.of(model)
    assert align(lock, model) is lock


def test_another_name_of_the_stack() -> None:
    """A stack of another name is another stack to CloudFormation."""
    lock = Lock.of(_model(_stack("Org")))
    assert align(lock, _model(_stack("Renamed", name="Renamed"))) is lock


def test_another_account() -> None:
    """A stack of the same name in another account is another stack."""
    lock = Lock.of(_model(_stack("Org")))
    assert align(lock, _model(_stack("Renamed", account=OTHER))) is lock
    unknown = replace(lock, management_account_id=None)
    assert align(unknown, _model(_stack("Renamed", account=OTHER))) != unknown


def test_two_stacks_of_one_name() -> None:
    """Each entry keeps to its path, and one that has gone is not taken for the other's."""
    both = _model(_stack("A/Org"), _stack("B/Org", account=OTHER))
    lock = Lock.of(both)
    assert align(lock, both) is lock
    assert align(lock, _model(_stack("B/Org", account=OTHER))) == lock
    moved = align(lock, _model(_stack("C/Org"), _stack("B/Org", account=OTHER)))
    assert sorted(moved.accounts) == ["B/Org/A", "C/Org/A"]


def test_two_that_may_be_meant() -> None:
    """What is declared twice under the stack's name is not guessed."""
    lock = Lock.of(_model(_stack("Org", account=None)))
    assert align(lock, _model(_stack("A", account=None), _stack("B", account=None))) is lock


def test_a_path_that_something_else_has_taken() -> None:
    """Paths that change places follow the resources; two entries never share one."""
    swapped = {**RESOURCES, "B": {**RESOURCES["A"]}}
    one = StackTemplate(
        id="Org",
        name="Org",
        path="Org",
        template={"Resources": swapped},
        paths={"A": "Org/One", "B": "Org/Two"},
    )
    lock = Lock.of(_model(one))
    turned = _model(replace(one, paths={"A": "Org/Two", "B": "Org/One"}))
    assert align(lock, turned).accounts["Org/Two"].logical_id == "A"
    gone = _model(replace(one, template={"Resources": RESOURCES}, paths={"A": "Org/Two"}))
    assert align(lock, gone).accounts == lock.accounts
