"""Documents: statements together, and the size that AWS counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_constructs.model.errors import OrgError
from org_constructs.policies import Document, Statement

STATEMENT = Statement(sid="One", actions=["ec2:*"], resources=["*"])


@given(st.lists(st.from_regex("[A-Za-z0-9]{1,8}", fullmatch=True), min_size=1, unique=True))
def test_round_trip(sids: list[str]) -> None:
    """A document read from its JSON form is equal and has the same size."""
    statements = [Statement(sid=sid, actions=["ec2:*"], resources=["*"]) for sid in sids]
    document = Document(statements=statements)
    again = Document.from_json(json.loads(document.minified()))
    assert again == document
    assert hash(again) == hash(document)
    assert [statement.sid for statement in again.statements] == sids


def test_size() -> None:
    """AWS counts characters, and white space is none that has to be there."""
    document = Document(statements=[STATEMENT])
    assert document.minified() == (
        '{"Version":"2012-10-17","Statement":'
        '[{"Sid":"One","Effect":"Deny","Action":"ec2:*","Resource":"*"}]}'
    )
    assert document.characters == len(document.minified()) == 100


def test_lone_statement() -> None:
    """A single statement may stand without a list, as AWS allows."""
    content = {"Version": "2012-10-17", "Statement": STATEMENT.to_json()}
    assert Document.from_json(content) == Document(statements=[STATEMENT])


def test_statements_without_sid_may_be_many() -> None:
    """Only names have to differ."""
    nameless = Statement(actions=["ec2:*"], resources=["*"])
    assert len(Document(statements=[nameless, nameless]).statements) == 2


def test_fails_for_two_equal_sids() -> None:
    """Two statements with one Sid are refused: AWS rejects them."""
    with pytest.raises(OrgError, match=r"2 statements have the sid 'One'.*sid_suffix="):
        Document(statements=[STATEMENT, STATEMENT])


def test_fails_without_statements() -> None:
    """An empty document is refused."""
    with pytest.raises(OrgError, match="statements is empty"):
        Document(statements=[])


def test_fails_for_json_among_statements() -> None:
    """A statement in its JSON form has to be read first."""
    with pytest.raises(OrgError, match=r"is not a Statement; give Statement\(…\)"):
        Document(statements=[STATEMENT.to_json()])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "content",
    [
        {"Statement": []},
        {"Version": "2008-10-17", "Statement": []},
        {"Version": "2012-10-17", "Statement": [], "Id": "x"},
    ],
)
def test_fails_to_read_another_document(content: dict[str, object]) -> None:
    """A document of another version, or with more in it, is refused."""
    with pytest.raises(OrgError, match="write Version '2012-10-17' and Statement"):
        Document.from_json(content)
