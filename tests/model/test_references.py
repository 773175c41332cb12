"""What values of templates refer to: every form that CDK writes, and never a guess."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model.assembly import Assembly, StackTemplate
from org_constructs.model.intrinsics import resolve
from org_constructs.model.references import Reference, Unknown, find_cycle


def _stack(name: str, resources: dict[str, Any], **template: Any) -> StackTemplate:
    return StackTemplate(id=name, name=name, template={"Resources": resources, **template})


BASE = _stack(
    "Base",
    {"Unit": {}, "Other": {}},
    Outputs={
        "UnitId": {"Value": {"Fn::GetAtt": ["Unit", "Id"]}, "Export": {"Name": "Base:UnitId"}},
        "Literal": {"Value": "ou-ab12-34cd56ef"},
        "Loop": {"Value": {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "Loop"}}},
    },
)
TEAM = _stack("Team", {"Own": {}})
ASSEMBLY = Assembly(stacks=(BASE, TEAM))
UNIT = Reference("Base", "Unit", "Id")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ou-ab12-34cd56ef", "ou-ab12-34cd56ef"),
        ({"Ref": "Own"}, Reference("Team", "Own")),
        ({"Fn::GetAtt": ["Own", "Id"]}, Reference("Team", "Own", "Id")),
        ({"Fn::GetAtt": "Own.Id"}, Reference("Team", "Own", "Id")),
        ({"Fn::GetAtt": "Own.A.B"}, Reference("Team", "Own", "A.B")),
        ({"Fn::Sub": "${Own}"}, Reference("Team", "Own")),
        ({"Fn::Sub": "${Own.Id}"}, Reference("Team", "Own", "Id")),
        ({"Fn::Sub": "plain"}, "plain"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Own", "Id"]}]]}, Reference("Team", "Own", "Id")),
        ({"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "UnitId"}}, UNIT),
        (
            {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "Literal"}},
            "ou-ab12-34cd56ef",
        ),
        ({"Fn::ImportValue": "Base:UnitId"}, UNIT),
    ],
)
def test_resolved(value: Any, expected: Any) -> None:
    """Every form by which CDK names a resource leads to that resource."""
    assert resolve(value, TEAM, ASSEMBLY) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Missing"},
        {"Ref": "AWS::AccountId"},
        {"Fn::GetAtt": ["Missing", "Id"]},
        {"Fn::GetAtt": "Own"},
        {"Fn::GetAtt": ["Own", {"Ref": "Parameter"}]},
        {"Fn::Sub": "${Missing.Id}"},
        {"Fn::Sub": "a ${Own.Id}"},
        {"Fn::Join": {"Ref": "x"}},
        {"Fn::GetStackOutput": {"StackName": "Gone", "OutputName": "UnitId"}},
        {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "Gone"}},
        {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "Loop"}},
        {"Fn::ImportValue": "Nobody"},
        {"Fn::ImportValue": {"Fn::Sub": "x"}},
        {"a": 1, "b": 2},
        {},
        True,
        None,
        ["a"],
    ],
)
def test_unknown(value: Any) -> None:
    """What cannot be followed is unknown, and shows its expression."""
    found = resolve(value, TEAM, ASSEMBLY)
    assert isinstance(found, Unknown)
    assert found.text


def _at(
    name: str, id: str, account: str | None, region: str | None, **changes: Any
) -> StackTemplate:
    outputs = {"Id": {"Value": {"Ref": "X"}, "Export": {"Name": "Shared"}}}
    template = {"Resources": {"X": {}}, "Outputs": outputs}
    return StackTemplate(
        **{
            "id": id,
            "name": name,
            "account": account,
            "region": region,
            "template": template,
            **changes,
        }
    )


OUTPUT = {"Fn::GetStackOutput": {"StackName": "S", "OutputName": "Id"}}
ROLE = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":iam::222222222222:role/read"]]}


@pytest.mark.parametrize("value", [OUTPUT, {"Fn::ImportValue": "Shared"}])
@pytest.mark.parametrize(
    ("account", "region", "expected"),
    [
        ("111111111111", "us-east-1", "A"),
        ("222222222222", "us-east-1", "B"),
        ("111111111111", "eu-west-1", "C"),
        ("333333333333", "us-east-1", None),
        (None, None, None),
    ],
)
def test_stacks_of_one_name(
    value: Any, account: str | None, region: str | None, expected: str | None
) -> None:
    """The stack of the account and Region in which the template is deployed is meant."""
    stacks = (
        _at("S", "A", "111111111111", "us-east-1"),
        _at("S", "B", "222222222222", "us-east-1"),
        _at("S", "C", "111111111111", "eu-west-1"),
    )
    reader = _at("T", "T", account, region, template={"Resources": {}})
    found = resolve(value, reader, Assembly(stacks=(*stacks, reader)))
    assert found == (
        Reference(expected, "X") if expected else Unknown(json.dumps(value, sort_keys=True))
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [({"RoleArn": ROLE}, "B"), ({"Region": "eu-west-1"}, "C"), ({"Region": {"Ref": "R"}}, "A")],
)
def test_a_stack_elsewhere(more: dict[str, Any], expected: str) -> None:
    """A role of another account, or a Region, says where the stack is."""
    stacks = (
        _at("S", "A", "111111111111", "us-east-1"),
        _at("S", "B", "222222222222", "us-east-1"),
        _at("S", "C", "111111111111", "eu-west-1"),
    )
    reader = _at("T", "T", "111111111111", "us-east-1", template={"Resources": {}})
    value = {"Fn::GetStackOutput": {**OUTPUT["Fn::GetStackOutput"], **more}}
    assert resolve(value, reader, Assembly(stacks=stacks)) == Reference(expected, "X")


def test_the_stack_of_the_own_stage() -> None:
    """Stages that deploy wherever they are told to have stacks of the same names."""
    stacks = tuple(
        _at(name, f"{stage}{name}", None, None, template_path=f"/out/{stage}/{name}.json")
        for stage in ("Dev", "Prod")
        for name in ("S", "T")
    )
    for reader in (stacks[1], stacks[3]):
        expected = Reference(reader.id.replace("T", "S"), "X")
        assert resolve(OUTPUT, reader, Assembly(stacks=stacks)) == expected


def test_what_a_resource_waits_for() -> None:
    """DependsOn, Ref, GetAtt and Sub at any depth are what a resource waits for."""
    resource = {
        "DependsOn": ["A", "Foreign"],
        "Properties": {
            "a": {"Ref": "B"},
            "b": [{"Fn::GetAtt": ["C", "Id"]}, {"Fn::GetAtt": "D.Id"}],
            "c": {"Fn::Join": ["", ["x", {"Fn::Sub": "arn:${E}:${F.Arn}:${AWS::Region}"}]]},
            "d": {"Fn::Sub": ["${G}${x}", {"x": {"Ref": "H"}}]},
            "e": {"Ref": "AWS::AccountId"},
        },
    }
    others: dict[str, Any] = {id: {} for id in "ABCDEFGHI"}
    stack = _stack("S", {"X": resource, "Y": {"DependsOn": "A"}, **others})
    assert stack.needs_of["X"] == frozenset("ABCDEFGH")
    assert stack.needs_of["Y"] == {"A"}
    assert stack.needs_of["I"] == frozenset()


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Return what each of some resources depends on."""
    names = [f"R{n}" for n in range(draw(st.integers(0, 8)))]
    return {name: draw(st.lists(st.sampled_from(names), max_size=3, unique=True)) for name in names}


@given(graphs())
def test_order_or_cycle(graph: dict[str, list[str]]) -> None:
    """A stack has an order in which all its resources come after what they need, or a cycle."""
    stack = _stack("S", {name: {"DependsOn": needs} for name, needs in graph.items()})
    order, cycle = stack.deployment_order, find_cycle(stack)
    for name in order:
        assert all(n in order[: order.index(name)] for n in graph[name] if n != name)
    if cycle:
        assert len(order) < len(graph)
        for name, needed in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert needed in graph[name]
    else:
        assert sorted(order) == sorted(graph)


def test_a_cycle_that_others_wait_for() -> None:
    """Only what is in the circle is named, not what waits for it."""
    graph = {"A": ["B"], "B": ["C"], "C": ["B"], "D": []}
    stack = _stack("S", {name: {"DependsOn": needs} for name, needs in graph.items()})
    assert find_cycle(stack) == ["B", "C"]
