"""What of invitations, all features and membership the conformance behaviours cannot show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MANAGEMENT = "111111111111"


def snapshot(accounts: int) -> dict[str, Any]:
    """Return an organization for consolidated billing with so many accounts."""
    ids = [MANAGEMENT, *(f"{200_000_000_000 + n}" for n in range(accounts - 1))]
    return {
        "version": 1,
        "organization_id": "o-0123456789",
        "root_id": "r-abcd",
        "management_account_id": MANAGEMENT,
        "feature_set": "CONSOLIDATED_BILLING",
        "policy_types": {},
        "organizational_units": [],
        "accounts": [
            {
                "id": id,
                "name": id,
                "email": f"{id}@corp.com",
                "parent_id": "r-abcd",
                "state": "ACTIVE",
                "joined_method": "INVITED",
            }
            for id in ids
        ],
        "policies": [],
    }


def test_a_large_organization_needs_help(backend: Any) -> None:
    """With more than 5,000 accounts the standard process is refused."""
    backend.service.seed_from(snapshot(5001))
    error = backend.refused("EnableAllFeatures")
    assert (error.code, error.reason) == (
        "ConstraintViolationException",
        "ALL_FEATURES_MIGRATION_ORGANIZATION_SIZE_LIMIT_EXCEEDED",
    )


def test_one_refusal_stops_the_process(backend: Any) -> None:
    """The management account has nothing to confirm while one account has not agreed."""
    backend.service.seed_from(snapshot(3))
    request = backend.call("EnableAllFeatures")["Handshake"]
    first, second = "200000000000", "200000000001"
    asked = {
        account: backend.call("ListHandshakesForAccount", account=account)["Handshakes"][0]["Id"]
        for account in (first, second)
    }
    backend.call("AcceptHandshake", account=first, HandshakeId=asked[first])
    backend.call("DeclineHandshake", account=second, HandshakeId=asked[second])
    assert backend.call("ListHandshakesForAccount")["Handshakes"] == []
    described = backend.call("DescribeHandshake", HandshakeId=request["Id"])["Handshake"]
    assert described["State"] == "REQUESTED"
    error = backend.refused("AcceptHandshake", HandshakeId=request["Id"])
    assert error.code == "AccessDeniedException"
    # Without the account that does not agree, the others have all agreed.
    backend.call("RemoveAccountFromOrganization", AccountId=second)
    (confirm,) = backend.call("ListHandshakesForAccount")["Handshakes"][1:]
    assert confirm["Action"] == "APPROVE_ALL_FEATURES"


def test_the_share_of_accounts_that_may_be_closed(make_backend: Callable[..., Any]) -> None:
    """20 % of the members where that is more than the quota, never more than 1,000."""
    settings = {"account_closures_per_30_days": 1, "concurrent_account_closures": 100}
    backend = make_backend(quotas=settings)
    backend.service.seed_from({**snapshot(26), "feature_set": "ALL"})
    for n in range(5):
        backend.call("CloseAccount", AccountId=f"{200_000_000_000 + n}")
    error = backend.refused("CloseAccount", AccountId="200000000009")
    assert error.reason == "CLOSE_ACCOUNT_QUOTA_EXCEEDED"


def test_a_closing_is_logged_as_an_event_of_the_service(backend: Any) -> None:
    """As CloudTrail reports it."""
    backend.create_organization()
    account = backend.create_account()
    backend.call("CloseAccount", AccountId=account)
    backend.service.clock.advance(60)
    event = backend.service.calls()[-1]
    assert event["operation"] == "CloseAccountResult"
    assert event["result"] == {"AccountId": account, "State": "SUSPENDED"}


def test_a_creation_can_be_planned_to_fail(make_backend: Callable[..., Any]) -> None:
    """By address, the case of which does not matter."""
    backend = make_backend(account_creation_failures={"bad@*": "INVALID_ADDRESS"})
    backend.create_organization()
    for email, expected in (("BAD@corp.com", "FAILED"), ("good@corp.com", "SUCCEEDED")):
        answer = backend.call("CreateAccount", AccountName="x", Email=email)
        backend.service.clock.advance(60)
        status = backend.call(
            "DescribeCreateAccountStatus",
            CreateAccountRequestId=answer["CreateAccountStatus"]["Id"],
        )["CreateAccountStatus"]
        assert status["State"] == expected
    assert len(backend.call("ListAccounts")["Accounts"]) == 2


def test_a_delegation_can_be_denied(backend: Any) -> None:
    """A Deny of the resource policy wins, and other principals get nothing."""
    backend.create_organization()
    account, other = backend.create_account("one"), backend.create_account("two")
    allow = (
        f'{{"Effect":"Allow","Principal":{{"AWS":["{account}"]}},'
        '"Action":"organizations:List*","Resource":"*"}'
    )
    deny = '{"Effect":"Deny","Principal":"*","Action":"organizations:ListRoots","Resource":"*"}'
    content = f'{{"Version":"2012-10-17","Statement":[{allow},{deny}]}}'
    backend.call("PutResourcePolicy", Content=content)
    assert backend.call("ListAccounts", account=account)["Accounts"]
    assert backend.refused("ListRoots", account=account).code == "AccessDeniedException"
    assert backend.refused("ListAccounts", account=other).code == "AccessDeniedException"
