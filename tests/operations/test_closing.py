"""An account is kept apart and then closed, step by step, and not while code declares it."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from plain_session import PlainSession

from org_constructs.model import Lock, OrganizationModel
from org_constructs.operations.closing import (
    POLICY_NAME,
    QUARANTINE_NAME,
    QUARANTINE_TAG,
    Closing,
    ClosingError,
    find_account,
)
from org_constructs.rehearsal import EmbeddedAws

SCP = "SERVICE_CONTROL_POLICY"
EMAIL = "app@corp.com"


class Live:
    """An organization with an account in an OU."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.session = PlainSession(aws)
        self.client = aws.client("organizations")
        self.client.create_organization()
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.client.enable_policy_type(RootId=self.root, PolicyType=SCP)
        for name in ("app", "other"):
            self.client.create_account(AccountName=name, Email=f"{name}@corp.com")
        aws.advance(60)
        self.app = find_account(cast("Any", self.session), EMAIL).id
        answer = self.client.create_organizational_unit(ParentId=self.root, Name="Apps")
        self.unit = answer["OrganizationalUnit"]["Id"]
        self.client.move_account(
            AccountId=self.app, SourceParentId=self.root, DestinationParentId=self.unit
        )
        self.lines: list[str] = []

    def closing(self, text: str = EMAIL, **options: Any) -> Closing:
        """Prepare to close an account."""
        session = cast("Any", options.pop("session", self.session))
        return Closing(
            session=session,
            account=find_account(session, text),
            sleep=self.aws.advance,
            report=self.lines.append,
            **options,
        )

    def parent(self, account: str) -> str:
        """Return the name of the OU that an account is in."""
        parent = self.client.list_parents(ChildId=account)["Parents"][0]["Id"]
        if parent == self.root:
            return "Root"
        unit = self.client.describe_organizational_unit(OrganizationalUnitId=parent)
        return str(unit["OrganizationalUnit"]["Name"])

    def writes(self) -> list[str]:
        """Return what was written since the organization was made."""
        return [
            call["operation"]
            for call in self.aws.calls(self.seen)
            if not call["read"]
            and call["error"] is None
            # What AWS does by itself.
            and not call["operation"].endswith("Result")
        ]

    @property
    def seen(self) -> int:
        """The number of the last call of the preparation."""
        moves = [call["n"] for call in self.aws.calls() if call["operation"] == "MoveAccount"]
        return int(moves[0])


@pytest.fixture
def live(served: EmbeddedAws) -> Live:
    """The organization, made anew."""
    served.reset()
    # What is being closed stays that, however busy the machine is.
    served.configure(account_closure_seconds=3600)
    return Live(served)


def test_the_policy_is_there_before_the_account(live: Live) -> None:
    """OU, policy, attachment, move, closing: in this order."""
    closing = live.closing()
    assert closing.objections() == ()
    unit = closing.quarantine()
    assert live.parent(live.app) == QUARANTINE_NAME
    assert closing.close() == "PENDING_CLOSURE"
    assert live.writes() == [
        "CreateOrganizationalUnit",
        "CreatePolicy",
        "AttachPolicy",
        "MoveAccount",
        "CloseAccount",
    ]
    attached = live.client.list_policies_for_target(TargetId=unit, Filter=SCP)["Policies"]
    assert {policy["Name"] for policy in attached} == {"FullAWSAccess", POLICY_NAME}
    assert QUARANTINE_TAG in live.client.list_tags_for_resource(ResourceId=unit)["Tags"]


def test_the_plan_says_what_is_still_to_be_done(live: Live) -> None:
    """Quarantine first; once the account is there, only the closing."""
    assert len(live.closing().plan()) == 3
    live.closing().quarantine()
    (step,) = live.closing().plan()
    assert f"account {live.app} is closed" in step
    assert live.closing().plan(quarantine_only=True) == ()


def test_again_does_nothing(live: Live) -> None:
    """Each step that is done is passed over, the next account finds the same quarantine."""
    live.closing().quarantine()
    live.closing().close()
    before = len(live.writes())
    again = live.closing()
    assert (again.objections(), again.plan()) == ((), ())
    assert again.close() == "PENDING_CLOSURE"
    assert len(live.writes()) == before
    live.closing("other").quarantine()
    assert live.writes()[before:] == ["MoveAccount"]


@pytest.mark.parametrize(
    "operation",
    ["CreateOrganizationalUnit", "CreatePolicy", "AttachPolicy", "MoveAccount", "CloseAccount"],
)
@pytest.mark.parametrize("when", ["", ":after"])
def test_after_any_failure_the_same_again(live: Live, operation: str, when: str) -> None:
    """Whether AWS had done what it failed at or not."""
    live.aws.inject(f"{operation}:1:ServiceException{when}")
    closing = live.closing()

    def close() -> None:
        closing.quarantine()
        closing.close()

    with pytest.raises(ClosingError, match="the same command again goes on"):
        close()
    live.closing().quarantine()
    assert live.closing().close() == "PENDING_CLOSURE"
    assert live.parent(live.app) == QUARANTINE_NAME
    writes = live.writes()
    assert [write for write in writes if write != operation] == [
        write
        for write in (
            "CreateOrganizationalUnit",
            "CreatePolicy",
            "AttachPolicy",
            "MoveAccount",
            "CloseAccount",
        )
        if write != operation
    ]


@pytest.mark.parametrize("code", ["ConcurrentModificationException", "TooManyRequestsException"])
def test_others_that_write_are_waited_for(live: Live, code: str) -> None:
    """AWS serialises writes, and limits how many there are."""
    live.aws.inject(f"MoveAccount:1:{code}", f"AttachPolicy:1:{code}")
    live.closing().quarantine()
    assert live.parent(live.app) == QUARANTINE_NAME


def test_an_ou_of_the_name_is_not_taken(live: Live) -> None:
    """What is in it would be denied everything."""
    live.client.create_organizational_unit(ParentId=live.root, Name=QUARANTINE_NAME)
    with pytest.raises(ClosingError, match="is not marked as a quarantine"):
        live.closing().quarantine()
    assert live.parent(live.app) == "Apps"


def test_a_policy_that_denies_less_is_not_trusted(live: Live) -> None:
    """The account would be moved out of what binds it."""
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    live.client.create_policy(Name=POLICY_NAME, Type=SCP, Description="", Content=content)
    with pytest.raises(ClosingError, match="does not deny everything any more"):
        live.closing().quarantine()
    assert live.parent(live.app) == "Apps"


def test_without_policies_nothing_is_moved(live: Live) -> None:
    """Nothing could be denied."""
    live.client.disable_policy_type(RootId=live.root, PolicyType=SCP)
    with pytest.raises(ClosingError, match="are not turned on"):
        live.closing().quarantine()
    assert live.parent(live.app) == "Apps"


def test_what_code_declares_is_not_closed(live: Live) -> None:
    """The lock, the app or a stack: CloudFormation would not find it any more."""
    template = {
        "Resources": {
            "App": {
                "Type": "AWS::Organizations::Account",
                "Properties": {"AccountName": "app", "Email": "App@corp.com"},
            }
        }
    }
    model = OrganizationModel.from_templates({"Org": template})
    (objection,) = live.closing(model=model, lock=Lock.of(model)).objections()
    assert "the lock has it as 'Org/App', the app declares it as 'Org/App'" in objection
    assert "`orgctl lock --release 'Org/App'`" in objection
    assert live.closing(model=model).objections(quarantine_only=True) == ()
    invitation = {"Type": "Custom::AccountInvitation", "Properties": {"AccountId": live.app}}
    model = OrganizationModel.from_templates({"Org": {"Resources": {"App": invitation}}})
    (objection,) = live.closing(model=model).objections()
    assert "the app invites it" in objection
    (objection,) = live.closing(lock=Lock.of(model)).objections()
    assert "the lock has it as 'Org/App'" in objection


def test_what_a_stack_holds_is_not_closed(live: Live) -> None:
    """Also where neither the lock nor the app is at hand."""
    cloudformation = live.aws.client("cloudformation")
    resource = {
        "Type": "AWS::Organizations::Account",
        "DeletionPolicy": "Retain",
        "Properties": {"AccountName": "held", "Email": "held@corp.com"},
    }
    body = json.dumps({"Resources": {"Held": resource}})
    cloudformation.create_stack(StackName="Org", TemplateBody=body)
    deadline = time.monotonic() + 20
    while cloudformation.describe_stacks(StackName="Org")["Stacks"][0]["StackStatus"] != (
        "CREATE_COMPLETE"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (objection,) = live.closing("held").objections()
    assert "stack 'Org' holds it" in objection


def test_whom_a_service_needs_is_not_closed(live: Live) -> None:
    """A delegated administrator, and the management account."""
    service = "guardduty.amazonaws.com"
    live.client.enable_aws_service_access(ServicePrincipal=service)
    live.client.register_delegated_administrator(AccountId=live.app, ServicePrincipal=service)
    (objection,) = live.closing().objections(quarantine_only=True)
    assert f"delegated administrator of {service}" in objection
    (objection,) = live.closing(live.aws.account_id).objections()
    assert "manages the organization" in objection


@pytest.mark.parametrize(
    ("role", "decision", "is_refused"),
    [
        ("cdk-hnb659fds-deploy-role-111111111111-us-east-1", "allowed", True),
        ("cdk-orgconst-cfn-exec-role-111111111111-us-east-1", "allowed", True),
        ("Pipeline", "explicitDeny", True),
        ("Administrator", "allowed", False),
    ],
)
def test_the_role_that_deploys_does_not_close(
    live: Live, role: str, decision: str, *, is_refused: bool
) -> None:
    """By its name, or by the Deny that it carries."""
    arn = f"arn:aws:sts::{live.aws.account_id}:assumed-role/{role}/someone"
    sts = SimpleNamespace(get_caller_identity=lambda: {"Account": live.aws.account_id, "Arn": arn})
    iam = SimpleNamespace(
        get_role=lambda **_: {"Role": {"Arn": "arn:aws:iam::111111111111:role/x"}},
        simulate_principal_policy=lambda **_: {"EvaluationResults": [{"EvalDecision": decision}]},
    )
    session = PlainSession(live.aws, sts=sts, iam=iam)
    objections = live.closing(session=session).objections(quarantine_only=True)
    assert [f"role '{role}' deploys" in objection for objection in objections] == (
        [True] if is_refused else []
    )


def test_three_at_a_time(live: Live) -> None:
    """AWS closes no more, and what it answers says what to do."""
    live.aws.configure(quotas={"concurrent_account_closures": 1})
    live.closing("other").quarantine()
    live.closing("other").close()
    closing = live.closing()
    closing.quarantine()
    with pytest.raises(ClosingError, match="wait some minutes and run the same command again"):
        closing.close()


def test_a_fourth_waits(live: Live) -> None:
    """It is told before anything is done."""
    live.aws.configure(account_closure_seconds=3600)
    for number in range(3):
        live.client.create_account(AccountName=f"n{number}", Email=f"n{number}@corp.com")
    live.aws.advance(60)
    for number in range(3):
        live.closing(f"n{number}").close()
    (objection,) = live.closing().objections()
    assert "3 accounts are being closed" in objection


def test_a_member_is_sent_to_the_management_account(live: Live) -> None:
    """The classic slip."""
    live.aws.act_as(live.app, "us-east-1")
    try:
        with pytest.raises(ClosingError, match="sign in to the account that manages"):
            find_account(cast("Any", PlainSession(live.aws)), EMAIL)
    finally:
        live.aws.act_as("111111111111", "us-east-1")


@pytest.mark.parametrize(
    ("text", "message"), [("nobody", "no account 'nobody'"), ("app", "several accounts")]
)
def test_the_account_has_to_be_clear(live: Live, text: str, message: str) -> None:
    """By id, by address, or by a name that only one has."""
    live.client.create_account(AccountName="app", Email="app2@corp.com")
    live.aws.advance(60)
    with pytest.raises(ClosingError, match=message):
        live.closing(text)
    assert live.closing("APP@corp.com").account.id == live.closing(live.app).account.id
