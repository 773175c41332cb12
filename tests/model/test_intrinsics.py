"""Intrinsic functions: evaluated as far as templates tell, and never guessed beyond that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model.assembly import Assembly, StackTemplate, nested_stack
from org_constructs.model.intrinsics import (
    _FUNCTIONS,
    NO_VALUE,
    evaluate,
    fill,
    holds,
    is_plain,
    resolve,
)
from org_constructs.model.references import Reference, Unknown

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Stage": {"Type": "String", "Default": "prod"},
        "Root": {"Type": "String"},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
        "Count": {"Type": "Number", "Default": 3},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/org/unit"},
        "StoredList": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/org/list"},
        "Elsewhere": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/gone"},
    },
    "Mappings": {"Env": {"prod": {"ou": "ou-ab12-prod0000", "list": ["x", "y"]}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]},
        "Either": {"Fn::Or": [{"Condition": "IsDev"}, {"Condition": "IsProd"}]},
        "Open": {"Fn::Equals": [{"Ref": "Root"}, "r-ab12"]},
        "OpenOrProd": {"Fn::Or": [{"Condition": "Open"}, {"Condition": "IsProd"}]},
        "OpenAndDev": {"Fn::And": [{"Condition": "Open"}, {"Condition": "IsDev"}]},
        "OpenAndProd": {"Fn::And": [{"Condition": "Open"}, {"Condition": "IsProd"}]},
        "NotOpen": {"Fn::Not": [{"Condition": "Open"}]},
        "Circle": {"Condition": "Circle"},
        "Odd": {"Fn::Nonsense": ["a"]},
        "Number": {"Fn::Equals": [{"Ref": "Count"}, "3"]},
    },
    "Resources": {
        "Unit": {"Type": "AWS::Organizations::OrganizationalUnit"},
        "Kept": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/org/unit", "Value": {"Fn::GetAtt": ["Unit", "Id"]}},
        },
        "List": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/org/list", "Value": "p,q"},
        },
    },
}
STACK = StackTemplate(
    id="S", name="S", account="246813579024", region="us-gov-west-1", template=TEMPLATE
)
ASSEMBLY = Assembly(stacks=(STACK,))
UNIT = Reference("S", "Unit", "Id")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Names"}, ["a", "b", "c"]),
        ({"Ref": "Count"}, 3),
        ({"Ref": "Stored"}, UNIT),
        ({"Ref": "StoredList"}, ["p", "q"]),
        ({"Fn::GetAtt": ["Kept", "Value"]}, UNIT),
        ("{{resolve:ssm:/org/unit}}", UNIT),
        ("{{resolve:ssm:/org/unit:2}}", UNIT),
        ({"Ref": "AWS::AccountId"}, "246813579024"),
        ({"Ref": "AWS::Region"}, "us-gov-west-1"),
        ({"Ref": "AWS::Partition"}, "aws-us-gov"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "AWS::StackName"}, "S"),
        ({"Ref": "AWS::NoValue"}, NO_VALUE),
        (
            {"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/${Stage}"},
            "arn:aws-us-gov:iam::*:role/prod",
        ),
        (
            {"Fn::Sub": ["${one}-${Stage}-${ two }", {"one": "1", "two": {"Ref": "Count"}}]},
            "1-prod-3",
        ),
        ({"Fn::Sub": ["${x}", {"x": {"Fn::GetAtt": ["Unit", "Id"]}}]}, UNIT),
        ({"Fn::Sub": "${!aws:username}/${Stage}"}, "${aws:username}/prod"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, {"Ref": "AWS::NoValue"}]]}, "a-prod"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b,c"),
        ({"Fn::Split": ["|", "a|b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "x/y/z"]}]}, "y"),
        ({"Fn::Select": [0, [{"Fn::GetAtt": ["Unit", "Id"]}, "b"]]}, UNIT),
        ({"Fn::FindInMap": ["Env", {"Ref": "Stage"}, "ou"]}, "ou-ab12-prod0000"),
        ({"Fn::FindInMap": ["Env", "prod", "list"]}, ["x", "y"]),
        ({"Fn::FindInMap": ["Env", "dev", "ou", {"DefaultValue": "none"}]}, "none"),
        ({"Fn::If": ["IsProd", "yes", "no"]}, "yes"),
        ({"Fn::If": ["IsDev", "yes", {"Ref": "AWS::NoValue"}]}, NO_VALUE),
        ({"Fn::If": ["Open", "same", "same"]}, "same"),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a": "prod"}'),
        (["a", {"Fn::If": ["IsDev", "b", {"Ref": "AWS::NoValue"}]}], ["a"]),
        ({"a": {"Fn::If": ["IsDev", "b", {"Ref": "AWS::NoValue"}]}, "c": 1}, {"c": 1}),
    ],
)
def test_evaluated(value: Any, expected: Any) -> None:
    """What the template tells is told."""
    assert evaluate(value, STACK, ASSEMBLY) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Root"},
        {"Ref": "Elsewhere"},
        {"Ref": ["Root"]},
        {"Ref": "AWS::StackId"},
        {"Fn::Sub": "a-${Root}"},
        {"Fn::Sub": ["${x}", {"x": {"Ref": "Root"}}]},
        {"Fn::Sub": {"a": 1}},
        {"Fn::Join": ["-", ["a", {"Ref": "Root"}]]},
        {"Fn::Join": ["-", ["a", {"Fn::GetAtt": ["Unit", "Id"]}]]},
        {"Fn::Join": ["-", {"Ref": "Root"}]},
        {"Fn::Split": ["-", {"Ref": "Root"}]},
        {"Fn::Split": ["", "a"]},
        {"Fn::Split": "a"},
        {"Fn::Select": [5, ["a"]]},
        {"Fn::Select": [{"Ref": "Root"}, ["a"]]},
        {"Fn::Select": [0, [{"Ref": "Root"}]]},
        {"Fn::Select": "a"},
        {"Fn::FindInMap": ["Env", "dev", "ou"]},
        {"Fn::FindInMap": ["Env", {"Ref": "Root"}, "ou"]},
        {"Fn::FindInMap": ["Env"]},
        {"Fn::If": ["Open", "a", "b"]},
        {"Fn::If": ["Gone", "a", "b"]},
        {"Fn::If": ["Open"]},
        {"Fn::Base64": {"Ref": "Root"}},
        {"Fn::ToJsonString": {"a": {"Ref": "Root"}}},
        {"Fn::Cidr": ["10.0.0.0/16", 2, 8]},
        {"Fn::GetAZs": ""},
        {"Fn::Transform": {"Name": "x"}},
        {"Fn::GetStackOutput": "x"},
        {"Fn::GetAtt": {"a": 1}},
        "{{resolve:ssm:/gone}}",
        "{{resolve:secretsmanager:x}}",
        "a {{resolve:ssm:/org/unit}}",
    ],
)
def test_unknown(value: Any) -> None:
    """What only AWS knows shows how the template puts it."""
    found = evaluate(value, STACK, ASSEMBLY)
    assert isinstance(found, Unknown)
    assert found.text == (value if isinstance(value, str) else json.dumps(value, sort_keys=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IsProd", True),
        ("IsDev", False),
        ("Both", False),
        ("Either", True),
        ("Open", None),
        ("NotOpen", None),
        ("OpenOrProd", True),
        ("OpenAndDev", False),
        ("OpenAndProd", None),
        ("Circle", None),
        ("Odd", None),
        ("Gone", None),
        ("Number", True),
    ],
)
def test_conditions(name: str, *, expected: bool | None) -> None:
    """A condition is true, false, or open; what is decided without the open part is decided."""
    assert holds(name, STACK, ASSEMBLY) is expected


def test_given_parameters() -> None:
    """A value that is given counts, not the default."""
    stack = StackTemplate(
        id="S", name="S", template=TEMPLATE, parameters={"Stage": "dev", "Root": "r-zz99"}
    )
    assembly = Assembly(stacks=(stack,))
    assert evaluate({"Ref": "Stage"}, stack, assembly) == "dev"
    assert evaluate({"Ref": "Root"}, stack, assembly) == "r-zz99"
    assert holds("IsDev", stack, assembly) is True
    # The stack goes wherever it is deployed: nothing tells its account.
    for name in ("AccountId", "Region", "Partition", "URLSuffix"):
        assert isinstance(evaluate({"Ref": f"AWS::{name}"}, stack, assembly), Unknown)


def test_numbers_are_texts() -> None:
    """An account id without quotes is an id."""
    assert resolve(246813579024, STACK, ASSEMBLY) == "246813579024"
    assert isinstance(resolve(["a"], STACK, ASSEMBLY), Unknown)


def test_filled() -> None:
    """A document is filled in as far as it can be; the rest stays as the template has it."""
    open_part = {"Fn::Sub": "arn:aws:iam::*:role/${Root}"}
    document = {
        "Statement": [
            {"Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::x"}, "Action": open_part},
            {"Fn::If": ["IsDev", {"Sid": "Dev"}, {"Ref": "AWS::NoValue"}]},
            {"Fn::If": ["IsProd", {"Sid": "Prod", "Action": open_part}, {"Sid": "Dev"}]},
            {"Fn::If": ["Open", {"Sid": "A"}, {"Sid": "B"}]},
        ],
        "Text": "{{resolve:ssm:/org/list}}",
        "Gone": "{{resolve:ssm:/gone}}",
    }
    assert fill(document, STACK, ASSEMBLY) == {
        "Statement": [
            {"Resource": "arn:aws-us-gov:s3:::x", "Action": open_part},
            {"Sid": "Prod", "Action": open_part},
            {"Fn::If": ["Open", {"Sid": "A"}, {"Sid": "B"}]},
        ],
        "Text": "p,q",
        "Gone": "{{resolve:ssm:/gone}}",
    }


def test_nested_parameters_and_outputs() -> None:
    """A nested stack's parameters come from the stack around it, whose references go into it."""
    outer_template = {
        "Resources": {
            "Unit": {},
            "Inner": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"Parameters": {"Parent": {"Ref": "Unit"}}},
            },
        }
    }
    outer = StackTemplate(id="O", name="O", path="O", template=outer_template)
    inner = nested_stack(
        outer,
        "Inner",
        template={
            "Parameters": {"Parent": {"Type": "String"}, "Open": {"Type": "String"}},
            "Resources": {"Own": {}},
            "Outputs": {
                "OwnId": {"Value": {"Ref": "Own"}},
                "Given": {"Value": {"Ref": "Parent"}},
                "Loop": {"Value": {"Ref": "AWS::StackName"}},
            },
        },
    )
    assembly = Assembly(stacks=(outer,), nested=(inner,))
    assert evaluate({"Ref": "Parent"}, inner, assembly) == Reference("O", "Unit")
    assert isinstance(evaluate({"Ref": "Open"}, inner, assembly), Unknown)
    for output, expected in (
        ("OwnId", Reference("O:Inner", "Own")),
        ("Given", Reference("O", "Unit")),
    ):
        assert evaluate({"Fn::GetAtt": ["Inner", f"Outputs.{output}"]}, outer, assembly) == expected
    # AWS makes up the end of its name.
    assert isinstance(evaluate({"Fn::GetAtt": ["Inner", "Outputs.Loop"]}, outer, assembly), Unknown)
    nothing = evaluate({"Fn::GetAtt": ["Inner", "Outputs.Gone"]}, outer, assembly)
    assert nothing == Reference("O", "Inner", "Outputs.Gone")


def test_cross_region_exports_of_cdk() -> None:
    """What CDK's writer stores in a Region, its reader finds there, and nowhere else."""
    name = "/cdk/exports/C/Unit"
    writer = StackTemplate(
        id="W",
        name="W",
        account="246813579024",
        region="us-east-1",
        template={
            "Resources": {
                "Unit": {},
                "Writer": {
                    "Type": "Custom::CrossRegionExportWriter",
                    "Properties": {
                        "WriterProps": {"region": "eu-west-1", "exports": {name: {"Ref": "Unit"}}}
                    },
                },
            }
        },
    )

    def reader(region: str) -> StackTemplate:
        imports = {name: f"{{{{resolve:ssm:{name}}}}}"}
        properties = {"ReaderProps": {"imports": imports}}
        kind = "Custom::CrossRegionExportReader"
        return StackTemplate(
            id="R",
            name="R",
            account="246813579024",
            region=region,
            template={"Resources": {"Reader": {"Type": kind, "Properties": properties}}},
        )

    value = {"Fn::GetAtt": ["Reader", name]}
    near, far = reader("eu-west-1"), reader("eu-west-2")
    assert evaluate(value, near, Assembly(stacks=(writer, near))) == Reference("W", "Unit")
    assert isinstance(evaluate(value, far, Assembly(stacks=(writer, far))), Unknown)


def test_exports_named_by_their_stack() -> None:
    """An export whose name has the stack's name in it is found."""
    name = {"Fn::Sub": "${AWS::StackName}-Unit"}
    outputs = {
        "A": {"Value": {"Ref": "Unit"}, "Export": {"Name": name}},
        "B": {"Value": "x", "Export": {"Name": {"Fn::Sub": "${Other}-Unit"}}},
        "C": {"Value": "x", "Export": {"Name": {"Ref": "AWS::StackName"}}},
        "D": {"Value": "x"},
        "E": None,
    }
    base = StackTemplate(
        id="Base", name="Base", template={"Resources": {"Unit": {}}, "Outputs": outputs}
    )
    team = StackTemplate(id="T", name="T", template={})
    assembly = Assembly(stacks=(base, team))
    reference = Reference("Base", "Unit")
    assert evaluate({"Fn::ImportValue": "Base-Unit"}, team, assembly) == reference
    sub = {"Fn::ImportValue": {"Fn::Sub": ["${s}-Unit", {"s": "Base"}]}}
    assert evaluate(sub, team, assembly) == reference


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*_FUNCTIONS, "a", "b"]),
            inner | st.sampled_from(["Stage", "Unit", "Root", "Unit.Id", "${Root}", "${Unit.Id}"]),
            max_size=2,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_anything_is_evaluated(value: Any) -> None:
    """Whatever stands in a template, it is evaluated without an error."""
    found = evaluate(value, STACK, ASSEMBLY)
    filled = fill(value, STACK, ASSEMBLY)
    if is_plain(found):
        assert filled == found
    assert isinstance(resolve(value, STACK, ASSEMBLY), (str, Reference, Unknown))
