"""Requests as they come over HTTP: what cannot be read is refused as every service of AWS does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from org_constructs.rehearsal import EmbeddedAws

PREFIX = "AWSOrganizationsV20161128."


def _post(aws: EmbeddedAws, operation: str, body: bytes) -> tuple[int, str]:
    """Send a request without an SDK; return the status and the code of the error, if any."""
    credential = f"{aws.account_id}/20260101/us-east-1/organizations/aws4_request"
    request = urllib.request.Request(  # noqa: S310
        aws.endpoint,
        data=body,
        headers={
            "X-Amz-Target": PREFIX + operation,
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, "
            "SignedHeaders=host, Signature=0",
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())["__type"]


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("MakeOrganization", b"{}", "UnknownOperationException"),
        ("ListRoots", b"{not json", "SerializationException"),
        ("ListRoots", b"[]", "SerializationException"),
        ("ListRoots", b"\xff", "SerializationException"),
        ("ListAccounts", b'{"MaxResults": "5"}', "SerializationException"),
        ("ListAccounts", b'{"MaxResults": true}', "SerializationException"),
        ("DescribeAccount", b'{"AccountId": 111111111111}', "SerializationException"),
        ("TagResource", b'{"ResourceId": "r-1234", "Tags": [["k"]]}', "SerializationException"),
        (
            "InviteAccountToOrganization",
            b'{"Target": {"Id": 222222222222, "Type": "ACCOUNT"}}',
            "SerializationException",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(
    aws: EmbeddedAws, operation: str, body: bytes, code: str
) -> None:
    """With 400, before the service sees it."""
    aws.client("organizations").create_organization()
    seen = len(aws.calls())
    assert _post(aws, operation, body) == (400, code)
    assert len(aws.calls()) == seen


@pytest.mark.parametrize("body", [b"", b"{}", b'{"Unheard": 1}', b'{"MaxResults": null}'])
def test_what_can_be_read_is_answered(aws: EmbeddedAws, body: bytes) -> None:
    """No content is no parameters, an unknown parameter is ignored, and null is none."""
    aws.client("organizations").create_organization()
    assert _post(aws, "ListRoots", body) == (200, "")
