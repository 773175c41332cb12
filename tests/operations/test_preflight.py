"""Each look of a preflight: what passes, what stops the deployment, what cannot be told."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError
from plain_session import PlainSession, refusing

from org_constructs.handlers import function_actions
from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.assembly import Assembly
from org_constructs.operations.bootstrap import (
    QUALIFIER,
    deploy_execution_policy,
)
from org_constructs.operations.preflight import Line, Outcome, Situation, preflight
from org_constructs.rehearsal import EmbeddedAws

SCP = "SERVICE_CONTROL_POLICY"
ALL = "arn:aws:iam::aws:policy/AdministratorAccess"
DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
}


def unit(name: str, parent: Any) -> dict[str, Any]:
    """Return an OU of a template."""
    return {
        "Type": "AWS::Organizations::OrganizationalUnit",
        "DeletionPolicy": "Retain",
        "Properties": {"Name": name, "ParentId": parent},
    }


def account(name: str, parent: Any) -> dict[str, Any]:
    """Return an account of a template."""
    return {
        "Type": "AWS::Organizations::Account",
        "DeletionPolicy": "Retain",
        "Properties": {"AccountName": name, "Email": f"{name}@corp.com", "ParentIds": [parent]},
    }


def policy(name: str, *targets: Any) -> dict[str, Any]:
    """Return a policy of a template."""
    properties = {"Name": name, "Type": SCP, "Content": DENY, "TargetIds": list(targets)}
    return {"Type": "AWS::Organizations::Policy", "Properties": properties}


def quickly(_: float) -> None:
    """Wait for the embedded AWS, which needs no two seconds."""
    time.sleep(0.05)


class Live:
    """An organization, an app on it, and who deploys it."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.client = aws.client("organizations")
        self.client.create_organization()
        self.root = str(self.client.list_roots()["Roots"][0]["Id"])
        self.client.enable_policy_type(RootId=self.root, PolicyType=SCP)
        aws.advance(60)
        self.session = PlainSession(aws)
        self.resources: dict[str, Any] = {
            "Apps": unit("Apps", self.root),
            "App": account("app", {"Ref": "Apps"}),
            "Deny": policy("deny", {"Ref": "Apps"}),
        }
        self.lock: Lock | None = None

    def model(self) -> OrganizationModel:
        """Return what the app declares now."""
        found = OrganizationModel.from_templates({"Org": {"Resources": dict(self.resources)}})
        stacks = tuple(
            replace(stack, account=self.aws.account_id, region=self.aws.region)
            for stack in found.assembly.stacks
        )
        return OrganizationModel.of(Assembly(stacks=stacks))

    def deploy(self) -> None:
        """Deploy the app and write the lock."""
        client = self.aws.client("cloudformation")
        body = json.dumps({"Resources": self.resources})
        client.create_stack(StackName="Org", TemplateBody=body)
        deadline = time.monotonic() + 20
        while (
            status := client.describe_stacks(StackName="Org")["Stacks"][0]["StackStatus"]
        ) != "CREATE_COMPLETE":
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        self.lock = Lock.of(self.model())

    def held(self, logical_id: str) -> str:
        """Return the id of what the stack holds."""
        answer = self.aws.client("cloudformation").describe_stack_resources(StackName="Org")
        return next(
            str(entry["PhysicalResourceId"])
            for entry in answer["StackResources"]
            if entry["LogicalResourceId"] == logical_id
        )

    def new_account(self, name: str, parent: str) -> str:
        """Create an account by hand in an OU."""
        self.client.create_account(AccountName=name, Email=f"{name}@corp.com")
        self.aws.advance(60)
        accounts = self.client.list_accounts()["Accounts"]
        id = str(next(entry["Id"] for entry in accounts if entry["Name"] == name))
        self.move(id, parent)
        return id

    def move(self, id: str, parent: str) -> None:
        """Move an account by hand."""
        source = self.client.list_parents(ChildId=id)["Parents"][0]["Id"]
        if source != parent:
            self.client.move_account(
                AccountId=id, SourceParentId=source, DestinationParentId=parent
            )

    def new_policy(self, name: str, *targets: str, description: str = "") -> str:
        """Create a policy by hand and attach it."""
        answer = self.client.create_policy(
            Name=name, Type=SCP, Description=description, Content=json.dumps(DENY)
        )
        id = str(answer["Policy"]["PolicySummary"]["Id"])
        for target in targets:
            self.client.attach_policy(PolicyId=id, TargetId=target)
        return id

    def lines(self, look: str, **options: Any) -> list[Line]:
        """Return what one look says."""
        return list(self.all(only=[look], **options))

    def all(self, **options: Any) -> tuple[Line, ...]:
        """Return everything that is said."""
        session = cast("Any", options.pop("session", self.session))
        only = options.pop("only", ())
        given = {"lock": self.lock, "clock": self.aws.now, **options}
        return preflight(Situation(model=self.model(), session=session, **given), only=only)

    def bootstrap(self, *policies: str) -> None:
        """Make what `make bootstrap` makes, as far as it is looked at."""
        made = deploy_execution_policy(cast("Any", self.session), sleep=quickly)
        iam = self.aws.client("iam")
        role = f"cdk-{QUALIFIER}-cfn-exec-role-{self.aws.account_id}-{self.aws.region}"
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(DENY))
        for arn in policies or (made.policy_arn,):
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        name = f"/cdk-bootstrap/{QUALIFIER}/version"
        self.aws.client("ssm").put_parameter(Name=name, Value="30", Type="String")


@pytest.fixture
def live(served: EmbeddedAws) -> Live:
    """The organization, made anew."""
    served.reset()
    return Live(served)


def outcomes(lines: list[Line]) -> list[str]:
    """Return the outcomes of lines."""
    return [line.outcome.value for line in lines]


def test_all_is_well(live: Live) -> None:
    """Every look is taken, nothing stops the deployment."""
    live.bootstrap()
    live.deploy()
    lines = live.all()
    assert [line for line in lines if line.outcome is not Outcome.PASSED] == []
    assert {line.look for line in lines} == {
        "caller", "place", "bootstrap", "stacks", "finalizing", "account-quota", "unit-quota",
        "policy-quotas", "lock", "orphans", "control-tower", "bare-accounts",
    }  # fmt: skip
    assert all(line.to_json()["outcome"] == "passed" for line in lines)


def test_nothing_is_written(live: Live) -> None:
    """It reads only."""
    live.deploy()
    before = live.aws.calls()[-1]["n"]
    live.all()
    assert [call["operation"] for call in live.aws.calls(before) if not call["read"]] == []


class TestCaller:
    """The right account of the right organization; otherwise nothing else is said."""

    def test_another_account(self, live: Live) -> None:
        """The credentials are of somebody else."""
        identity = {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:root"}
        sts = SimpleNamespace(get_caller_identity=lambda: identity)
        (line,) = live.all(session=PlainSession(live.aws, sts=sts))
        assert (line.look, line.failed) == ("caller", True)
        assert line.remedy == f"sign in to {live.aws.account_id}"

    def test_credentials_that_do_not_work(self, live: Live) -> None:
        """They have expired."""
        (line,) = live.all(session=PlainSession(live.aws, sts=refusing("GetCallerIdentity")))
        assert (line.look, line.failed) == ("caller", True)
        assert "credentials do not work" in line.remedy

    def test_nobody_answers(self, live: Live) -> None:
        """The network is at fault, and signing in again would not help."""

        def call() -> None:
            raise EndpointConnectionError(endpoint_url="https://sts.example")

        sts = SimpleNamespace(get_caller_identity=call)
        (line,) = live.all(session=PlainSession(live.aws, sts=sts))
        assert (line.look, line.failed) == ("caller", True)
        assert "credentials" not in line.remedy

    def test_another_organization(self, live: Live) -> None:
        """The ids in the settings are those of another one."""
        live.resources["Other"] = unit("Other", "r-zzzz")
        (line,) = live.all()
        assert line.failed
        assert "Org/Other is of root r-zzzz" in line.text

    def test_no_organization(self, live: Live) -> None:
        """It is created by the deployment, or is missing."""
        live.aws.reset()
        live.resources = {}
        (line,) = live.all()
        assert "is in no organization" in line.text
        live.resources = {
            "Org": {"Type": "AWS::Organizations::Organization"},
            "App": account("app", "r-"),
        }
        lines = live.all()
        assert "this deployment creates it" in lines[0].text
        (counted,) = [line.text for line in lines if line.look == "account-quota"]
        assert counted == "1 accounts, 0 pending invitations and 1 to come of 10"
        assert {line.look for line in lines if line.failed} == {"bootstrap"}
        assert outcomes([line for line in lines if line.look == "finalizing"]) == ["unknown"]


def test_another_organization_of_the_same_app(live: Live) -> None:
    """Its stacks go to another account, and nothing is said of them."""
    live.deploy()
    mine = live.model()
    (stack,) = mine.assembly.stacks
    theirs = replace(stack, id="Other", name="Other", path="Other", account="987654321098")
    both = OrganizationModel.of(Assembly(stacks=(stack, theirs)))
    lines = preflight(
        Situation(model=both, session=cast("Any", live.session), lock=Lock.of(both)),
        only=["caller", "unit-quota", "lock", "orphans", "bare-accounts"],
    )
    assert outcomes(list(lines)) == ["passed"] * 5
    assert lines[1].text.startswith("1 OUs and 0 to come")


def test_the_wrong_region(live: Live) -> None:
    """Events of Organizations appear in one Region."""
    live.aws.act_as(live.aws.account_id, "eu-west-1")
    try:
        lines = live.lines("place", session=PlainSession(live.aws))
    finally:
        live.aws.act_as(live.aws.account_id, "us-east-1")
    assert outcomes(lines) == ["failed"]
    assert lines[0].remedy == "deploy to us-east-1"


class TestBootstrap:
    """The role that CloudFormation deploys with."""

    def test_not_at_all(self, live: Live) -> None:
        """Neither CDK's bootstrap nor ours."""
        lines = live.lines("bootstrap")
        assert outcomes(lines) == ["failed", "failed"]
        assert {line.remedy for line in lines} == {"run `make bootstrap`"}

    def test_as_cdk_does_it(self, live: Live) -> None:
        """With AdministratorAccess; no reason stands in for the Deny."""
        live.bootstrap(ALL)
        lines = live.lines("bootstrap", acknowledged={"bootstrap": "because"})
        assert outcomes(lines) == ["passed", *["failed"] * 3, "passed", "passed"]
        assert lines[4].acknowledged == "because"

    def test_of_another_version(self, live: Live) -> None:
        """A new setting needs an action that the boundary does not have."""
        deploy_execution_policy(
            cast("Any", live.session), setting_actions_allowed=["a:Bc"], sleep=quickly
        )
        line = live.lines("bootstrap")[-1]
        assert line.failed
        assert "organizations:EnablePolicyType" in line.text
        assert "again" in line.remedy

    def test_before_invitations(self, live: Live) -> None:
        """What only the sweep of invitations calls is missed, too."""
        allowed = [a for a in function_actions() if a != "organizations:ListAccountsForParent"]
        deploy_execution_policy(
            cast("Any", live.session), setting_actions_allowed=allowed, sleep=quickly
        )
        line = live.lines("bootstrap")[-1]
        assert line.failed
        assert "may not call organizations:ListAccountsForParent" in line.text

    def test_who_may_not_look(self, live: Live) -> None:
        """It is not known, and the action is named."""
        live.bootstrap()
        session = PlainSession(live.aws, iam=refusing("GetPolicy"), ssm=refusing("GetParameter"))
        (line,) = live.lines("bootstrap", session=session)
        assert line.outcome is Outcome.UNKNOWN
        assert "ssm:GetParameter" in line.text
        (_, role, boundary) = live.lines(
            "bootstrap", session=PlainSession(live.aws, iam=refusing("GetPolicy"))
        )
        assert (role.outcome, boundary.outcome) == (Outcome.UNKNOWN, Outcome.UNKNOWN)
        assert "iam:GetPolicy" in boundary.text


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("UPDATE_IN_PROGRESS", "failed"),
        ("UPDATE_FAILED", "passed"),
        ("CREATE_FAILED", "passed"),
        ("UPDATE_ROLLBACK_COMPLETE", "passed"),
        ("ROLLBACK_COMPLETE", "unknown"),
        ("UPDATE_ROLLBACK_FAILED", "failed"),
        ("ROLLBACK_FAILED", "failed"),
        ("DELETE_FAILED", "failed"),
    ],
)
def test_states_of_stacks(live: Live, status: str, outcome: str) -> None:
    """What stopped is repaired forward; what is busy or stuck is not deployed over."""
    pages = SimpleNamespace(paginate=lambda **_: [{"StackResourceSummaries": []}])
    cloudformation = SimpleNamespace(
        describe_stacks=lambda **_: {"Stacks": [{"StackStatus": status}]},
        get_paginator=lambda _: pages,
    )
    session = PlainSession(live.aws, cloudformation=cloudformation)
    assert outcomes(live.lines("stacks", session=session)) == [outcome]


class TestQuotas:
    """What is there, what is to come, and what AWS has granted."""

    def test_accounts(self, live: Live) -> None:
        """Pending invitations count; the default is no proof."""
        live.resources |= {f"A{n}": account(f"a{n}", live.root) for n in range(8)}
        live.client.invite_account_to_organization(
            Target={"Type": "EMAIL", "Id": "somebody@corp.com"}
        )
        (line,) = live.lines("account-quota")
        assert line.outcome is Outcome.UNKNOWN
        assert line.text.startswith("1 accounts, 1 pending invitations and 9 to come are 11")
        (line,) = live.lines("account-quota", quotas={"accounts": 11})
        assert line.outcome is Outcome.PASSED
        (line,) = live.lines("account-quota", quotas={"accounts": 10})
        assert line.failed

    def test_applied_value(self, live: Live) -> None:
        """Service Quotas tells what was granted."""
        quotas = SimpleNamespace(get_service_quota=lambda **_: {"Quota": {"Value": 1.0}})
        session = PlainSession(live.aws, service_quotas=quotas)
        (line,) = live.lines("account-quota", session=session)
        assert line.failed
        assert "are 2, 1 are allowed" in line.text

    def test_units(self, live: Live) -> None:
        """Not more than AWS allows."""
        (line,) = live.lines("unit-quota", quotas={"organizational_units": 1})
        assert line.outcome is Outcome.PASSED
        live.resources["More"] = unit("More", live.root)
        (line,) = live.lines("unit-quota", quotas={"organizational_units": 1})
        assert line.failed

    def test_slots(self, live: Live) -> None:
        """FullAWSAccess and policies of others take them too."""
        live.deploy()
        apps = live.held("Apps")
        live.new_policy("theirs", apps)
        (line,) = live.lines("policy-quotas")
        assert "'Apps' with 3 of 10" in line.text
        live.resources["Second"] = policy("second", {"Ref": "Apps"})
        (line,) = live.lines("policy-quotas", quotas={"scps_per_target": 3})
        assert line.failed
        assert "would have 4 policies, 3 are allowed" in line.text
        assert "'theirs'" in line.text

    def test_slots_during_the_deployment(self, live: Live) -> None:
        """A new policy is attached before the old one goes."""
        live.deploy()
        live.resources["Second"] = policy("second", {"Ref": "Apps"})
        del live.resources["Deny"]
        (line,) = live.lines("policy-quotas", quotas={"scps_per_target": 2})
        assert line.failed
        assert "deploy twice" in line.remedy

    def test_policies(self, live: Live) -> None:
        """Of one type in the organization."""
        live.new_policy("theirs")
        lines = live.lines("policy-quotas", quotas={"scps": 1})
        assert outcomes(lines) == ["failed", "passed"]


class TestLock:
    """What is deployed exists where it was left."""

    def test_an_account_moved_by_hand(self, live: Live) -> None:
        """CloudFormation would not move it back; it passes when the code follows."""
        live.deploy()
        live.resources["Other"] = unit("Other", live.root)
        other = live.client.create_organizational_unit(ParentId=live.root, Name="Elsewhere")
        id = other["OrganizationalUnit"]["Id"]
        live.move(live.held("App"), id)
        (line,) = live.lines("lock")
        assert line.failed
        assert "moved by hand to 'Elsewhere'" in line.text
        assert f"--source-parent-id {id} --destination-parent-id {live.held('Apps')}" in line.remedy
        live.resources["App"] = account("app", id)
        assert outcomes(live.lines("lock")) == ["passed"]

    def test_a_reason_lets_it_pass(self, live: Live) -> None:
        """Somebody knows why."""
        live.deploy()
        live.move(live.held("App"), live.root)
        (line,) = live.lines("lock", acknowledged={"lock": "under investigation"})
        assert (line.outcome, line.acknowledged) == (Outcome.PASSED, "under investigation")

    def test_an_account_that_was_closed_or_removed(self, live: Live) -> None:
        """CloudFormation does not find it."""
        live.deploy()
        live.client.close_account(AccountId=live.held("App"))
        assert "CloudFormation does not find it" in live.lines("lock")[0].text
        assert live.lock is not None
        lost = replace(live.lock.accounts["Org/App"], logical_id="Lost", email="lost@corp.com")
        live.lock = replace(live.lock, accounts={"Org/Lost": lost})
        (line,) = live.lines("lock")
        assert "'Org/Lost' (lost@corp.com) is in the lock and not in the organization" in line.text

    def test_names(self, live: Live) -> None:
        """Changed by hand."""
        live.deploy()
        live.client.update_organizational_unit(
            OrganizationalUnitId=live.held("Apps"), Name="Applications"
        )
        (line,) = live.lines("lock")
        assert "is called 'Applications', the lock says 'Apps'" in line.text

    def test_a_policy_detached_by_hand(self, live: Live) -> None:
        """And one attached by hand."""
        live.deploy()
        live.client.attach_policy(PolicyId=live.held("Deny"), TargetId=live.root)
        live.client.detach_policy(PolicyId=live.held("Deny"), TargetId=live.held("Apps"))
        texts = [line.text for line in live.lines("lock")]
        assert ["detached" in texts[0], "attached by hand to Root" in texts[1]] == [True, True]

    def test_a_type_that_was_turned_off(self, live: Live) -> None:
        """Its policies bind nobody."""
        live.deploy()
        live.client.disable_policy_type(RootId=live.root, PolicyType=SCP)
        live.aws.advance(60)
        (line,) = live.lines("lock")
        assert "binds nobody: SERVICE_CONTROL_POLICY is turned off" in line.text

    def test_without_a_lock(self, live: Live) -> None:
        """It was lost, or there is nothing yet."""
        assert outcomes(live.lines("lock")) == ["passed"]
        live.deploy()
        live.lock = None
        assert outcomes(live.lines("lock")) == ["failed"]


class TestControlTower:
    """A landing zone: named, counted, and its accounts left alone."""

    def governed(self, live: Live) -> str:
        """Let Control Tower govern an OU, by its policy."""
        answer = live.client.create_organizational_unit(ParentId=live.root, Name="Governed")
        id = str(answer["OrganizationalUnit"]["Id"])
        live.new_policy("aws-guardrails-AbCdEf", id, description="AWS Control Tower guardrail")
        return id

    def test_it_is_named(self, live: Live) -> None:
        """Nothing of it is touched."""
        live.deploy()
        self.governed(live)
        (line,) = live.lines("control-tower")
        assert line.outcome is Outcome.PASSED
        assert "governs 'Governed' (1 SCPs of its own)" in line.text
        assert "aws-guardrails-AbCdEf" in line.text

    def test_creating_and_moving_there_is_refused(self, live: Live) -> None:
        """Unless somebody gives a reason."""
        live.deploy()
        id = self.governed(live)
        live.resources["App"] = account("app", id)
        live.resources["New"] = account("new", id)
        lines = live.lines("control-tower")
        one = "and Control Tower governs one of them"
        assert [line.text for line in lines if line.failed] == [
            f"account 'Org/App' would be moved from 'Apps' to 'Governed', {one}",
            "account 'Org/New' would be created in 'Governed', which Control Tower governs",
        ]
        lines = live.lines("control-tower", acknowledged={"control-tower": "enrolled by hand"})
        assert not any(line.failed for line in lines)

    def test_inviting_there_is_refused(self, live: Live) -> None:
        """The account would be moved there once it has joined."""
        live.resources = {}
        id = self.governed(live)
        live.resources["Invited"] = {
            "Type": "Custom::AccountInvitation",
            "Properties": {"AccountId": "987654321098", "ParentId": id},
        }
        lines = live.lines("control-tower")
        assert outcomes(lines) == ["failed", "unknown"]
        assert "invited account 'Org/Invited' would be moved to 'Governed'" in lines[0].text

    def test_as_it_tells_itself(self, live: Live) -> None:
        """It knows its OUs, with or without policies."""
        live.deploy()
        apps = live.held("Apps")
        arn = f"arn:aws:organizations::{live.aws.account_id}:ou/o-exampleorg/{apps}"
        found: Mapping[str, Any] = {
            "list_landing_zones": {"landingZones": [{"arn": "arn:aws:controltower:x"}]},
            "list_enabled_baselines": {"enabledBaselines": [{"targetIdentifier": arn}]},
        }
        tower = SimpleNamespace(
            get_paginator=lambda name: SimpleNamespace(paginate=lambda: [found[name]])
        )
        live.resources["New"] = account("new", {"Ref": "Apps"})
        lines = live.lines("control-tower", session=PlainSession(live.aws, controltower=tower))
        assert outcomes(lines) == ["failed", "unknown"]
        assert "Org/New" in lines[0].text

    def test_only_its_role(self, live: Live) -> None:
        """There is one, and what it governs is not told."""
        live.aws.client("iam").create_role(
            RoleName="AWSControlTowerAdmin", AssumeRolePolicyDocument=json.dumps(DENY)
        )
        (line,) = live.lines("control-tower")
        assert line.outcome is Outcome.UNKNOWN
        assert "role AWSControlTowerAdmin" in line.text


class TestBareAccounts:
    """Nobody is left without policies by what nobody asked for."""

    def test_an_ou_that_goes(self, live: Live) -> None:
        """It holds an account that no code declares."""
        live.deploy()
        id = live.new_account("stranger", live.held("Apps"))
        live.resources = {"App": account("app", live.root)}
        (line,) = live.lines("bare-accounts")
        assert line.failed
        assert "OU 'Apps'" in line.text
        assert "is no longer declared and loses its policies 'deny'" in line.text
        assert f"'stranger' ({id})" in line.text
        assert "'app'" not in line.text

    def test_an_ou_that_goes_empty(self, live: Live) -> None:
        """Who is declared moves out first."""
        live.deploy()
        live.resources = {"App": account("app", live.root)}
        assert outcomes(live.lines("bare-accounts")) == ["passed"]

    def test_an_ou_whose_policies_go(self, live: Live) -> None:
        """It stays, and what binds the stranger does not; another policy would do."""
        live.deploy()
        live.new_account("stranger", live.held("Apps"))
        del live.resources["Deny"]
        (line,) = live.lines("bare-accounts")
        assert "stays and loses its policies 'deny'" in line.text
        live.resources["Second"] = policy("second", {"Ref": "Apps"})
        assert outcomes(live.lines("bare-accounts")) == ["passed"]

    def test_an_invited_account_is_declared(self, live: Live) -> None:
        """It has no resource of AWS's own."""
        live.deploy()
        id = live.new_account("invited", live.held("Apps"))
        del live.resources["Deny"]
        live.resources["Invited"] = {
            "Type": "Custom::AccountInvitation",
            "Properties": {"AccountId": id},
        }
        assert outcomes(live.lines("bare-accounts")) == ["passed"]


def test_what_exists_and_no_stack_holds(live: Live) -> None:
    """AWS would say that it is taken; one command brings it under its stack."""
    live.deploy()
    live.new_account("new", live.root)
    live.client.create_organizational_unit(ParentId=live.root, Name="New")
    live.new_policy("new")
    live.resources |= {
        "NewAccount": account("new", live.root),
        "NewUnit": unit("New", live.root),
        "NewPolicy": policy("new", live.root),
    }
    lines = live.lines("orphans")
    assert outcomes(lines) == ["failed"] * 3
    assert all("make recover" in line.remedy for line in lines)


def test_an_account_that_is_still_being_created(live: Live) -> None:
    """CloudFormation has given up on it, AWS has not."""
    live.aws.configure(account_creation_seconds=600)
    live.client.create_account(AccountName="app", Email="app@corp.com")
    (line,) = live.lines("orphans")
    assert line.failed
    assert "AWS is still creating account 'Org/App' (car-" in line.text


def test_after_a_failure_the_same_again(live: Live) -> None:
    """A deployment that stopped half way is not kept from going on: repair forward."""
    live.bootstrap()
    live.aws.inject("CreatePolicy:1:AccessDeniedException")
    client = live.aws.client("cloudformation")
    body = json.dumps({"Resources": live.resources})
    client.create_stack(StackName="Org", TemplateBody=body, DisableRollback=True)
    deadline = time.monotonic() + 20
    while client.describe_stacks(StackName="Org")["Stacks"][0]["StackStatus"] != "CREATE_FAILED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [line for line in live.all() if line.outcome is not Outcome.PASSED] == []


def test_an_address_that_a_closed_account_has(live: Live) -> None:
    """It stays taken."""
    live.client.close_account(AccountId=live.new_account("app", live.root))
    (line,) = live.lines("orphans")
    assert line.failed
    assert line.remedy == "give the declared account another address"


def test_who_may_not_read_the_organization(live: Live) -> None:
    """Lines are not known, each names the action, and none crashes."""
    live.aws.inject("ListAccountsForParent:1:AccessDeniedException")
    lines = live.all()
    unknown = [line for line in lines if line.outcome is Outcome.UNKNOWN]
    assert unknown
    assert "organizations:ListAccountsForParent does not answer" in unknown[0].text
    assert "allow organizations:ListAccountsForParent" in unknown[0].remedy
