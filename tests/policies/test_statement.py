"""Statements: what they accept, what they refuse, what they become as JSON."""

from __future__ import annotations

import copy
import json
import pickle
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model.errors import OrgError
from org_constructs.policies import Statement

ACTIONS = st.one_of(
    st.just("*"), st.from_regex(r"[a-z0-9-]{1,8}:[A-Za-z0-9*?]{1,8}", fullmatch=True)
)
RESOURCES = st.one_of(
    st.just("*"), st.from_regex(r"arn:\*:s3:::[a-z*]{1,8}(/[a-z*]{1,8})?", fullmatch=True)
)
VALUES = st.one_of(
    st.text(max_size=8),
    st.booleans(),
    st.integers(),
    st.lists(st.text(max_size=8), min_size=1, max_size=3),
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "ArnNotLike", "ForAnyValue:StringLike", "BoolIfExists"]),
    st.dictionaries(st.text(min_size=1, max_size=8), VALUES, min_size=1, max_size=3),
    max_size=2,
)


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the arguments of a statement that is valid."""
    return {
        "sid": draw(st.from_regex("[A-Za-z0-9]{0,8}", fullmatch=True)),
        "effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["actions", "not_actions"])): draw(st.lists(ACTIONS, min_size=1)),
        draw(st.sampled_from(["resources", "not_resources"])): draw(
            st.lists(RESOURCES, min_size=1)
        ),
        "conditions": draw(CONDITIONS),
    }


def deny(**changes: Any) -> Statement:
    """Return a valid statement with some arguments changed."""
    return Statement(**{"actions": ["ec2:RunInstances"], "resources": ["*"], **changes})


@given(arguments())
def test_round_trip(given_arguments: dict[str, Any]) -> None:
    """A statement read from its JSON form is equal, has the same hash and the same JSON form."""
    statement = Statement(**given_arguments)
    again = Statement.from_json(json.loads(json.dumps(statement.to_json())))
    assert again == statement
    assert hash(again) == hash(statement)
    assert again.to_json() == statement.to_json()


@given(arguments(), st.randoms(use_true_random=False))
def test_order_of_arguments(given_arguments: dict[str, Any], chance: random.Random) -> None:
    """The order of lists and mappings, and duplicates, change neither equality nor output."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return chance.sample(value * 2, len(value) * 2)
        if isinstance(value, dict):
            items = list(value.items())
            return {key: shuffled(item) for key, item in chance.sample(items, len(items))}
        return value

    one, other = Statement(**given_arguments), Statement(**shuffled(given_arguments))
    assert one == other
    assert hash(one) == hash(other)
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())


@given(arguments())
def test_copies(given_arguments: dict[str, Any]) -> None:
    """A statement can be copied and pickled."""
    statement = Statement(**given_arguments)
    assert copy.deepcopy(statement) == statement
    assert pickle.loads(pickle.dumps(statement)) == statement  # noqa: S301


def test_order_of_elements() -> None:
    """Elements stand in the order in which AWS documents them; lists of one are strings."""
    statement = Statement(
        sid="Example",
        not_actions=["iam:*", "budgets:*", "iam:*"],
        not_resources=["arn:*:s3:::logs"],
        conditions={"StringEquals": {"aws:RequestedRegion": ["eu-west-1"]}, "Bool": {"a": True}},
    )
    assert list(statement.to_json().items()) == [
        ("Sid", "Example"),
        ("Effect", "Deny"),
        ("NotAction", ["budgets:*", "iam:*"]),
        ("NotResource", "arn:*:s3:::logs"),
        (
            "Condition",
            {"Bool": {"a": "true"}, "StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
        ),
    ]


def test_result_is_not_shared() -> None:
    """Changing the JSON form changes no statement."""
    statement = deny(conditions={"StringEquals": {"a": ["x", "y"]}})
    statement.to_json()["Condition"]["StringEquals"]["a"].append("z")
    assert statement.to_json()["Condition"] == {"StringEquals": {"a": ["x", "y"]}}


def test_conditions_cannot_be_changed() -> None:
    """A statement is a value all the way down."""
    with pytest.raises(TypeError):
        deny(conditions={"StringEquals": {"a": "x"}}).conditions["Bool"] = {}  # type: ignore[index]


def test_operator_without_keys_is_dropped() -> None:
    """An operator that compares nothing is not emitted."""
    assert deny(conditions={"StringEquals": {}}) == deny()


@pytest.mark.parametrize(
    "changes",
    [
        {"actions": ["${Token[TOKEN.1]}"]},
        {"actions": ["#{Token[TOKEN.1]}"]},
        {"resources": ["${Token[TOKEN.1]}"]},
        {"conditions": {"StringEquals": {"aws:PrincipalOrgID": {"Ref": "Organization"}}}},
        {"conditions": {"StringEquals": {"a": [{"Fn::GetAtt": ["A", "B"]}, "c"]}}},
    ],
)
def test_what_deployment_fills_in(changes: dict[str, Any]) -> None:
    """Tokens and functions of a template pass unchanged."""
    content = deny(**changes).to_json()
    written = next(iter(changes.values()))
    if isinstance(written, dict):
        assert content["Condition"] == written
    else:
        assert written[0] in json.dumps(content)


def test_list_token_stays_a_list() -> None:
    """CDK expands a list token only inside a list."""
    assert deny(actions=["#{Token[TOKEN.1]}"]).to_json()["Action"] == ["#{Token[TOKEN.1]}"]


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"sid": "Deny-1"}, {"sid": "Deny1"}),
        ({"effect": "deny"}, {"effect": "Deny"}),
        ({"actions": []}, {"actions": ["*"]}),
        ({"not_actions": ["iam:*"]}, {"actions": [], "not_actions": ["iam:*"]}),
        ({"resources": []}, {"resources": ["*"]}),
        ({"not_resources": ["arn:a"]}, {"resources": [], "not_resources": ["arn:a"]}),
        ({"actions": ["RunInstances"]}, {"actions": ["ec2:RunInstances"]}),
        ({"actions": ["EC2:RunInstances"]}, {"actions": ["ec2:runinstances"]}),
        ({"actions": ["ec2:"]}, {"actions": ["ec2:?"]}),
        ({"actions": ["ec2:*:*"]}, {"actions": ["ec2:*"]}),
        ({"resources": ["my-bucket"]}, {"resources": ["arn:aws:s3:::my-bucket"]}),
        ({"conditions": {"StringEqual": {"a": "b"}}}, {"conditions": {"StringEquals": {"a": "b"}}}),
        ({"conditions": {"Null": {"a": []}}}, {"conditions": {"Null": {"a": [True]}}}),
        ({"conditions": {"Null": {"a": None}}}, {"conditions": {"Null": {"a": "true"}}}),
        ({"conditions": {"Null": "a"}}, {"conditions": {"Null": {"a": 1}}}),
        ({"conditions": []}, {"conditions": {}}),
    ],
)
def test_fails_just_beyond_the_grammar(changes: dict[str, Any], accepted: dict[str, Any]) -> None:
    """What the grammar does not have is refused; its nearest neighbour is accepted."""
    deny(**accepted)
    with pytest.raises(OrgError) as caught:
        deny(**changes)
    assert caught.value.code == "ORG009"
    assert not str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"actions": "ec2:*"},
            "statement: actions is one string, 'ec2:*'; write actions=['ec2:*']",
        ),
        ({"resources": None}, "statement: resources is None, not a list; write resources=['*']"),
        (
            {"actions": [None]},
            (
                "statement: actions has the item None, which is not a string; "
                "write actions=['ec2:RunInstances']"
            ),
        ),
        ({"actions": {"ec2:*": 1}}, "not a list"),
    ],
)
def test_fails_for_what_is_no_list(changes: dict[str, Any], message: str) -> None:
    """A string in place of a list is refused, as its characters would be taken for names."""
    with pytest.raises(OrgError) as caught:
        deny(**changes)
    assert caught.value.code == "ORG008"
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        ("StringNotEqual", "did you mean 'StringNotEquals'"),
        ("stringequals", "did you mean 'StringEquals'"),
        ("Contains", "known are ArnEquals"),
    ],
)
def test_fails_for_an_unknown_operator(operator: str, message: str) -> None:
    """A condition operator that AWS does not have is refused, with the one that was meant."""
    with pytest.raises(OrgError) as caught:
        deny(conditions={operator: {"a": "b"}})
    assert message in str(caught.value)


@pytest.mark.parametrize("element", ["Principal", "NotPrincipal", "action"])
def test_fails_to_read_an_unknown_element(element: str) -> None:
    """An element that a statement of an SCP does not have is refused."""
    with pytest.raises(OrgError, match=f"element '{element}' is unknown"):
        Statement.from_json({"Effect": "Deny", "Action": "*", "Resource": "*", element: "*"})
