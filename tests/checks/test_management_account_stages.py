"""The management account runs no workloads, whichever Stage of the app deploys them."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    codes,
    organization_of,
    refusal,
    refusals,
    root_of,
)

from org_constructs import PolicyType

OTHER = "135792468024"
MEMBER = "975318642024"


def _stack(scope: Any, id: str, account: str | None = MANAGEMENT_ACCOUNT) -> cdk.Stack:
    env = cdk.Environment(account=account, region="us-east-1") if account else None
    return cdk.Stack(scope, id, env=env)


def _bucket(scope: Any, account: str | None = MANAGEMENT_ACCOUNT, id: str = "Data") -> None:
    bucket = s3.CfnBucket(_stack(scope, id, account), "Bucket")
    bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)


def _organization(
    scope: Any, account: str = MANAGEMENT_ACCOUNT, id: str = "Org", **more: Any
) -> None:
    root_of(
        _stack(scope, id, account), management_account_id=account, **more
    ).add_organizational_unit("Unit")


@pytest.mark.parametrize(
    ("home", "work", "path"),
    [
        ("", "Work", "Work/Data/Bucket"),
        ("Org", "", "Data/Bucket"),
        ("Org", "Work", "Work/Data/Bucket"),
        ("Org", "Org", "Org/Data/Bucket"),
    ],
)
def test_fails_for_a_workload_in_another_stage(
    new_app: NewApp, home: str, work: str, path: str
) -> None:
    """A workload of the management account is refused once, wherever in the app it is declared."""
    app = new_app()
    stages = {id: cdk.Stage(app, id) if id else app for id in {home, work}}
    _organization(stages[home])
    _bucket(stages[work])
    found = refusal(app, "ORG106")
    assert found.construct == path
    assert f"AWS::S3::Bucket '{path}' does not manage the organization" in found.message


def test_workloads_before_and_after_the_organization(new_app: NewApp) -> None:
    """Every Stage is looked at, nested ones too, and each workload is named once."""
    app = new_app()
    for id in ("A", "Z"):
        _bucket(cdk.Stage(app, id))
    _bucket(cdk.Stage(cdk.Stage(app, "Outer"), "Inner"))
    _organization(cdk.Stage(app, "Org"))
    _organization(cdk.Stage(app, "Second"))
    assert sorted(f.construct for f in refusals(app)) == [
        "A/Data/Bucket",
        "Outer/Inner/Data/Bucket",
        "Z/Data/Bucket",
    ]


@pytest.mark.parametrize("account", [MEMBER, None], ids=["member", "unknown"])
def test_workloads_of_other_accounts(new_app: NewApp, account: str | None) -> None:
    """A member account runs what it likes; a stack that goes wherever it is told is not judged."""
    app = new_app()
    _organization(cdk.Stage(app, "Org"))
    _bucket(cdk.Stage(app, "Work"), account)
    _bucket(app, account)
    assert codes(app) == []


def test_a_workload_in_the_stage_of_another_organization(new_app: NewApp) -> None:
    """What one organization's Stage may hold is no matter of its own management account alone."""
    app = new_app()
    one, two = cdk.Stage(app, "One"), cdk.Stage(app, "Two")
    _organization(one)
    _organization(two, OTHER)
    _bucket(one, OTHER)
    _bucket(two, OTHER)
    assert sorted(f.construct for f in refusals(app)) == ["One/Data/Bucket", "Two/Data/Bucket"]


def test_what_the_library_makes_in_another_stage(new_app: NewApp) -> None:
    """The function that writes settings manages the organization, in whatever Stage."""
    app = new_app()
    for id in ("One", "Two"):
        stage = cdk.Stage(app, id)
        organization = organization_of(_stack(stage, "Org"))
        organization.root.add_organizational_unit("Unit")
        organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    assert codes(app) == []


@pytest.mark.parametrize("key", ["ORG106", "ORG106@Work/Data/Bucket"])
def test_acknowledged_workload_of_another_stage(new_app: NewApp, key: str) -> None:
    """The organization gives the reason, for all or for the path."""
    app = new_app()
    _organization(cdk.Stage(app, "Org"), acknowledge={key: "moves next month"})
    _bucket(cdk.Stage(app, "Work"))
    _bucket(cdk.Stage(app, "More"))
    expected = [] if key == "ORG106" else ["More/Data/Bucket"]
    assert [finding.construct for finding in refusals(app)] == expected
