"""Assertions on organizations: they pass where they hold, and explain where they do not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from org_constructs import Account, Organization, OrgError, Root
from org_constructs.guardrails import (
    DenyCloseAccount,
    DenyLeaveOrganization,
    DenyRootUser,
    ProtectCloudTrail,
    RegionDeny,
)
from org_constructs.testing import OrganizationAssertions

pytest_plugins = ["pytester"]
REGIONS = ["eu-central-1", "eu-west-1"]
BREAK_GLASS = "arn:aws:iam::135792468024:role/BreakGlass"


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> OrganizationAssertions:
    """Return an organization of two stacks, with guardrails on several levels."""
    folder = tmp_path_factory.mktemp("app")
    app = cdk.App(
        outdir=str(folder / "cdk.out"),
        context={"org-constructs:lockFile": str(folder / "lock.json")},
    )
    env = cdk.Environment(account="246813579024", region="us-east-1")
    base = cdk.Stack(app, "Base", env=env)
    created = Organization(base, "Organization")
    teams = cdk.Stack(app, "Teams", env=env)
    root = Root.from_root_id(teams, "Root", created.root.root_id)
    root.attach(DenyLeaveOrganization(), DenyRootUser())
    fence = RegionDeny(allowed_regions=REGIONS, exempt_principals=["arn:*:iam::*:role/BreakGlass"])
    workloads = root.add_organizational_unit("Workloads", guardrails=[fence])
    production = workloads.add_organizational_unit(
        "Production", guardrails=[ProtectCloudTrail(), DenyCloseAccount()]
    )
    production.add_account("payments-prod", email="aws+payments@corp.com")
    root.add_organizational_unit("Sandbox").add_account("Playground", email="aws+play@corp.com")
    Account.from_account_id(teams, "Billing", "135792468013").attach(DenyCloseAccount())
    production.invite_account("Legacy", account_id="135792468014")
    production.invite_account("Bills", account_id="135792468013")
    production.invite_account("Playground", email="play@corp.com")
    return OrganizationAssertions.from_stack(teams)


def _fails(assertion: Callable[[], object], *texts: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assertion()
    for text in texts:
        assert text in str(caught.value)


@pytest.mark.parametrize("name", ["Legacy", "135792468014", "Teams/Invitations/Legacy"])
def test_invited_accounts(organization: OrganizationAssertions, name: str) -> None:
    """They are asserted of as if they had been placed, by whatever they are called."""
    account = organization.account(name)
    assert str(account) == "Legacy"
    account.denies("ec2:RunInstances", region="ap-northeast-1")
    account.denies("cloudtrail:StopLogging")
    account.allows("s3:GetObject", region="eu-west-1")


def test_an_invited_account_has_the_policies_of_its_id(
    organization: OrganizationAssertions,
) -> None:
    """Policies of an account that exists are attached to its id; both are one account."""
    account = organization.account("Bills")
    account.denies("account:CloseAccount")
    assert [level.name for level in account.denies("account:CloseAccount").levels][-1].endswith(
        "Production/Bills"
    )


def test_a_declared_account_is_meant_before_an_invited_one(
    organization: OrganizationAssertions,
) -> None:
    """The name is that of the account; the invitation has its path and its address."""
    assert "Sandbox/Playground" in str(organization.account("Playground"))
    assert str(organization.account("PLAY@corp.com")) == "Playground"


def test_denies(organization: OrganizationAssertions) -> None:
    """A request that is denied passes, and the decision is returned."""
    account = organization.account("payments-prod")
    decision = account.denies("ec2:RunInstances", region="ap-northeast-1")
    assert decision.decided_by[0].sid == "RegionDeny"
    account.denies("s3:PutObject", principal="arn:aws:iam::135792468024:root", region="eu-west-1")
    account.denies("cloudtrail:StopLogging", region="eu-west-1")
    _fails(
        lambda: account.denies("ec2:RunInstances", region="eu-west-1"),
        "account 'Workloads/Production/payments-prod' allows it",
        "at level 4 of 4 'Workloads/Production/payments-prod', statement 1 of policy 'FullAWSAccess' allows it",
    )


def test_allows(organization: OrganizationAssertions) -> None:
    """A request that is left allowed passes; otherwise the text is the explanation."""
    account = organization.account("Workloads/Production/payments-prod")
    account.allows("ec2:RunInstances", region="eu-west-1")
    account.allows("iam:CreateRole", region="us-east-1")
    account.allows("ec2:RunInstances", region="us-east-1", principal=BREAK_GLASS)
    account.allows("s3:GetObject", resource="arn:aws:s3:::logs/x", region="eu-west-1", context={})
    _fails(
        lambda: account.allows("ec2:RunInstances", region="us-east-1"),
        "account 'Workloads/Production/payments-prod' denies it",
        "at level 2 of 4 'Workloads', statement 1 'RegionDeny' of policy '",
        "(guardrail region-deny) denies it",
    )


def test_organizational_units(organization: OrganizationAssertions) -> None:
    """What an OU denies, every account in it is denied."""
    organization.organizational_unit("Workloads/Production").denies("account:CloseAccount")
    unit = organization.organizational_unit("Workloads")
    unit.denies("organizations:LeaveOrganization")
    _fails(lambda: unit.denies("account:CloseAccount", region="eu-west-1"), "level 2 of 2")


def test_accounts_by_id(organization: OrganizationAssertions) -> None:
    """An account that exists, and the management account, are asked for by their ids."""
    organization.account("135792468013").denies("account:CloseAccount")
    organization.account("246813579024").allows("account:CloseAccount")
    _fails(
        lambda: organization.account("246813579024").denies("organizations:LeaveOrganization"),
        "because the account is the management account",
    )


def test_confined_to_regions(organization: OrganizationAssertions) -> None:
    """A Region deny holds for all known actions in all other Regions; its lack is shown."""
    account = organization.account("payments-prod")
    account.is_confined_to_regions(REGIONS)
    account.is_confined_to_regions([*REGIONS, "us-east-1"])
    organization.organizational_unit("Workloads").is_confined_to_regions(REGIONS)
    _fails(
        lambda: account.is_confined_to_regions(["eu-west-1"]),
        "is not confined to eu-west-1: in eu-central-1 it is allowed ",
        "ec2:RunInstances in eu-central-1 is allowed",
    )
    _fails(
        lambda: account.is_confined_to_regions(REGIONS, principal=BREAK_GLASS),
        "in af-south-1, ap-east-1, ",
    )
    _fails(
        lambda: organization.account("Playground").is_confined_to_regions(REGIONS),
        "account 'Sandbox/Playground' is not confined to eu-central-1, eu-west-1",
    )
    with pytest.raises(OrgError, match="region 'eu-west-11' is unknown"):
        account.is_confined_to_regions(["eu-west-11"])


def _with_policy(*statements: dict[str, Any]) -> OrganizationAssertions:
    """Return an organization with one account under one policy."""
    from org_constructs.model import OrganizationModel

    account = {"AccountName": "a", "Email": "aws+a@corp.com", "ParentIds": ["r-ab12"]}
    policy = {
        "Name": "p",
        "Type": "SERVICE_CONTROL_POLICY",
        "Content": {"Version": "2012-10-17", "Statement": list(statements)},
        "TargetIds": ["r-ab12"],
    }
    template = {
        "Resources": {
            "A": {"Type": "AWS::Organizations::Account", "Properties": account},
            "P": {"Type": "AWS::Organizations::Policy", "Properties": policy},
        }
    }
    return OrganizationAssertions(OrganizationModel.from_templates({"S": template}))


DENY = {"Effect": "Deny", "Resource": "*"}


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        # A list of Regions that are denied lacks those that AWS opens tomorrow.
        (
            {
                **DENY,
                "Action": "*",
                "Condition": {"StringNotLike": {"aws:RequestedRegion": ["eu-*", "xx-*"]}},
            },
            "xx-future-1",
        ),
        # What denies some resources only leaves the others.
        (
            {
                **DENY,
                "Action": "*",
                "Resource": "arn:aws:s3:::x",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": REGIONS}},
            },
            "af-south-1",
        ),
        # One action too many is exempt.
        (
            {
                **DENY,
                "NotAction": ["iam:*", "sqs:SendMessage"],
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": REGIONS}},
            },
            "1 actions: sqs:SendMessage",
        ),
        # It looks like a fence and holds on no condition that a request meets by itself.
        (
            {
                **DENY,
                "Action": "*",
                "Condition": {
                    "StringNotEquals": {"aws:RequestedRegion": REGIONS},
                    "StringEquals": {"aws:PrincipalTag/team": "data"},
                },
            },
            "af-south-1",
        ),
    ],
)
def test_fences_with_a_hole(statement: dict[str, Any], where: str) -> None:
    """A statement that only looks like a Region deny does not pass: it is evaluated."""
    _fails(lambda: _with_policy(statement).account("a").is_confined_to_regions(REGIONS), where)


def test_hand_written_fences() -> None:
    """Any statements that have the effect pass, whatever they look like."""
    one = {"Condition": {"StringNotLike": {"aws:RequestedRegion": ["eu-*"]}}}
    other = {"Condition": {"StringNotEqualsIgnoreCase": {"AWS:requestedregion": REGIONS}}}
    fence = _with_policy(
        {**DENY, "Action": "*", **one}, {**DENY, "NotAction": ["iam:*", "sqs:SendMessage"], **other}
    ).account("a")
    fence.is_confined_to_regions(REGIONS, except_actions=["sqs:SendMessage"])
    _fails(lambda: fence.is_confined_to_regions(REGIONS), "in eu-central-2", "sqs:SendMessage")


def test_open_contents_are_not_trusted() -> None:
    """A fence whose Regions only AWS knows proves nothing."""
    open_regions = {"StringNotEquals": {"aws:RequestedRegion": {"Ref": "Regions"}}}
    account = _with_policy({**DENY, "Action": "*", "Condition": open_regions}).account("a")
    _fails(lambda: account.is_confined_to_regions(REGIONS), "it cannot be told whether")
    _fails(lambda: account.denies("s3:GetObject", region="us-east-1"), "it cannot be told whether")
    other = _with_policy({**DENY, "Action": {"Ref": "Actions"}}).account("a")
    _fails(lambda: other.allows("s3:GetObject"), "it cannot be told whether it allows it")


def test_cannot_do_more_than(organization: OrganizationAssertions) -> None:
    """More denials can do less; who can do more is shown with an action and a reason."""
    production = organization.organizational_unit("Workloads/Production")
    workloads = organization.organizational_unit("Workloads")
    production.cannot_do_more_than(workloads)
    production.cannot_do_more_than("Workloads")
    production.cannot_do_more_than(production)
    organization.account("payments-prod").cannot_do_more_than("Sandbox/Playground")
    _fails(
        lambda: workloads.cannot_do_more_than("payments-prod"),
        "organizational unit 'Workloads' can do more than account 'Workloads/Production/payments-prod'",
        "account:CloseAccount",
        "(guardrail deny-close-account) denies it",
    )
    _fails(
        lambda: organization.account("Playground").cannot_do_more_than("Workloads"),
        "(guardrail region-deny) denies it",
    )
    with pytest.raises(OrgError, match="organizational unit 'Nobody' is not declared"):
        production.cannot_do_more_than("Nobody")


def test_what_is_open_in_the_other() -> None:
    """Where more may be denied there than is known, nothing is claimed."""
    from org_constructs.model import OrganizationModel

    def account(parent: str | dict[str, str]) -> dict[str, Any]:
        properties = {
            "AccountName": f"a{len(parent)}",
            "Email": "a@corp.com",
            "ParentIds": [parent],
        }
        return {"Type": "AWS::Organizations::Account", "Properties": properties}

    resources = {"A": account("r-ab12"), "B": account({"Ref": "Open"})}
    model = OrganizationModel.from_templates({"S": {"Resources": resources}})
    known = OrganizationAssertions(model).account("S/A")
    _fails(lambda: known.cannot_do_more_than("S/B"), "it cannot be told whether", '{"Ref": "Open"}')
    OrganizationAssertions(model).account("S/B").cannot_do_more_than("S/A")


def test_names_for_parametrised_tests(organization: OrganizationAssertions) -> None:
    """Accounts and OUs are listed by path, and are called by it in pytest's output."""
    assert [str(account) for account in organization.accounts] == [
        "Sandbox/Playground",
        "Workloads/Production/payments-prod",
    ]
    assert [unit.__name__ for unit in organization.organizational_units] == [
        "Sandbox",
        "Workloads",
        "Workloads/Production",
    ]
    assert repr(organization.accounts[0]) == "<account 'Sandbox/Playground'>"
    assert repr(organization) == "<organization of 2 accounts, 3 organizational units>"
    assert organization.accounts[0] == organization.account("Playground")
    assert len(organization.accounts[0].levels) == 3


def test_in_pytest(pytester: pytest.Pytester) -> None:
    """Ids are paths, and a failure shows the explanation without the library's own frames."""
    template = {
        "Resources": {
            f"A{n}": {
                "Type": "AWS::Organizations::Account",
                "Properties": {"AccountName": f"a{n}", "Email": f"a{n}@corp.com"},
            }
            for n in range(2)
        }
    }
    pytester.path.joinpath("org.json").write_text(json.dumps(template), "utf-8")
    pytester.makepyfile(
        """
        import pytest
        from org_constructs.testing import OrganizationAssertions

        organization = OrganizationAssertions.from_file("org.json")

        @pytest.mark.parametrize("account", organization.accounts)
        def test_it(account):
            account.denies("s3:GetObject")
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist")
    result.stdout.fnmatch_lines(["*test_it?a0? ___*", "E * AssertionError: account 'a0' allows it"])
    result.stdout.no_fnmatch_line("*raise AssertionError*")


def test_apps_stages_and_files(new_app: Callable[..., cdk.App]) -> None:
    """An app, one Stage of it, a stack, an assembly and templates may be given."""
    app = new_app()
    stages = {}
    for name, root in (("Dev", "r-aa11"), ("Prod", "r-bb22")):
        stages[name] = cdk.Stage(app, name)
        stack = cdk.Stack(stages[name], "Org")
        unit = Root.from_root_id(stack, "Root", root).add_organizational_unit("Apps")
        unit.add_account("app", email=f"aws+{name}@corp.com")
    whole = OrganizationAssertions.from_app(app)
    assert len(whole.accounts) == 2
    with pytest.raises(OrgError, match="may be any of 'Dev/Org/Accounts/app', 'Prod/Org/Acc"):
        whole.account("app")
    for found in (
        OrganizationAssertions.from_app(stages["Prod"]),
        OrganizationAssertions.from_stack(stack),
    ):
        assert found.account("app").key.startswith("Prod")
    assert len(OrganizationAssertions.from_assembly(app.outdir).accounts) == 2
    files = OrganizationAssertions.from_file(
        next(Path(app.outdir).glob("assembly-Prod/*.template.json"))
    )
    assert len(files.accounts) == 1


def test_fails_for_what_is_in_no_app() -> None:
    """A construct outside an app cannot be synthesized."""
    from constructs import RootConstruct

    lone: Any = RootConstruct("Lone")
    with pytest.raises(OrgError, match="is in no app"):
        OrganizationAssertions.from_app(lone)


def test_refused_at_synthesis(new_stack: Callable[..., cdk.Stack]) -> None:
    """What the library refuses is refused here as well, before anything is asserted."""
    stack = new_stack()
    root = Root.from_root_id(stack, "Root", "r-ab12")
    for name in ("a", "b"):
        root.add_account(name, email="aws@corp.com")
    with pytest.raises(RuntimeError, match="ORG103"):
        OrganizationAssertions.from_stack(stack)


def test_an_existing_unit(new_stack: Callable[..., cdk.Stack]) -> None:
    """An OU that exists is asked for by its id, where something refers to it."""
    from org_constructs import OrganizationalUnit

    stack = new_stack()
    unit = OrganizationalUnit.from_organizational_unit_id(stack, "U", "ou-ab12-34cd56ef")
    unit.add_account("app", email="aws+app@corp.com")
    unit.attach(DenyCloseAccount())
    organization = OrganizationAssertions.from_stack(stack)
    organization.organizational_unit("ou-ab12-34cd56ef").denies("account:CloseAccount")
    organization.account("app").allows("s3:GetObject")
    with pytest.raises(OrgError, match=re.escape("'ou-ab12-99999999' is not declared")):
        organization.organizational_unit("ou-ab12-99999999")
