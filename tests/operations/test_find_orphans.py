"""What is an orphan, and what is refused with the reason."""

from __future__ import annotations

from typing import Any, cast

import pytest

from org_constructs.model import OrganizationModel
from org_constructs.operations.recovery import RecoveryError, find_orphans
from org_constructs.operations.snapshot import take_snapshot
from org_constructs.rehearsal import EmbeddedAws

DENY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
SCP = "SERVICE_CONTROL_POLICY"


class Live:
    """An organization with an account in the root, and an app that declares it in an OU."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.client = aws.client("organizations")
        self.client.create_organization()
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.request = self.create("app@corp.com")
        aws.advance(60)
        (account,) = [
            entry
            for entry in self.client.list_accounts()["Accounts"]
            if entry["Email"] == "app@corp.com"
        ]
        self.account = account["Id"]

    def create(self, email: str) -> str:
        """Ask for an account and return the request."""
        answer = self.client.create_account(AccountName=email.partition("@")[0], Email=email)
        request: str = answer["CreateAccountStatus"]["Id"]
        return request

    def unit(self, name: str) -> str:
        """Create an OU."""
        answer = self.client.create_organizational_unit(ParentId=self.root, Name=name)
        unit: str = answer["OrganizationalUnit"]["Id"]
        return unit

    def find(self, **options: Any) -> list[tuple[str, str]]:
        """Return what is found: kind and id."""
        template = {
            "Resources": {
                "Apps": {
                    "Type": "AWS::Organizations::OrganizationalUnit",
                    "Properties": {"Name": "Apps", "ParentId": self.root},
                },
                "App": {
                    "Type": "AWS::Organizations::Account",
                    "Properties": {
                        "AccountName": "app",
                        "Email": "App@corp.com",
                        "ParentIds": [{"Ref": "Apps"}],
                    },
                },
                "Deny": {
                    "Type": "AWS::Organizations::Policy",
                    "Properties": {"Name": "deny", "Type": SCP, "TargetIds": [{"Ref": "Apps"}]},
                },
            }
        }
        model = OrganizationModel.from_templates({"Org": template})
        orphans = find_orphans(model, cast("Any", self.aws), **options)
        return [(orphan.kind, orphan.id) for orphan in orphans]


@pytest.fixture
def live(served: EmbeddedAws) -> Live:
    """The organization, made anew."""
    served.reset()
    return Live(served)


def test_by_address_by_request_and_by_itself(live: Live) -> None:
    """All three find the account; case of the address makes no difference."""
    expected = [("account", live.account)]
    assert live.find() == expected
    assert live.find(email="APP@corp.com") == expected
    assert live.find(request_id=live.request) == expected


def test_an_ou_and_a_policy(live: Live) -> None:
    """Of the declared name in the declared place; parents come first."""
    unit = live.unit("Apps")
    live.client.enable_policy_type(RootId=live.root, PolicyType=SCP)
    live.aws.advance(60)
    policy = live.client.create_policy(Name="deny", Type=SCP, Content=DENY, Description="")
    policy_id = policy["Policy"]["PolicySummary"]["Id"]
    live.client.attach_policy(PolicyId=policy_id, TargetId=unit)
    assert live.find() == [("OU", unit), ("policy", policy_id), ("account", live.account)]


def test_an_organization(live: Live) -> None:
    """It was made, and its stack did not learn of it."""
    template = {"Resources": {"Org": {"Type": "AWS::Organizations::Organization"}}}
    model = OrganizationModel.from_templates({"Foundation": template})
    (orphan,) = find_orphans(model, cast("Any", live.aws))
    organization = live.client.describe_organization()["Organization"]["Id"]
    assert (orphan.kind, orphan.id) == ("organization", organization)


def test_before_there_is_an_organization(served: EmbeddedAws) -> None:
    """There is nothing to recover."""
    served.reset()
    with pytest.raises(RecoveryError, match="there is no organization"):
        find_orphans(OrganizationModel.from_templates({}), cast("Any", served))


def test_a_policy_that_binds_something_else(live: Live) -> None:
    """The next deployment would detach it there."""
    live.client.enable_policy_type(RootId=live.root, PolicyType=SCP)
    live.aws.advance(60)
    policy = live.client.create_policy(Name="deny", Type=SCP, Content=DENY, Description="")
    live.client.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=live.root)
    with pytest.raises(RecoveryError, match=f"is attached to {live.root}, which the app does not"):
        live.find()


def test_a_closed_account(live: Live) -> None:
    """CloudFormation imports open accounts only."""
    live.client.close_account(AccountId=live.account)
    with pytest.raises(RecoveryError, match=r"is (PENDING_CLOSURE|CLOSED); .* open accounts"):
        live.find()


def test_an_account_in_another_ou(live: Live) -> None:
    """Somebody has put it there on purpose."""
    elsewhere = live.unit("Elsewhere")
    live.client.move_account(
        AccountId=live.account, SourceParentId=live.root, DestinationParentId=elsewhere
    )
    with pytest.raises(RecoveryError, match=f"is in {elsewhere}, neither in the root nor"):
        live.find()


def test_an_account_in_its_ou(live: Live) -> None:
    """Only the import was missing."""
    unit = live.unit("Apps")
    live.client.move_account(
        AccountId=live.account, SourceParentId=live.root, DestinationParentId=unit
    )
    assert ("account", live.account) in live.find()


def test_a_creation_that_failed(live: Live) -> None:
    """There is nothing to recover, and the reason is named."""
    request = live.create("app@corp.com")
    live.aws.advance(60)
    with pytest.raises(RecoveryError, match=r"failed \(EMAIL_ALREADY_EXISTS\)"):
        live.find(request_id=request)


def test_a_creation_under_way(live: Live) -> None:
    """It has to be waited for."""
    live.aws.inject("CreateAccount:1:SLOW=3600")
    request = live.create("slow@corp.com")
    with pytest.raises(RecoveryError, match="still being created"):
        live.find(request_id=request)


def test_a_snapshot_can_be_seeded(live: Live) -> None:
    """What was read of one organization gives the same when it is read of its copy."""
    live.unit("Apps")
    live.client.enable_policy_type(RootId=live.root, PolicyType=SCP)
    live.aws.advance(60)
    policy = live.client.create_policy(
        Name="deny", Type=SCP, Content=DENY, Description="", Tags=[{"Key": "a", "Value": "b"}]
    )
    live.client.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=live.root)
    taken = take_snapshot(live.client, tags=True, services=True)
    live.aws.reset()
    live.aws.seed_from(taken)
    assert take_snapshot(live.client, tags=True, services=True) == taken
