"""What AWS tells about the organization, and the role through which a new account is reached."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.events import Event, NewAccount, Reporter

MANAGEMENT = "111111111111"
INVITED = "222222222222"
SERVICE_EVENT = "AWS Service Event via CloudTrail"
API_CALL = "AWS API Call via CloudTrail"


@pytest.fixture
def bus(aws: EmbeddedAws) -> Any:
    """A queue that gets every event about Organizations in the management account."""
    return listen(aws, MANAGEMENT)


def listen(aws: EmbeddedAws, account_id: str) -> Any:
    """Deliver an account's events about Organizations to a queue; return how to read it."""
    events, queues = aws.client("events", account_id), aws.client("sqs", account_id)
    queue = queues.create_queue(QueueName="events")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{account_id}:events"
    pattern = json.dumps({"source": ["aws.organizations"]})
    events.put_rule(Name="organizations", EventPattern=pattern)
    events.put_targets(Rule="organizations", Targets=[{"Id": "queue", "Arn": arn}])

    def read() -> list[dict[str, Any]]:
        found = []
        while messages := queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    return read


def named(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the names of events with the first word of what they are."""
    return [(e["detail"]["eventName"], e["detail-type"].split(" ")[1]) for e in events]


def create_account(aws: EmbeddedAws, **options: Any) -> str:
    """Create an account, wait and return its id."""
    client = aws.client("organizations")
    client.create_account(AccountName="audit", Email="audit@corp.com", **options)
    aws.advance(60)
    listed = client.list_accounts()["Accounts"]
    return next(str(entry["Id"]) for entry in listed if entry["Name"] == "audit")


def test_writes_are_told_as_calls(aws: EmbeddedAws, bus: Any) -> None:
    """With their parameters, answers and errors; reads are not told."""
    client = aws.client("organizations")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    client.create_organizational_unit(ParentId=root, Name="Workloads")
    with pytest.raises(ClientError):
        client.create_organizational_unit(ParentId=root, Name="Workloads")
    events = bus()
    assert {event["detail-type"] for event in events} == {API_CALL}
    assert {event["region"] for event in events} == {"us-east-1"}
    assert {event["account"] for event in events} == {MANAGEMENT}
    _, created, refused = (event["detail"] for event in events)
    assert created["eventName"] == "CreateOrganizationalUnit"
    assert created["eventSource"] == "organizations.amazonaws.com"
    assert created["requestParameters"] == {"parentId": root, "name": "Workloads"}
    assert created["responseElements"]["organizationalUnit"]["name"] == "Workloads"
    assert "errorCode" not in created
    assert refused["errorCode"] == "DuplicateOrganizationalUnitException"


def test_the_end_of_a_creation_is_told_by_the_service(aws: EmbeddedAws, bus: Any) -> None:
    """In the form on which AWS's own solutions wait; that the account has joined, too."""
    aws.client("organizations").create_organization(FeatureSet="ALL")
    account_id = create_account(aws)
    events = bus()[1:]
    assert named(events) == [
        ("CreateAccount", "API"),
        ("CreateAccountResult", "Service"),
        ("AccountJoinedOrganization", "Service"),
    ]
    status = events[1]["detail"]["serviceEventDetails"]["createAccountStatus"]
    assert (status["state"], status["accountId"]) == ("SUCCEEDED", account_id)
    joined = events[2]["detail"]["serviceEventDetails"]
    assert (joined["accountId"], joined["joinedMethod"]) == (account_id, "CREATED")


def test_a_failed_creation_is_told_with_its_reason(aws: EmbeddedAws, bus: Any) -> None:
    """And nobody has joined."""
    client = aws.client("organizations")
    client.create_organization(FeatureSet="ALL")
    create_account(aws)
    bus()
    client.create_account(AccountName="again", Email="audit@corp.com")
    aws.advance(60)
    client.list_accounts()
    events = bus()
    assert named(events)[1:] == [("CreateAccountResult", "Service")]
    status = events[1]["detail"]["serviceEventDetails"]["createAccountStatus"]
    assert status["failureReason"] == "EMAIL_ALREADY_EXISTS"


def test_closing_is_told_by_the_service(aws: EmbeddedAws, bus: Any) -> None:
    """When it is done."""
    client = aws.client("organizations")
    client.create_organization(FeatureSet="ALL")
    account_id = create_account(aws)
    bus()
    client.close_account(AccountId=account_id)
    aws.advance(3600)
    client.list_accounts()
    events = bus()
    assert named(events) == [("CloseAccount", "API"), ("CloseAccountResult", "Service")]
    closed = events[1]["detail"]["serviceEventDetails"]["closeAccountStatus"]
    assert closed == {"accountId": account_id, "state": "SUCCEEDED"}


def test_an_invited_account_joins_and_leaves(aws: EmbeddedAws, bus: Any) -> None:
    """Its own call is told to itself, what came of it to the management account; it gets no role."""
    client, theirs = aws.client("organizations"), aws.client("organizations", INVITED)
    client.create_organization(FeatureSet="ALL")
    invited = client.invite_account_to_organization(Target={"Id": INVITED, "Type": "ACCOUNT"})
    bus()
    theirs.accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    events = bus()
    assert named(events) == [
        ("AcceptHandshake", "Service"),
        ("AccountJoinedOrganization", "Service"),
    ]
    handshake = events[0]["detail"]["responseElements"]["handshake"]
    assert handshake["state"] == "ACCEPTED"
    assert {"id": INVITED, "type": "ACCOUNT"} in handshake["parties"]
    assert events[1]["detail"]["serviceEventDetails"]["joinedMethod"] == "INVITED"
    role = f"arn:aws:iam::{INVITED}:role/OrganizationAccountAccessRole"
    with pytest.raises(ClientError, match="AccessDenied"):
        aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    client.remove_account_from_organization(AccountId=INVITED)
    departed = bus()
    assert named(departed)[1:] == [("AccountDepartedOrganization", "Service")]
    assert departed[1]["detail"]["serviceEventDetails"]["departureMethod"] == "REMOVED"


def test_a_new_account_is_reached_through_its_role(aws: EmbeddedAws) -> None:
    """Which AWS creates in it with the name that was asked for."""
    aws.client("organizations").create_organization(FeatureSet="ALL")
    account_id = create_account(aws, RoleName="Admin")
    role = aws.client("iam", account_id).get_role(RoleName="Admin")["Role"]
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}
    assume = aws.client("sts").assume_role
    arn = f"arn:aws:iam::{account_id}:role/Admin"
    answer = assume(RoleArn=arn, RoleSessionName="test")
    assert answer["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{account_id}:assumed-role")
    missing = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(RoleArn=missing, RoleSessionName="test")


def entry(operation: str, caller: str, **changes: Any) -> dict[str, Any]:
    """Return an entry of the call log."""
    known = {"operation": operation, "caller": caller, "params": {}, "result": {}, "error": None}
    return {**known, "time": 1_800_000_000.0, "read": False, **changes}


def test_an_accepted_invitation_is_told_to_the_management_account() -> None:
    """By the service, as the call was another account's; there is no role in that account."""
    handshake = {
        "Id": "h-12345678",
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:handshake/o-a1b2c3d4e5/invite/h-12345678",
        "State": "ACCEPTED",
        "Action": "INVITE",
        "Parties": [{"Id": INVITED, "Type": "ACCOUNT"}],
    }
    reporter = Reporter()
    accepted = entry("AcceptHandshake", INVITED, result={"Handshake": handshake})
    call, told, joined = (item for item in reporter.read(accepted) if isinstance(item, Event))
    assert (call.account_id, call.detail_type) == (INVITED, API_CALL)
    assert (told.account_id, told.detail_type) == (MANAGEMENT, SERVICE_EVENT)
    assert told.detail["responseElements"]["handshake"]["state"] == "ACCEPTED"
    assert told.detail["responseElements"]["handshake"]["parties"][0]["id"] == INVITED
    assert joined.detail["serviceEventDetails"]["joinedMethod"] == "INVITED"
    assert reporter.is_member(INVITED)

    departed = list(reporter.read(entry("LeaveOrganization", INVITED)))[1]
    assert isinstance(departed, Event)
    assert departed.account_id == MANAGEMENT
    assert departed.detail["serviceEventDetails"]["departureMethod"] == "LEFT"
    assert not reporter.is_member(INVITED)


def test_reads_and_unknown_requests_tell_nothing() -> None:
    """Such as an end whose beginning was before the log."""
    reporter = Reporter()
    status = {"Id": "car-1", "State": "SUCCEEDED", "AccountId": INVITED}
    result = {"CreateAccountStatus": status}
    ended = entry("CreateAccountResult", "organizations.amazonaws.com", result=result)
    assert list(reporter.read(ended)) == []
    assert list(reporter.read(entry("ListRoots", MANAGEMENT, read=True))) == []
    begun = entry("CreateAccount", MANAGEMENT, result=result)
    assert len(list(reporter.read(begun))) == 1
    news = list(reporter.read(ended))
    assert NewAccount(INVITED, MANAGEMENT, "OrganizationAccountAccessRole") in news
