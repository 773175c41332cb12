"""The organization, its root and who may call what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from org_constructs.rehearsal.backend import OPERATIONS, NotRehearsedError

MANAGEMENT = "111111111111"
OTHER = "222222222222"


def test_there_is_no_organization_until_one_is_created(backend: Any) -> None:
    """Every call but CreateOrganization is refused before."""
    assert backend.refused("ListRoots").code == "AWSOrganizationsNotInUseException"
    assert backend.refused("DescribeOrganization").code == "AWSOrganizationsNotInUseException"


def test_an_organization_is_created_once(backend: Any) -> None:
    """A member of an organization cannot create another."""
    created = backend.call("CreateOrganization")["Organization"]
    assert created["FeatureSet"] == "ALL"
    assert created["MasterAccountId"] == MANAGEMENT
    assert backend.refused("CreateOrganization").code == "AlreadyInOrganizationException"


def test_the_management_account_is_in_the_root(backend: Any) -> None:
    """It is a member like others, with a path."""
    root = backend.create_organization()
    (account,) = backend.call("ListAccountsForParent", ParentId=root)["Accounts"]
    organization = backend.call("DescribeOrganization")["Organization"]["Id"]
    assert account["Id"] == MANAGEMENT
    assert account["State"] == account["Status"] == "ACTIVE"
    assert account["Paths"] == [f"{organization}/{root}/{MANAGEMENT}/"]


def test_policy_types_are_off_at_birth(backend: Any) -> None:
    """A new organization has no policy type on."""
    backend.create_organization(policy_type=None)
    assert backend.call("ListRoots")["Roots"][0]["PolicyTypes"] == []


def test_scps_at_birth_are_a_setting(make_backend: Callable[..., Any]) -> None:
    """The documentation's reading, in which SCPs are on, can be rehearsed too."""
    backend = make_backend(service_control_policies_at_birth=True)
    root = backend.create_organization(policy_type=None)
    assert backend.attached(root) == ["FullAWSAccess"]


def test_one_organization_is_seen_from_its_members(backend: Any) -> None:
    """A member sees the organization that it belongs to, and may change nothing."""
    root = backend.create_organization()
    member = backend.create_account()
    seen = backend.call("DescribeOrganization", account=member)["Organization"]
    assert seen == backend.call("DescribeOrganization")["Organization"]
    for operation, params in (
        ("ListAccounts", {}),
        ("CreateOrganizationalUnit", {"ParentId": root, "Name": "x"}),
        ("CloseAccount", {"AccountId": member}),
    ):
        error = backend.refused(operation, account=member, **params)
        assert error.code == "AccessDeniedException"
    assert backend.refused("CreateOrganization", account=member).code == (
        "AlreadyInOrganizationException"
    )


def test_two_organizations_do_not_see_each_other(backend: Any) -> None:
    """Each management account has its own."""
    root = backend.create_organization()
    backend.call("CreateOrganization", account=OTHER)
    assert backend.call("ListRoots", account=OTHER)["Roots"][0]["Id"] != root
    error = backend.refused("CreateOrganizationalUnit", account=OTHER, ParentId=root, Name="x")
    assert error.code == "ParentNotFoundException"


@pytest.mark.parametrize("leaves", ["account", "unit", "policy"])
def test_an_organization_with_something_in_it_is_not_deleted(backend: Any, leaves: str) -> None:
    """Accounts, OUs and policies each keep it alive."""
    root = backend.create_organization()
    if leaves == "account":
        backend.create_account()
    elif leaves == "unit":
        backend.create_unit(root, "x")
    else:
        backend.create_policy()
    assert backend.refused("DeleteOrganization").code == "OrganizationNotEmptyException"


def test_an_empty_organization_is_deleted(backend: Any) -> None:
    """Afterwards the account is in none."""
    backend.create_organization()
    backend.call("DeleteOrganization")
    assert backend.refused("ListRoots").code == "AWSOrganizationsNotInUseException"


def test_an_operation_that_is_not_rehearsed_says_so(backend: Any) -> None:
    """The error names the operation, so that nobody takes it for AWS's answer."""
    backend.create_organization()
    error = backend.refused("CreateGovCloudAccount")
    assert isinstance(error, NotRehearsedError)
    assert "CreateGovCloudAccount is not rehearsed" in error.message


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_required_parameters_are_those_of_the_api(backend: Any, operation: str) -> None:
    """Each operation refuses the call that lacks what the API's model requires."""
    from botocore.session import get_session

    model = get_session().get_service_model("organizations").operation_model(operation)
    required = model.input_shape.required_members if model.input_shape else []
    backend.create_organization()
    if required:
        error = backend.refused(operation)
        assert (error.code, error.reason) == ("InvalidInputException", "INPUT_REQUIRED")


@pytest.mark.parametrize(
    ("operation", "params", "reason"),
    [
        ("DescribeAccount", {"AccountId": "12"}, "INVALID_PATTERN"),
        ("DescribeAccount", {"AccountId": 111111111111}, "INVALID_PATTERN"),
        ("ListPolicies", {"Filter": "SCP"}, "INVALID_ENUM_POLICY_TYPE"),
        ("CreateOrganization", {"FeatureSet": "SOME"}, "INVALID_ENUM"),
        ("CreateAccount", {"AccountName": "x" * 51, "Email": "a@b.com"}, "MAX_LENGTH_EXCEEDED"),
        ("CreateAccount", {"AccountName": "x", "Email": "a@b"}, "MIN_LENGTH_EXCEEDED"),
        ("CreateAccount", {"AccountName": "ä", "Email": "a@b.com"}, "INVALID_PATTERN"),
        ("ListAccounts", {"MaxResults": 21}, "MAX_VALUE_EXCEEDED"),
        ("ListAccounts", {"MaxResults": 0}, "MIN_VALUE_EXCEEDED"),
        ("ListAccounts", {"NextToken": "made up"}, "INVALID_NEXT_TOKEN"),
    ],
)
def test_malformed_parameters_are_refused(
    backend: Any, operation: str, params: dict[str, Any], reason: str
) -> None:
    """With the reason that the API's model has for it."""
    backend.create_organization()
    error = backend.refused(operation, **params)
    assert (error.code, error.reason) == ("InvalidInputException", reason)


def test_lists_come_in_pages_of_twenty(make_backend: Callable[..., Any]) -> None:
    """A token leads to the next page, the last page has none."""
    backend = make_backend(quotas={"accounts": 50})
    root = backend.create_organization()
    for number in range(21):
        backend.create_unit(root, f"unit-{number}")
    first = backend.call("ListOrganizationalUnitsForParent", ParentId=root)
    assert len(first["OrganizationalUnits"]) == 20
    second = backend.call(
        "ListOrganizationalUnitsForParent", ParentId=root, NextToken=first["NextToken"]
    )
    assert [unit["Name"] for unit in second["OrganizationalUnits"]] == ["unit-20"]
    assert "NextToken" not in second
    children = backend.call(
        "ListChildren", ParentId=root, ChildType="ORGANIZATIONAL_UNIT", MaxResults=5
    )
    assert len(children["Children"]) == 5


def test_the_same_calls_give_the_same_ids(make_backend: Callable[..., Any]) -> None:
    """Ids depend on the seed and on the calls, on nothing else; a reset starts over."""
    one, two, other = make_backend(), make_backend(), make_backend(seed=2)
    roots = [backend.create_organization() for backend in (one, two, other)]
    assert roots[0] == roots[1] != roots[2]
    one.service.reset()
    assert one.create_organization() == roots[0]


def test_the_call_log_has_every_call(backend: Any) -> None:
    """Reads and refusals included; results of writes; numbers without gaps."""
    root = backend.create_organization(policy_type=None)
    backend.refused("CreateOrganizationalUnit", ParentId=root, Name="")
    created, read, refused = backend.service.calls()
    assert [entry["n"] for entry in (created, read, refused)] == [1, 2, 3]
    assert created["operation"] == "CreateOrganization"
    assert created["caller"] == MANAGEMENT
    assert created["result"]["Organization"]["MasterAccountId"] == MANAGEMENT
    assert not created["read"]
    assert (read["read"], read["result"]) == (True, None)
    assert refused["params"] == {"ParentId": root, "Name": ""}
    assert refused["error"]["code"] == "InvalidInputException"
    assert refused["error"]["reason"] == "MIN_LENGTH_EXCEEDED"
    assert backend.service.calls(since=2) == [refused]


def test_the_call_log_cannot_be_changed_through_what_it_gave(backend: Any) -> None:
    """Callers get copies, and parameters are kept as they were."""
    params: dict[str, Any] = {"Tags": []}
    backend.service.call("CreateOrganization", params, MANAGEMENT)
    params["Tags"].append("later")
    backend.service.calls()[0]["operation"] = "nothing"
    (entry,) = backend.service.calls()
    assert entry["operation"] == "CreateOrganization"
    assert entry["params"] == {"Tags": []}
