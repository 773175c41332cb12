"""OUs and accounts: creation, movement, closing, tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

MANAGEMENT = "111111111111"


class TestUnits:
    """Organizational units."""

    def test_a_unit_has_a_path(self, backend: Any) -> None:
        """The path goes from the organization through the root to the OU."""
        root = backend.create_organization()
        workloads = backend.create_unit(root, "Workloads")
        production = backend.create_unit(workloads, "Production")
        unit = backend.call("DescribeOrganizationalUnit", OrganizationalUnitId=production)
        organization = backend.call("DescribeOrganization")["Organization"]["Id"]
        assert unit["OrganizationalUnit"]["Path"] == (
            f"{organization}/{root}/{workloads}/{production}/"
        )
        parents = backend.call("ListParents", ChildId=production)["Parents"]
        assert parents == [{"Id": workloads, "Type": "ORGANIZATIONAL_UNIT"}]
        assert backend.call("ListParents", ChildId=workloads)["Parents"] == [
            {"Id": root, "Type": "ROOT"}
        ]

    def test_names_are_unique_under_one_parent_only(self, backend: Any) -> None:
        """On creation and on renaming; another parent may have the same name."""
        root = backend.create_organization()
        one, two = backend.create_unit(root, "one"), backend.create_unit(root, "two")
        backend.create_unit(one, "one")
        duplicate = "DuplicateOrganizationalUnitException"
        error = backend.refused("CreateOrganizationalUnit", ParentId=root, Name="one")
        assert error.code == duplicate
        error = backend.refused("UpdateOrganizationalUnit", OrganizationalUnitId=two, Name="one")
        assert error.code == duplicate
        backend.call("UpdateOrganizationalUnit", OrganizationalUnitId=two, Name="two")
        backend.call("UpdateOrganizationalUnit", OrganizationalUnitId=two, Name="three")
        units = backend.call("ListOrganizationalUnitsForParent", ParentId=root)
        assert [unit["Name"] for unit in units["OrganizationalUnits"]] == ["one", "three"]

    def test_depth_is_limited(self, backend: Any) -> None:
        """Five levels below the root, no sixth."""
        parent = backend.create_organization()
        for level in range(5):
            parent = backend.create_unit(parent, f"level-{level}")
        error = backend.refused("CreateOrganizationalUnit", ParentId=parent, Name="level-6")
        assert (error.code, error.reason) == (
            "ConstraintViolationException",
            "OU_DEPTH_LIMIT_EXCEEDED",
        )

    def test_number_is_limited_by_an_adjustable_quota(
        self, make_backend: Callable[..., Any]
    ) -> None:
        """The quota of the settings counts."""
        backend = make_backend(quotas={"organizational_units": 1})
        root = backend.create_organization()
        backend.create_unit(root, "one")
        error = backend.refused("CreateOrganizationalUnit", ParentId=root, Name="two")
        assert error.reason == "OU_NUMBER_LIMIT_EXCEEDED"

    @pytest.mark.parametrize("holds", ["unit", "account"])
    def test_a_unit_that_is_not_empty_is_not_deleted(self, backend: Any, holds: str) -> None:
        """Child OUs and accounts, closed ones too, keep it."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        if holds == "unit":
            backend.create_unit(unit, "y")
        else:
            account = backend.create_account()
            backend.call(
                "MoveAccount", AccountId=account, SourceParentId=root, DestinationParentId=unit
            )
            backend.call("CloseAccount", AccountId=account)
        error = backend.refused("DeleteOrganizationalUnit", OrganizationalUnitId=unit)
        assert error.code == "OrganizationalUnitNotEmptyException"

    def test_an_empty_unit_is_deleted(self, backend: Any) -> None:
        """It cannot be found afterwards, nor anything attached to it."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        policy = backend.create_policy()
        backend.call("AttachPolicy", PolicyId=policy, TargetId=unit)
        backend.call("DeleteOrganizationalUnit", OrganizationalUnitId=unit)
        error = backend.refused("DescribeOrganizationalUnit", OrganizationalUnitId=unit)
        assert error.code == "OrganizationalUnitNotFoundException"
        assert backend.call("ListTargetsForPolicy", PolicyId=policy)["Targets"] == []

    def test_an_unknown_parent_is_refused(self, backend: Any) -> None:
        """By everything that takes one."""
        backend.create_organization()
        for operation, params in (
            ("CreateOrganizationalUnit", {"Name": "x"}),
            ("ListOrganizationalUnitsForParent", {}),
            ("ListAccountsForParent", {}),
            ("ListChildren", {"ChildType": "ACCOUNT"}),
        ):
            error = backend.refused(operation, ParentId="ou-none-12345678", **params)
            assert error.code == "ParentNotFoundException"
        assert backend.refused("ListParents", ChildId="333333333333").code == (
            "ChildNotFoundException"
        )


class TestAccounts:
    """Accounts."""

    def test_creation_takes_its_time(self, backend: Any) -> None:
        """IN_PROGRESS first; the account exists when the clock says so, in the root."""
        root = backend.create_organization()
        params = {"AccountName": "audit", "Email": "audit@corp.com"}
        started = backend.call("CreateAccount", **params)["CreateAccountStatus"]
        assert started["State"] == "IN_PROGRESS"
        assert "AccountId" not in started
        assert len(backend.call("ListAccounts")["Accounts"]) == 1
        backend.service.clock.advance(60)
        done = backend.call("DescribeCreateAccountStatus", CreateAccountRequestId=started["Id"])
        status = done["CreateAccountStatus"]
        assert status["State"] == "SUCCEEDED"
        account = backend.call("DescribeAccount", AccountId=status["AccountId"])["Account"]
        assert (account["Name"], account["Email"], account["JoinedMethod"]) == (
            "audit",
            "audit@corp.com",
            "CREATED",
        )
        assert backend.call("ListParents", ChildId=account["Id"])["Parents"][0]["Id"] == root
        listed = backend.call("ListCreateAccountStatus", States=["SUCCEEDED"])
        assert listed["CreateAccountStatuses"] == [status]

    def test_a_taken_address_fails_afterwards(self, backend: Any) -> None:
        """AWS accepts the request and fails it later, also for another spelling of the address."""
        backend.create_organization()
        backend.create_account("audit")
        request = backend.call("CreateAccount", AccountName="x", Email="Audit@corp.com")
        backend.service.clock.advance(60)
        status = backend.call(
            "DescribeCreateAccountStatus",
            CreateAccountRequestId=request["CreateAccountStatus"]["Id"],
        )["CreateAccountStatus"]
        assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")

    def test_the_end_of_a_creation_is_in_the_call_log(self, backend: Any) -> None:
        """As CloudTrail reports it: an event of the service, at the time it happened."""
        backend.create_organization()
        account = backend.create_account()
        (event,) = [
            entry
            for entry in backend.service.calls()
            if entry["caller"] == "organizations.amazonaws.com"
        ]
        assert event["operation"] == "CreateAccountResult"
        assert event["result"]["CreateAccountStatus"]["AccountId"] == account

    def test_number_is_limited(self, make_backend: Callable[..., Any]) -> None:
        """Accounts in creation and closed ones count."""
        backend = make_backend(quotas={"accounts": 3})
        backend.create_organization()
        backend.call("CloseAccount", AccountId=backend.create_account("one"))
        backend.call("CreateAccount", AccountName="two", Email="two@corp.com")
        error = backend.refused("CreateAccount", AccountName="three", Email="three@corp.com")
        assert error.reason == "ACCOUNT_NUMBER_LIMIT_EXCEEDED"

    def test_creations_at_once_are_limited(self, backend: Any) -> None:
        """Five; a sixth must wait."""
        backend.create_organization()
        for number in range(5):
            backend.call("CreateAccount", AccountName=f"a{number}", Email=f"a{number}@corp.com")
        sixth = {"AccountName": "a5", "Email": "a5@corp.com"}
        error = backend.refused("CreateAccount", **sixth)
        assert error.reason == "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED"
        backend.service.clock.advance(60)
        backend.call("CreateAccount", **sixth)

    def test_moves_are_checked(self, backend: Any) -> None:
        """Source and destination must exist, the account must be in the one and not the other."""
        root = backend.create_organization()
        one, two = backend.create_unit(root, "one"), backend.create_unit(root, "two")
        account = backend.create_account()

        def move(source: str, destination: str, account_id: str = account) -> dict[str, str]:
            return {
                "AccountId": account_id,
                "SourceParentId": source,
                "DestinationParentId": destination,
            }

        nowhere = "ou-none-12345678"
        for params, code in (
            (move(root, one, "333333333333"), "AccountNotFoundException"),
            (move(one, two), "SourceParentNotFoundException"),
            (move(nowhere, two), "SourceParentNotFoundException"),
            (move(root, nowhere), "DestinationParentNotFoundException"),
            (move(root, root), "DuplicateAccountException"),
        ):
            assert backend.refused("MoveAccount", **params).code == code
        backend.call("MoveAccount", **move(root, one))
        moved = backend.call("ListAccountsForParent", ParentId=one)["Accounts"]
        assert [entry["Id"] for entry in moved] == [account]
        assert moved[0]["Paths"][0].endswith(f"{root}/{one}/{account}/")

    def test_a_closed_account_is_suspended(self, backend: Any) -> None:
        """It stays where it is, and cannot be closed twice."""
        backend.create_organization()
        account = backend.create_account()
        backend.call("CloseAccount", AccountId=account)
        closing = backend.call("DescribeAccount", AccountId=account)["Account"]
        assert (closing["State"], closing["Status"]) == ("PENDING_CLOSURE", "PENDING_CLOSURE")
        assert backend.refused("CloseAccount", AccountId=account).code == "ConflictException"
        backend.service.clock.advance(60)
        closed = backend.call("DescribeAccount", AccountId=account)["Account"]
        assert (closed["State"], closed["Status"]) == ("CLOSED", "SUSPENDED")
        assert backend.refused("CloseAccount", AccountId=account).code == (
            "AccountAlreadyClosedException"
        )

    def test_the_management_account_is_not_closed(self, backend: Any) -> None:
        """AWS has a reason of its own for it."""
        backend.create_organization()
        error = backend.refused("CloseAccount", AccountId=MANAGEMENT)
        assert error.reason == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"


class TestTags:
    """Tags."""

    def test_root_units_accounts_and_policies_have_tags(self, backend: Any) -> None:
        """Set at creation or later, changed, removed."""
        root = backend.create_organization()
        unit = backend.create_unit(root, "x")
        account = backend.create_account(Tags=[{"Key": "team", "Value": "audit"}])
        for resource in (root, unit, account, backend.create_policy()):
            backend.call(
                "TagResource",
                ResourceId=resource,
                Tags=[{"Key": "owner", "Value": "me"}, {"Key": "team", "Value": "core"}],
            )
            backend.call("UntagResource", ResourceId=resource, TagKeys=["owner", "absent"])
            tags = backend.call("ListTagsForResource", ResourceId=resource)["Tags"]
            assert tags == [{"Key": "team", "Value": "core"}]

    @pytest.mark.parametrize(
        ("tags", "reason"),
        [
            ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "DUPLICATE_TAG_KEY"),
            ([{"Key": "aws:x", "Value": "1"}], "INVALID_SYSTEM_TAGS_PARAMETER"),
            ([{"Key": "", "Value": "1"}], "MIN_LENGTH_EXCEEDED"),
            ([{"Key": "a", "Value": "x" * 257}], "MAX_LENGTH_EXCEEDED"),
            ([{"Key": "a", "Value": "<b>"}], "INVALID_PATTERN"),
            ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "MAX_TAG_LIMIT_EXCEEDED"),
        ],
    )
    def test_bad_tags_are_refused(
        self, backend: Any, tags: list[dict[str, str]], reason: str
    ) -> None:
        """Wherever they are given."""
        root = backend.create_organization()
        assert backend.refused("TagResource", ResourceId=root, Tags=tags).reason == reason
        error = backend.refused("CreateOrganizationalUnit", ParentId=root, Name="x", Tags=tags)
        assert error.reason == reason

    def test_unknown_resources_have_none(self, backend: Any) -> None:
        """Nor has a policy of AWS's."""
        backend.create_organization()
        for resource in ("333333333333", "p-FullAWSAccess"):
            error = backend.refused("ListTagsForResource", ResourceId=resource)
            assert error.code == "TargetNotFoundException"
