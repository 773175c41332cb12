"""Names of accounts: who may change them, what is refused, and that the organization shows them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config

from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.backend import FaultError

MEMBER = "222222222222"
SERVICE = "account.amazonaws.com"


@pytest.fixture
def account(backend: Any) -> str:
    """Return a member of an organization that trusts Account Management."""
    backend.create_organization(policy_type=None)
    backend.call("EnableAWSServiceAccess", ServicePrincipal=SERVICE)
    member: str = backend.create_account()
    return member


def _name(backend: Any, account_id: str) -> Any:
    return backend.call("DescribeAccount", AccountId=account_id)["Account"]["Name"]


def test_the_management_account_renames_a_member(backend: Any, account: str) -> None:
    """The organization shows the new name at once; the same name again is no error."""
    for _ in range(2):
        assert backend.call("PutAccountName", AccountId=account, AccountName="Log archive") == {}
        assert _name(backend, account) == "Log archive"
    information = backend.call("GetAccountInformation", AccountId=account)
    assert information["AccountName"] == "Log archive"
    assert information["AccountId"] == account
    assert information["AccountState"] == "ACTIVE"
    assert backend.writes()[-2:] == ["PutAccountName", "PutAccountName"]


def test_every_account_names_itself(backend: Any, account: str) -> None:
    """Without an id the caller's own account is meant, in an organization or not."""
    for caller in (account, "111111111111", "333333333333"):
        backend.call("PutAccountName", account=caller, AccountName=f"own {caller}")
        information = backend.call("GetAccountInformation", account=caller)
        assert (information["AccountId"], information["AccountName"]) == (caller, f"own {caller}")
    assert _name(backend, account) == f"own {account}"


def test_a_delegated_administrator_renames_members(backend: Any, account: str) -> None:
    """One of Account Management, not of another service."""
    other = backend.create_account("other")
    rename = {"AccountId": other, "AccountName": "Other"}
    assert backend.refused("PutAccountName", account=account, **rename).code == (
        "AccessDeniedException"
    )
    backend.call("RegisterDelegatedAdministrator", AccountId=account, ServicePrincipal=SERVICE)
    backend.call("PutAccountName", account=account, **rename)
    assert _name(backend, other) == "Other"


def test_without_trusted_access_nobody_names_another(backend: Any) -> None:
    """As documented; with it the same call succeeds, without it again it does not."""
    backend.create_organization(policy_type=None)
    account = backend.create_account()
    rename = {"AccountId": account, "AccountName": "Log archive"}
    for operation, params in (
        ("PutAccountName", rename),
        ("GetAccountInformation", {"AccountId": account}),
    ):
        assert backend.refused(operation, **params).code == "AccessDeniedException"
    backend.call("EnableAWSServiceAccess", ServicePrincipal=SERVICE)
    backend.call("PutAccountName", **rename)
    backend.call("DisableAWSServiceAccess", ServicePrincipal=SERVICE)
    assert backend.refused("PutAccountName", **rename).code == "AccessDeniedException"


def test_refused_callers_and_accounts(backend: Any, account: str) -> None:
    """Its own id from the management account, strangers, members, closed accounts."""
    other = backend.create_account("other")
    for caller, target in (
        ("111111111111", "111111111111"),
        ("111111111111", "999999999999"),
        (account, other),
        (account, account),
        ("333333333333", account),
    ):
        refused = backend.refused(
            "PutAccountName", account=caller, AccountId=target, AccountName="Mine"
        )
        assert refused.code == "AccessDeniedException", (caller, target)
    backend.call("CloseAccount", AccountId=other)
    refused = backend.refused("PutAccountName", AccountId=other, AccountName="Closed")
    assert refused.code == "AccessDeniedException"


@pytest.mark.parametrize("name", ["", "a<b", "a>b", "é", "x" * 51, None, 7])
def test_refused_names(backend: Any, account: str, name: object) -> None:
    """The model's form, which takes less than CreateAccount."""
    refused = backend.refused("PutAccountName", AccountId=account, AccountName=name)
    assert refused.code == "ValidationException"
    assert _name(backend, account) == "audit"


def test_a_refused_account_id(backend: Any, account: str) -> None:
    """Twelve digits."""
    for id in ("12", account + "0", 7):
        refused = backend.refused("PutAccountName", AccountId=id, AccountName="x")
        assert refused.code == "ValidationException"


def test_boto3_renames_an_account(aws: EmbeddedAws) -> None:
    """Over HTTP: typed answers and errors, and the rest of the service as it was."""
    organizations = aws.client("organizations")
    organizations.create_organization()
    client = aws.client("account")
    client.put_account_name(AccountName="Company")
    assert client.get_account_information()["AccountName"] == "Company"
    assert organizations.list_accounts()["Accounts"][0]["Name"] == "Company"
    with pytest.raises(client.exceptions.AccessDeniedException) as denied:
        client.put_account_name(AccountId=MEMBER, AccountName="x")
    assert denied.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    unchecked = _unchecked(aws)
    with pytest.raises(unchecked.exceptions.ValidationException):
        unchecked.put_account_name(AccountName="a<b")
    assert client.list_regions()["Regions"]
    assert [call["operation"] for call in aws.calls() if not call["read"]] == [
        "CreateOrganization",
        "PutAccountName",
        "PutAccountName",
        "PutAccountName",
    ]


def _unchecked(aws: EmbeddedAws) -> Any:
    import boto3

    return boto3.client(
        "account",
        endpoint_url=aws.endpoint,
        region_name=aws.region,
        aws_access_key_id=aws.account_id,
        aws_secret_access_key="rehearsal",  # noqa: S106
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def test_contacts_fail_as_they_are_told_to(aws: EmbeddedAws) -> None:
    """With the errors of their own service, before or after they take effect."""
    client = aws.client("account")
    contact = {
        "AlternateContactType": "SECURITY",
        "Name": "Security",
        "Title": "Team",
        "EmailAddress": "security@corp.com",
        "PhoneNumber": "+1 555 0100",
    }
    aws.inject(
        "PutAlternateContact:1:TooManyRequestsException",
        "PutAlternateContact:2:InternalServerException:after",
    )
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.put_alternate_contact(**contact)
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        client.get_alternate_contact(AlternateContactType="SECURITY")
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(client.exceptions.InternalServerException):
        client.put_alternate_contact(**contact)
    got = client.get_alternate_contact(AlternateContactType="SECURITY")["AlternateContact"]
    assert got == contact
    with pytest.raises(FaultError, match="PutAlternateContact never answers 'ResourceNotFound"):
        aws.inject("PutAlternateContact:1:ResourceNotFoundException")
