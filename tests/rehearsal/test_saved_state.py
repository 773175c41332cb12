"""State saved and taken over, and organizations made from snapshots."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

MANAGEMENT = "111111111111"
OUTSIDER = "222222222222"
SCP = "SERVICE_CONTROL_POLICY"
DELEGATION = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"222222222222"},'
    '"Action":"organizations:ListRoots","Resource":"*"}}'
)
SNAPSHOT: dict[str, Any] = {
    "version": 1,
    "organization_id": "o-0123456789",
    "root_id": "r-abcd",
    "management_account_id": MANAGEMENT,
    "feature_set": "ALL",
    "policy_types": {SCP: "ENABLED", "SECURITYHUB_POLICY": "ENABLED"},
    "organizational_units": [
        {"id": "ou-abcd-11111111", "name": "Prod", "parent_id": "r-abcd", "tags": {"a": "b"}},
        {"id": "ou-abcd-22222222", "name": "Web", "parent_id": "ou-abcd-11111111"},
    ],
    "accounts": [
        {
            "id": MANAGEMENT,
            "name": "Payer",
            "email": "payer@corp.com",
            "parent_id": "r-abcd",
            "state": "ACTIVE",
            "joined_method": "INVITED",
        },
        {
            "id": "333333333333",
            "name": "web",
            "email": "web@corp.com",
            "parent_id": "ou-abcd-22222222",
            "state": "ACTIVE",
            "joined_method": "CREATED",
        },
        {
            "id": "444444444444",
            "name": "old",
            "email": "old@corp.com",
            "parent_id": "r-abcd",
            "state": "SUSPENDED",
            "joined_method": "CREATED",
        },
    ],
    "policies": [
        {
            "id": "p-12345678",
            "name": "deny",
            "type": SCP,
            "description": "",
            "content": "{}",
            "aws_managed": False,
            "targets": ["ou-abcd-22222222"],
        },
        {
            "id": "p-FullAWSAccess",
            "name": "FullAWSAccess",
            "type": SCP,
            "description": "Allows access to every operation",
            "content": "{}",
            "aws_managed": True,
            "targets": ["r-abcd", "ou-abcd-11111111", "ou-abcd-22222222", MANAGEMENT],
        },
    ],
    "delegated_administrators": {"guardduty.amazonaws.com": ["333333333333"]},
    "resource_policy": '{"Version":"2012-10-17","Statement":[]}',
}


def change_everything(backend: Any) -> None:
    """Make something of every kind that state has."""
    root = backend.create_organization()
    backend.create_account()
    backend.call("AttachPolicy", PolicyId=backend.create_policy(), TargetId=root)
    backend.enable(root, "TAG_POLICY")
    tags = backend.create_policy(
        "tags", "TAG_POLICY", '{"tags":{"a":{"tag_key":{"@@assign":"a"}}}}'
    )
    backend.call("AttachPolicy", PolicyId=tags, TargetId=root)
    backend.call("EnableAWSServiceAccess", ServicePrincipal="ram.amazonaws.com")
    backend.call("PutResourcePolicy", Content=DELEGATION)
    backend.call("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": OUTSIDER})
    backend.call("CreateAccount", AccountName="late", Email="late@corp.com")


class TestSavedState:
    """`save` and `load`."""

    def test_it_is_the_same_after_a_round_trip(
        self, backend: Any, make_backend: Callable[..., Any]
    ) -> None:
        """Through JSON text, with something of every kind in it."""
        change_everything(backend)
        saved = backend.service.save()
        other = make_backend(seed=7)
        other.service.load(json.loads(json.dumps(saved)))
        assert other.service.save() == saved
        organization = next(iter(saved["world"]["organizations"].values()))
        assert [creation["state"] for creation in organization["creations"].values()] == [
            "SUCCEEDED",
            "IN_PROGRESS",
        ]

    def test_ids_and_time_go_on(self, backend: Any, make_backend: Callable[..., Any]) -> None:
        """The copy does the same as the original."""
        change_everything(backend)
        saved = backend.service.save()
        other = make_backend(seed=7)
        other.service.load(saved)
        root = backend.call("ListRoots")["Roots"][0]["Id"]
        assert backend.create_unit(root, "x") == other.create_unit(root, "x")
        assert backend.create_account("y") == other.create_account("y")
        assert backend.service.save() == other.service.save()

    @pytest.mark.parametrize("document", [{}, {"format": 1}, {"format": 1, "world": {"a": 1}}])
    def test_something_else_is_refused(self, backend: Any, document: dict[str, Any]) -> None:
        """And changes nothing."""
        root = backend.create_organization()
        with pytest.raises(ValueError, match="save it anew"):
            backend.service.load(document)
        assert backend.call("ListRoots")["Roots"][0]["Id"] == root


class TestSnapshots:
    """`seed_from`."""

    def test_the_copy_answers_as_the_live_one(self, backend: Any) -> None:
        """Tree, accounts, attachments, tags, delegations."""
        backend.service.seed_from(SNAPSHOT)
        described = backend.call("DescribeOrganization")["Organization"]
        assert (described["Id"], described["MasterAccountEmail"]) == (
            "o-0123456789",
            "payer@corp.com",
        )
        web = backend.call("DescribeAccount", AccountId="333333333333")["Account"]
        assert web["Paths"] == [
            "o-0123456789/r-abcd/ou-abcd-11111111/ou-abcd-22222222/333333333333/"
        ]
        assert backend.attached("ou-abcd-22222222") == ["deny", "FullAWSAccess"]
        tags = backend.call("ListTagsForResource", ResourceId="ou-abcd-11111111")["Tags"]
        assert tags == [{"Key": "a", "Value": "b"}]
        assert len(backend.call("ListAccounts", account="333333333333")["Accounts"]) == 3
        services = backend.call("ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"]
        assert [service["ServicePrincipal"] for service in services] == [
            "guardduty.amazonaws.com",
            "securityhub.amazonaws.com",
        ]
        assert backend.call("DescribeResourcePolicy")["ResourcePolicy"]["Content"].startswith("{")
        error = backend.refused("CloseAccount", AccountId="444444444444")
        assert error.code == "AccountAlreadyClosedException"
        backend.call("RemoveAccountFromOrganization", AccountId="444444444444")

    @pytest.mark.parametrize(
        ("state", "status", "later"),
        [
            ("PENDING_ACTIVATION", "ACTIVE", "PENDING_ACTIVATION"),
            ("PENDING_CLOSURE", "PENDING_CLOSURE", "CLOSED"),
            ("CLOSED", "SUSPENDED", "CLOSED"),
        ],
    )
    def test_accounts_go_on_from_their_state(
        self, backend: Any, state: str, status: str, later: str
    ) -> None:
        """One that is being closed will be closed."""
        snapshot = copy.deepcopy(SNAPSHOT)
        snapshot["accounts"][2]["state"] = state
        backend.service.seed_from(snapshot)
        old = backend.call("DescribeAccount", AccountId="444444444444")["Account"]
        assert (old["State"], old["Status"]) == (state, status)
        backend.service.clock.advance(60)
        old = backend.call("DescribeAccount", AccountId="444444444444")["Account"]
        assert old["State"] == later

    def test_fails_for_a_state_that_aws_does_not_have(self, backend: Any) -> None:
        """It is named, with those that there are."""
        snapshot = copy.deepcopy(SNAPSHOT)
        snapshot["accounts"][2]["state"] = "?"
        with pytest.raises(ValueError, match=r"the state '\?'; give one of PENDING_ACTIVATION"):
            backend.service.seed_from(snapshot)

    def test_a_copy_can_be_saved(self, backend: Any, make_backend: Callable[..., Any]) -> None:
        """And loaded."""
        backend.service.seed_from(SNAPSHOT)
        other = make_backend()
        other.service.load(backend.service.save())
        assert other.attached("ou-abcd-22222222") == ["deny", "FullAWSAccess"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"version": 2}, "version 2"),
            ({"accounts": []}, "lacks the management account"),
            ({"policies": [{}]}, "incomplete"),
            ({"root_id": "r-other"}, "puts 'ou-abcd-11111111' in 'r-abcd'"),
            ({"organizational_units": []}, "puts '333333333333'"),
        ],
    )
    def test_fails_for_a_snapshot_that_is_none(
        self, backend: Any, change: dict[str, Any], message: str
    ) -> None:
        """What is wrong is named."""
        with pytest.raises(ValueError, match=message):
            backend.service.seed_from({**SNAPSHOT, **change})

    def test_fails_for_a_circle_or_an_unknown_target(self, backend: Any) -> None:
        """Neither of which a live organization has."""
        circle = copy.deepcopy(SNAPSHOT)
        circle["organizational_units"][0]["parent_id"] = "ou-abcd-22222222"
        with pytest.raises(ValueError, match="below itself"):
            backend.service.seed_from(circle)
        target = copy.deepcopy(SNAPSHOT)
        target["policies"][0]["targets"] = ["ou-abcd-99999999"]
        with pytest.raises(ValueError, match="attaches a policy to 'ou-abcd-99999999'"):
            backend.service.seed_from(target)

    def test_an_account_seen_before_is_a_member_then(self, backend: Any) -> None:
        """It has the name of the snapshot."""
        backend.call("ListHandshakesForAccount", account="333333333333")
        backend.service.seed_from(SNAPSHOT)
        described = backend.call("DescribeAccount", AccountId="333333333333")["Account"]
        assert described["Name"] == "web"
        assert backend.service.save()["world"]["outsiders"] == {}

    def test_fails_when_an_account_exists_already(self, backend: Any) -> None:
        """Nothing is mixed."""
        backend.create_organization()
        with pytest.raises(ValueError, match=f"'{MANAGEMENT}' of the snapshot exists"):
            backend.service.seed_from(SNAPSHOT)
