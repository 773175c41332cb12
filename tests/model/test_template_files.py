"""Templates that nobody synthesized: JSON, YAML with short forms, folders, nested ones."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from org_constructs.model import OrganizationModel, OrgError
from org_constructs.model.template_files import parse_template, read_template

YAML = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  RootId: {Type: String, Default: r-ab12}
  Stage: {Type: String, Default: prod}
Mappings:
  Deny:
    prod: {Action: "s3:*"}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
Resources:
  Workloads:
    Type: AWS::Organizations::OrganizationalUnit
    Properties: {Name: Workloads, ParentId: !Ref RootId}
  Production:
    Type: AWS::Organizations::OrganizationalUnit
    Properties:
      Name: !Sub "${Stage}uction"
      ParentId: !GetAtt Workloads.Id
  Payments:
    Type: AWS::Organizations::Account
    Properties:
      AccountName: !Join ["-", [payments, !Ref Stage]]
      Email: !Sub
        - aws+${name}@corp.com
        - name: payments
      ParentIds: [!If [IsProd, !Ref Production, !Ref Workloads]]
  Experiment:
    Type: AWS::Organizations::Account
    Condition: IsDev
    Properties: {AccountName: experiment, Email: aws+x@corp.com}
  Guard:
    Type: AWS::Organizations::Policy
    Properties:
      Name: guard
      Type: SERVICE_CONTROL_POLICY
      TargetIds:
        - !Select [1, !Split ["|", "x|012345670123"]]
        - 012345670124
        - !GetAtt [Production, Id]
      Content:
        Version: 2012-10-17
        Statement:
          - Effect: Deny
            Action: !FindInMap [Deny, !Ref Stage, Action]
            Resource: "*"
            Condition:
              Bool: {aws:MultiFactorAuthPresent: false}
              StringNotEquals: {aws:PrincipalTag/team: !Sub "${!aws:username}"}
"""


def test_yaml_with_short_forms(tmp_path: Path) -> None:
    """A template that a person wrote is read as CloudFormation reads it."""
    file = tmp_path / "org.yaml"
    file.write_text(YAML, "utf-8")
    model = OrganizationModel.from_file(file)
    assert model.organizational_units["org/Workloads"].parent == "Root"
    assert model.organizational_units["org/Production"].name == "production"
    account = model.accounts["org/Payments"]
    assert (account.name, account.email) == ("payments-prod", "aws+payments@corp.com")
    assert model.name_path(account.key) == "Workloads/production/payments-prod"
    assert model.left_out == {"org/Experiment": "IsDev"}
    policy = model.policies["org/Guard"]
    assert policy.targets == ("012345670123", "012345670124", "org/Production")
    assert model.document_of(policy) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {
                    "Bool": {"aws:MultiFactorAuthPresent": False},
                    "StringNotEquals": {"aws:PrincipalTag/team": "${aws:username}"},
                },
            }
        ],
    }
    assert model.unknowns == ()


def test_given_parameters(tmp_path: Path) -> None:
    """Values of parameters decide conditions, names and parents."""
    file = tmp_path / "org.yaml"
    file.write_text(YAML, "utf-8")
    model = OrganizationModel.from_file(file, parameters={"org": {"Stage": "dev"}})
    assert model.accounts["org/Payments"].parent == "org/Workloads"
    assert model.accounts["org/Experiment"].parent == "Root"
    assert [unknown.what for unknown in model.unknowns] == ["Content.Statement[0].Action"]
    texts = OrganizationModel.from_templates({"o": YAML}, parameters={"o": {"Stage": "dev"}})
    assert texts.accounts["o/Payments"].name == "payments-dev"


def test_json_and_yaml_mean_the_same() -> None:
    """A text in JSON is read as well, with a byte order mark and white space before it."""
    data = {"Resources": {"U": {"Type": "T", "Properties": {"A": 1}}}}
    assert parse_template(f"\ufeff \n{json.dumps(data)}".lstrip(" "), source="x") == data
    yaml = "Resources: {U: {Type: T, Properties: {A: one}}}"
    assert parse_template(yaml, source="x") == {
        "Resources": {"U": {"Type": "T", "Properties": {"A": "one"}}}
    }


def test_anchors_and_merges() -> None:
    """YAML's own ways of saying a thing once are followed."""
    text = "a: &x {Type: T, b: c}\nResources:\n  U: {<<: *x, b: d}\n  V: *x\n"
    found = parse_template(text, source="x")
    assert found["Resources"] == {"U": {"Type": "T", "b": "d"}, "V": {"Type": "T", "b": "c"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "x is neither JSON nor YAML"),
        ("a: [", "x is neither JSON nor YAML .*expected"),
        ("a: 1\na: 2", "the key 'a' is there twice"),
        ("? [a]\n: b", "a key is no text"),
        ("- a", "x is no template; one is a mapping"),
        ("", "x is no template"),
        ("a: !!python/object:os.system x", "x is neither JSON nor YAML"),
        ("a: 1\n---\nb: 2", "expected a single document"),
    ],
)
def test_fails_for_what_is_no_template(text: str, message: str) -> None:
    """What cannot be understood is named, and nothing is run."""
    with pytest.raises(OrgError, match=message) as caught:
        parse_template(text, source="x")
    assert caught.value.code == "ORG016"


def test_fails_for_what_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, or no text, or no template, is refused."""
    with pytest.raises(OrgError, match=r"cannot be read .*give a template, a folder"):
        OrganizationModel.from_file(tmp_path / "gone.yaml")
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(OrgError, match="not UTF-8"):
        read_template(tmp_path / "x.json")
    (tmp_path / "x.json").write_text('{"a": 1}', "utf-8")
    for path in (tmp_path, tmp_path / "x.json"):
        with pytest.raises(OrgError, match="holds no CloudFormation template"):
            OrganizationModel.from_file(path)


def _write(folder: Path, **templates: Any) -> Path:
    for name, template in templates.items():
        file = folder / f"{name}.json"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(json.dumps(template), "utf-8")
    return folder


def _unit(name: str, parent: Any = "r-ab12") -> dict[str, Any]:
    return {
        "Type": "AWS::Organizations::OrganizationalUnit",
        "Properties": {"Name": name, "ParentId": parent},
    }


def test_a_folder_of_templates(tmp_path: Path) -> None:
    """Templates of a folder refer to each other's exports; what is no template is left out."""
    outputs = {"Id": {"Value": {"Ref": "A"}, "Export": {"Name": "a-id"}}}
    base = {"Resources": {"A": _unit("a")}, "Outputs": outputs}
    team = {"Resources": {"B": _unit("b", {"Fn::ImportValue": "a-id"})}}
    _write(tmp_path, base=base, team=team, parameters={"x": "y"})
    _write(tmp_path / ".hidden", other=team)
    model = OrganizationModel.from_file(tmp_path)
    assert model.name_path("team/B") == "a/b"


def test_nested_templates_of_a_folder(tmp_path: Path) -> None:
    """A TemplateURL that is a file's path leads into that file, which is no stack of its own."""
    inner = {
        "Parameters": {"Parent": {"Type": "String"}},
        "Resources": {"B": _unit("b", {"Ref": "Parent"})},
        "Outputs": {"Id": {"Value": {"Ref": "B"}}},
    }
    outer = {
        "Resources": {
            "A": _unit("a"),
            "Inner": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": "./parts/inner.json",
                    "Parameters": {"Parent": {"Ref": "A"}},
                },
            },
            "C": _unit("c", {"Fn::GetAtt": "Inner.Outputs.Id"}),
        }
    }
    _write(tmp_path, outer=outer)
    _write(tmp_path / "parts", inner=inner)
    for path in (tmp_path, tmp_path / "outer.json"):
        model = OrganizationModel.from_file(path)
        assert [stack.name for stack in model.assembly.stacks] == ["outer"]
        assert model.name_path("outer/C") == "a/b/c"
        assert model.organizational_units["outer:Inner/B"].stack == "outer/Inner"
        assert model.unknowns == ()


def test_a_template_within_itself(tmp_path: Path) -> None:
    """A template that makes itself, which AWS would stop at some depth, does not hang."""
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "outer.json"}}
    _write(tmp_path, outer={"Resources": {"A": _unit("a"), "Inner": stack}})
    model = OrganizationModel.from_file(tmp_path)
    assert [unit.path for unit in model.organizational_units.values()] == ["outer/A"]
    assert [unknown.what for unknown in model.unknowns] == ["template"]


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """Two stacks cannot have one name here."""
    _write(tmp_path, org={"Resources": {"A": _unit("a")}})
    _write(tmp_path / "more", org={"Resources": {"B": _unit("b")}})
    with pytest.raises(OrgError, match="two templates called 'org'"):
        OrganizationModel.from_file(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com/bucket/inner.yaml",
        "./inner.yaml",
        {"Fn::Sub": "https://${Bucket}.s3.amazonaws.com/x/inner.yaml"},
        {"Fn::Join": ["/", ["https://x", {"Ref": "Bucket"}, "inner.yaml"]]},
    ],
)
def test_nested_templates_by_name(url: Any) -> None:
    """Of templates in memory the one that the URL ends with is the nested one."""
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    templates = {
        "outer": {"Resources": {"Inner": stack}},
        "inner.yaml": textwrap.dedent(
            """\
            Resources:
              A:
                Type: AWS::Organizations::OrganizationalUnit
                Properties: {Name: a, ParentId: r-ab12}
            """
        ),
    }
    model = OrganizationModel.from_templates(templates)
    assert list(model.organizational_units) == ["outer:Inner/A"]
    alone = OrganizationModel.from_templates({"outer": templates["outer"]})
    assert [str(unknown) for unknown in alone.unknowns] == [
        "the template of 'outer/Inner', a nested stack whose template is not here"
    ]


def test_hand_written_gaps() -> None:
    """Sections and properties that say nothing are none."""
    text = """\
    Parameters:
    Outputs:
    Resources:
      U: {Type: AWS::Organizations::OrganizationalUnit, Properties: }
      A: {Type: AWS::Organizations::Account}
      O: {Type: AWS::Organizations::Organization, DependsOn: }
    """
    model = OrganizationModel.from_templates({"S": textwrap.dedent(text)})
    assert model.accounts["S/A"].parent == "Root"
    assert model.organizational_units["S/U"].parent == "?"
    stack = model.assembly.stacks[0]
    assert len(stack.deployment_order) == 3


def test_an_assembly_is_read_as_such(tmp_path: Path) -> None:
    """The folder of a cloud assembly may be given where templates may."""
    artifact = {
        "type": "aws:cloudformation:stack",
        "properties": {"templateFile": "A.template.json"},
    }
    _write(tmp_path, manifest={"artifacts": {"A": artifact}})
    (tmp_path / "A.template.json").write_text(json.dumps({"Resources": {"U": _unit("u")}}), "utf-8")
    assert list(OrganizationModel.from_file(tmp_path).organizational_units) == ["A/U"]
