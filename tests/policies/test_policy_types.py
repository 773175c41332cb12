"""Policy types: their names, and what is known of the supported ones."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from botocore.loaders import Loader

from org_constructs.model.partitions import partitions
from org_constructs.model.quotas import default_quotas
from org_constructs.policies import PolicyType, PolicyTypeSpec, policy_type_spec, types
from org_constructs.policies.policy_type import policy_type_specs
from org_constructs.policies.types.resource_control_policy import uncovered_services


def test_names_are_those_of_the_sdk() -> None:
    """Every policy type that the SDK knows has its name here; one is younger than the SDK."""
    model = Loader().load_service_model("organizations", "service-2")
    known = set(model["shapes"]["PolicyType"]["enum"])
    assert known <= set(PolicyType)
    assert set(PolicyType) - known <= {"SECURITYHUB_CSPM_POLICY"}


@pytest.mark.parametrize("policy_type", list(PolicyType))
def test_names_are_plain_strings(policy_type: PolicyType) -> None:
    """A policy type is the string that CloudFormation takes."""
    assert policy_type == policy_type.name == str(policy_type)


def test_one_file_each() -> None:
    """A module of the folder is named after the type that it describes, and is found by itself."""
    modules = [module.name for module in pkgutil.iter_modules(types.__path__)]
    for name in modules:
        spec = importlib.import_module(f"{types.__name__}.{name}").POLICY_TYPE
        assert spec.policy_type == name.upper()
        assert policy_type_spec(spec.policy_type) is spec
    assert len(policy_type_specs()) == len(modules)


def test_unsupported_type() -> None:
    """Of a type without a module nothing is known, which is no error."""
    supported = {spec.policy_type for spec in policy_type_specs()}
    for policy_type in set(PolicyType) - supported:
        assert policy_type_spec(policy_type) is None


@pytest.mark.parametrize("spec", policy_type_specs(), ids=lambda spec: spec.policy_type)
def test_facts(spec: PolicyTypeSpec) -> None:
    """Quotas and partitions of a spec exist, and its source is a page of AWS."""
    names = [spec.characters, spec.per_target, spec.per_organization]
    if spec.per_target_minimum:
        names.append(spec.per_target_minimum)
    assert set(names) <= set(default_quotas())
    assert set(spec.missing_in) <= set(partitions())
    assert spec.documented_at.startswith("https://docs.aws.amazon.com/")


def statement(**changes: Any) -> dict[str, Any]:
    """Return a valid statement with elements changed; None takes one away."""
    base = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    return {key: value for key, value in {**base, **changes}.items() if value is not None}


def document(*statements: Any) -> dict[str, Any]:
    """Return a document of the right version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def scp_findings(content: Any) -> list[str]:
    """Return what is wrong with a service control policy."""
    spec = policy_type_spec(PolicyType.SERVICE_CONTROL_POLICY)
    assert spec is not None
    return spec.findings(content)


@pytest.mark.parametrize(
    "content",
    [
        document(statement()),
        {"Version": "2012-10-17", "Statement": statement()},
        document(statement(Effect="Allow", Condition={"Bool": {"aws:SecureTransport": "true"}})),
        document(statement(Effect="Allow", Action=None, NotAction=["iam:*"])),
        document(statement(Effect="Allow", Resource=None, NotResource="arn:aws:s3:::x")),
        document(statement(Action="*:Describe*"), statement(Action="ec2:*Instances")),
        document(statement(Sid="A"), statement(Sid="B"), statement(Sid=""), statement(Sid="")),
        document(statement(Sid="${Token[TOKEN.1]}", Action="${Token[TOKEN.2]}")),
        document(statement(Action=["#{Token[TOKEN.3]}"], Resource={"Fn::Sub": "arn:x"})),
        document(statement(Effect={"Ref": "Effect"}, Condition={"Fn::If": ["A", {}, {}]})),
        document({"Fn::If": ["A", {}, {"Ref": "AWS::NoValue"}]}),
        {"Version": {"Ref": "V"}, "Statement": {"Fn::If": ["A", [], []]}},
        {"Fn::Transform": {"Name": "AWS::Include"}},
    ],
)
def test_scp_grammar_accepts(content: dict[str, Any]) -> None:
    """The full language that SCPs have, and whatever deployment fills in, is accepted."""
    assert scp_findings(content) == []


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        ("text", "the document is 'text'; give a JSON object with Version and Statement"),
        ({"Statement": [statement()]}, "Version is missing; write 'Version': '2012-10-17'"),
        (
            {"Version": "2008-10-17", "Statement": [statement()]},
            "Version is '2008-10-17'; write '2012-10-17'",
        ),
        (
            {**document(statement()), "Statements": []},
            "element 'Statements' is unknown; did you mean 'Statement'",
        ),
        ({"Version": "2012-10-17"}, "Statement is None; give at least one statement"),
        (document(), "Statement is []; give at least one statement"),
        (document("x"), "statement 1 is 'x'; give a JSON object"),
        (
            document(statement(Principal="*")),
            (
                "statement 1: Principal is not part of a service control policy, which is about the "
                "principals of the account it reaches; compare aws:PrincipalArn in Condition"
            ),
        ),
        (
            document(statement(Conditions={})),
            "statement 1: element 'Conditions' is unknown; did you mean 'Condition'",
        ),
        (
            document(statement(Zzz=1)),
            (
                "statement 1: element 'Zzz' is unknown; known are Sid, Effect, Action, NotAction, "
                "Resource, NotResource, Condition"
            ),
        ),
        (
            document(statement(Sid="a-b")),
            "statement 1 'a-b': Sid 'a-b' has other signs than letters and digits",
        ),
        (
            document(statement(Sid="A"), statement(Sid="A")),
            "2 statements have the Sid 'A'; give each its own",
        ),
        (
            document(statement(Effect="deny")),
            "statement 1: Effect is 'deny'; write 'Allow' or 'Deny'",
        ),
        (
            document(statement(NotAction="iam:*")),
            "statement 1: Action and NotAction are both given; keep one of them",
        ),
        (
            document(statement(Action=None)),
            "statement 1: neither Action nor NotAction is given; give one of them",
        ),
        (
            document(statement(Resource=None)),
            "statement 1: neither Resource nor NotResource is given; give one of them",
        ),
        (
            document(statement(Action=[])),
            "statement 1: Action is []; give a string or a list of at least one",
        ),
        (document(statement(Action=[1])), "statement 1: Action has the item 1; give a string"),
        (
            document(statement(Action="RunInstances")),
            (
                "statement 1: Action 'RunInstances' names no service; write one such as "
                "'ec2:RunInstances'"
            ),
        ),
        (
            document(statement(Resource="bucket")),
            (
                "statement 1: Resource 'bucket' is not an ARN; write '*' or one such as "
                "'arn:*:s3:::logs/*'"
            ),
        ),
        (
            document(statement(Condition="x")),
            "statement 1: Condition is 'x'; give operators with keys and values",
        ),
        (
            document(statement(Condition={"Bool": "x"})),
            "statement 1: Condition Bool is 'x'; give keys and values",
        ),
    ],
)
def test_scp_grammar_finds(content: Any, finding: str) -> None:
    """What AWS would reject as malformed is found, with what to write instead."""
    assert scp_findings(content) == [finding]


@pytest.mark.parametrize(
    ("content", "services"),
    [
        (document(statement(Action=["S3:*", "EC2:*", "lambda:*", "ec2:Run*"])), ["ec2", "lambda"]),
        ({"Statement": statement(Action="ec2:*")}, ["ec2"]),
        (document(statement(Action=[5, {"Ref": "A"}, "${Token[TOKEN.1]}", "*", "s*:*"])), []),
        (document("x", statement(Action=None), {"Fn::If": ["A", {}, {}]}), []),
        ({"Statement": statement(Action=5)}, []),
        ({"Statement": 5}, []),
        ("x", []),
    ],
)
def test_services_that_no_resource_control_policy_reaches(
    content: Any, services: list[str]
) -> None:
    """Each service is named once, whatever its case; what is no document names none."""
    assert uncovered_services(content) == services
