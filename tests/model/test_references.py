"""What values of templates refer to: every form that CDK writes, and never a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model.assembly import Assembly, StackTemplate
from org_constructs.model.references import (
    Reference,
    Unknown,
    find_cycle,
    resolve,
)


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
        {"Fn::Sub": ["${x}", {"x": "y"}]},
        {"Fn::Join": ["-", ["a", "b"]]},
        {"Fn::Join": {"Ref": "x"}},
        {"Fn::GetStackOutput": {"StackName": "Gone", "OutputName": "UnitId"}},
        {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "Gone"}},
        {"Fn::GetStackOutput": {"StackName": "Base", "OutputName": "Loop"}},
        {"Fn::ImportValue": "Nobody"},
        {"Fn::ImportValue": {"Fn::Sub": "x"}},
        {"Fn::Select": [0, ["a"]]},
        {"a": 1, "b": 2},
        {},
        7,
        None,
        ["a"],
    ],
)
def test_unknown(value: Any) -> None:
    """What cannot be followed is unknown, and shows its expression."""
    found = resolve(value, TEAM, ASSEMBLY)
    assert isinstance(found, Unknown)
    assert found.text


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
