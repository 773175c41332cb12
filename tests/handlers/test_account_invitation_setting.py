from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from backend_client import organizations_of
from settings_harness import Clock, Context, Request, Serve

from org_constructs.cli._invitations import _declared as place_of
from org_constructs.handlers.function.organization_settings.index import Surroundings
from org_constructs.handlers.function.organization_settings.retry import Patience
from org_constructs.handlers.function.organization_settings.settings import discover
from org_constructs.handlers.function.organization_settings.sweep import SweepError, sweep
from org_constructs.model.organization import DeclaredInvitation
from org_constructs.operations.acceptance import find_invitation
from org_constructs.operations.invitations import (
    InvitationError,
    InvitationState,
    InvitationStatus,
    resend,
)
from org_constructs.rehearsal.backend import Clock as AwsClock
from org_constructs.rehearsal.backend import Organizations, Settings

MANAGER, LEGACY, OTHER = "111111111111", "222222222222", "333333333333"
DAY = 86_400

Ask = Callable[..., dict[str, Any]]


class World:
    """An organization with two OUs, and accounts outside it."""

    def __init__(self) -> None:
        self.clock = AwsClock()
        self.backend = Organizations(Settings(account_creation_seconds=0), self.clock)
        self.manager = self.client(MANAGER)
        self.manager.create_organization()
        self.root = self.manager.list_roots()["Roots"][0]["Id"]
        self.units = {name: self.unit(name) for name in ("Sandbox", "Production")}

    def client(self, account_id: str) -> Any:
        """Return the client of an account."""
        return organizations_of(self.backend, account_id)

    def unit(self, name: str) -> str:
        """Make an OU and return its id."""
        made = self.manager.create_organizational_unit(ParentId=self.root, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def accept(self, account_id: str) -> None:
        """Let an account accept what it was asked."""
        owner = self.client(account_id)
        for handshake in owner.list_handshakes_for_account()["Handshakes"]:
            if handshake["State"] in ("OPEN", "REQUESTED"):
                owner.accept_handshake(HandshakeId=handshake["Id"])

    def invitations(self) -> list[tuple[str, str]]:
        """Return the state and target of each invitation, in the order of sending."""
        sent = self.manager.list_handshakes_for_organization()["Handshakes"]
        return [
            (one["State"], next(p["Id"] for p in one["Parties"] if p["Type"] != "ORGANIZATION"))
            for one in sorted(sent, key=lambda one: float(one["RequestedTimestamp"]))
        ]

    def place_of(self, account_id: str) -> str:
        """Return the id of what holds an account."""
        return str(self.manager.list_parents(ChildId=account_id)["Parents"][0]["Id"])

    def writes(self) -> list[str]:
        """Return the operations with which the management account has written."""
        return [
            call["operation"]
            for call in self.backend.calls()
            if not call["read"] and call["caller"] == MANAGER
        ]


@pytest.fixture
def world() -> World:
    """An organization in memory."""
    return World()


@pytest.fixture
def ask(world: World, request_of: Request, serve: Serve, inbox: Any) -> Iterator[Ask]:
    """Run the function on a request for an invitation and return its answer."""

    def run(kind: str = "Create", unit: str = "Sandbox", **properties: Any) -> dict[str, Any]:
        given = {"ServiceToken": "arn", "ParentId": world.units[unit]}
        who = {} if {"AccountId", "Email"} & properties.keys() else {"AccountId": LEGACY}
        event = request_of(
            kind,
            ResourceType="Custom::AccountInvitation",
            ResourceProperties={**given, **who, **properties},
        )
        if kind != "Create":
            event["PhysicalResourceId"] = f"invitation/{LEGACY}"
        inbox.bodies.clear()
        return serve(event, client=lambda _: world.manager)

    yield run
    world.manager.close()


@pytest.fixture
def swept(world: World, clock: Clock) -> Callable[..., dict[str, str]]:
    """Run the sweep and return what it found, by the name of the invitation."""

    def run(unit: str = "Sandbox", *more: dict[str, str], **who: str) -> dict[str, str]:
        first = {**(who or {"AccountId": LEGACY}), "ParentId": world.units[unit]}
        surroundings = Surroundings(
            settings=discover,
            client=lambda _: world.manager,
            clock=clock,
            sleep=clock.sleep,
            jitter=lambda _, longest: longest,
        )
        event = {"Invitations": [first, *more]}
        report = sweep(event, Context(clock, clock() + 300), surroundings)
        return {entry["Name"]: entry["Found"] for entry in report["Invitations"]}

    return run


class TestInvitation:
    """What a deployment does."""

    def test_it_is_sent_and_the_deployment_is_done(self, world: World, ask: Ask) -> None:
        """That nobody has accepted yet is no failure."""
        answer = ask(Notes="hello")
        assert answer["Status"] == "SUCCESS"
        assert answer["PhysicalResourceId"] == f"invitation/{LEGACY}"
        assert world.invitations() == [("REQUESTED", LEGACY)]
        handshake = world.manager.list_handshakes_for_organization()["Handshakes"][0]
        assert {"Type": "NOTES", "Value": "hello"} in handshake["Resources"]
        assert answer["Data"] == {
            "State": "REQUESTED",
            "HandshakeId": handshake["Id"],
            "AccountId": LEGACY,
        }

    def test_by_address(self, world: World, ask: Ask) -> None:
        """The account's id is not known before it joins."""
        answer = ask(Email="Boss@Corp.com")
        assert answer["Data"]["AccountId"] == "none"
        assert answer["PhysicalResourceId"] == "invitation/boss@corp.com"
        assert len(world.invitations()) == 1
        assert ask(Email="boss@corp.com")["Status"] == "SUCCESS"
        assert len(world.invitations()) == 1

    def test_a_pending_one_is_adopted(self, world: World, ask: Ask) -> None:
        """Whoever sent it; nothing is written."""
        world.manager.invite_account_to_organization(Target={"Type": "ACCOUNT", "Id": LEGACY})
        before = len(world.writes())
        assert ask()["Data"]["State"] == "REQUESTED"
        assert len(world.writes()) == before

    @pytest.mark.parametrize("ended", ["declined", "expired", "canceled"])
    def test_one_that_has_ended_is_sent_again(self, world: World, ask: Ask, ended: str) -> None:
        """The next deployment that comes by does it."""
        first = ask()["Data"]["HandshakeId"]
        if ended == "declined":
            world.client(LEGACY).decline_handshake(HandshakeId=first)
        elif ended == "canceled":
            world.manager.cancel_handshake(HandshakeId=first)
        else:
            world.clock.advance(16 * DAY)
        again = ask("Update")
        assert again["Data"]["HandshakeId"] != first
        assert again["PhysicalResourceId"] == f"invitation/{LEGACY}"
        assert world.invitations() == [(ended.upper(), LEGACY), ("REQUESTED", LEGACY)]

    def test_who_has_joined_is_placed_at_once(self, world: World, ask: Ask) -> None:
        """Also when the OU changes in code; from wherever the account is."""
        ask()
        world.accept(LEGACY)
        assert world.place_of(LEGACY) == world.root
        assert ask("Update")["Data"] == {
            "State": "PLACED",
            "HandshakeId": "none",
            "AccountId": LEGACY,
        }
        assert world.place_of(LEGACY) == world.units["Sandbox"]
        ask("Update", unit="Production")
        assert world.place_of(LEGACY) == world.units["Production"]

    def test_who_is_in_place_is_left_alone(self, world: World, ask: Ask) -> None:
        """An account that was a member already is adopted; nothing is written twice."""
        ask()
        world.accept(LEGACY)
        ask("Update")
        before = len(world.writes())
        assert ask("Update")["Data"]["State"] == "PLACED"
        assert len(world.writes()) == before

    def test_nobody_leaves_a_quarantine(self, world: World, ask: Ask) -> None:
        """An account that is about to be closed stays where it can do nothing."""
        ask()
        world.accept(LEGACY)
        _quarantine(world, LEGACY)
        assert ask("Update")["Data"]["State"] == "QUARANTINED"

    @pytest.mark.parametrize(
        "fault", ["ConcurrentModificationException", "TooManyRequestsException"]
    )
    @pytest.mark.parametrize("operation", ["InviteAccountToOrganization", "MoveAccount"])
    def test_busy_times_are_waited_for(
        self, world: World, ask: Ask, operation: str, fault: str
    ) -> None:
        """Other changes of the organization come first."""
        if operation == "MoveAccount":
            ask()
            world.accept(LEGACY)
        world.backend.faults.inject([f"{operation}:1-3:{fault}"])
        assert ask("Update")["Status"] == "SUCCESS"
        calls = [c for c in world.backend.calls() if c["operation"] == operation]
        assert sum(call["error"] is not None for call in calls) == 3
        assert len(world.invitations()) == 1


class TestRemoval:
    """What the removal of the code does."""

    def test_a_pending_invitation_is_withdrawn(self, world: World, ask: Ask) -> None:
        """Nobody joins by accident later."""
        ask()
        assert ask("Delete")["Status"] == "SUCCESS"
        assert world.invitations() == [("CANCELED", LEGACY)]

    def test_who_has_joined_stays(self, world: World, ask: Ask) -> None:
        """In the organization, and where it is."""
        ask()
        world.accept(LEGACY)
        ask("Update")
        before = world.writes()
        assert ask("Delete")["Status"] == "SUCCESS"
        assert world.writes() == before
        assert world.place_of(LEGACY) == world.units["Sandbox"]

    def test_what_has_ended_needs_nothing(self, world: World, ask: Ask) -> None:
        """Declined is declined."""
        handshake = ask()["Data"]["HandshakeId"]
        world.client(LEGACY).decline_handshake(HandshakeId=handshake)
        assert ask("Delete")["Status"] == "SUCCESS"
        assert world.invitations() == [("DECLINED", LEGACY)]

    def test_one_that_is_answered_in_this_moment(self, world: World, ask: Ask) -> None:
        """The answer of the owner wins."""
        ask()
        world.backend.faults.inject(["CancelHandshake:1:HandshakeAlreadyInStateException"])
        assert ask("Delete")["Status"] == "SUCCESS"


class TestRefusals:
    """What stops the deployment, with the remedy; nothing is lost by any of it."""

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            ("AccountOwnerNotVerifiedException", "the address of the management account is not"),
            ("DuplicateHandshakeException", "sent in another form"),
            ("FinalizingOrganizationException", "takes up to an hour; wait and deploy again"),
            (
                "HandshakeConstraintViolationException=ACCOUNT_NUMBER_LIMIT_EXCEEDED",
                "ask for a higher quota of accounts",
            ),
            (
                "HandshakeConstraintViolationException=ALREADY_IN_AN_ORGANIZATION",
                "'aws organizations leave-organization'",
            ),
            (
                "HandshakeConstraintViolationException=HANDSHAKE_RATE_LIMIT_EXCEEDED",
                "wait until tomorrow",
            ),
            (
                "HandshakeConstraintViolationException=PAYMENT_INSTRUMENT_REQUIRED",
                "no valid means of payment",
            ),
        ],
    )
    def test_what_aws_refuses(self, world: World, ask: Ask, error: str, text: str) -> None:
        """Each in plain words, with AWS's own behind them."""
        world.backend.faults.inject([f"InviteAccountToOrganization:1-99:{error}"])
        answer = ask()
        assert answer["Status"] == "FAILED"
        assert answer["Reason"].startswith(f"account '{LEGACY}' cannot be invited (")
        assert text in answer["Reason"]
        assert error.partition("=")[0] in answer["Reason"]

    def test_the_management_account(self, world: World, ask: Ask) -> None:
        """It would be moved out of the root otherwise."""
        assert "is the management account" in ask(AccountId=MANAGER)["Reason"]
        email = world.manager.describe_organization()["Organization"]["MasterAccountEmail"]
        assert "is the management account" in ask(Email=email.upper())["Reason"]
        assert world.place_of(MANAGER) == world.root

    def test_a_closed_account(self, world: World, ask: Ask) -> None:
        """It can be neither invited nor moved."""
        ask()
        world.accept(LEGACY)
        world.manager.close_account(AccountId=LEGACY)
        assert "is in the organization and" in ask("Update")["Reason"]

    def test_an_ou_that_does_not_exist(self, world: World, ask: Ask) -> None:
        """The account stays where it is."""
        ask()
        world.accept(LEGACY)
        answer = ask("Update", ParentId="ou-ab12-00000000")
        assert "which does not exist" in answer["Reason"]
        assert world.place_of(LEGACY) == world.root

    @pytest.mark.parametrize(
        ("properties", "text"),
        [
            ({"AccountId": "12"}, "property AccountId '12' does not have the form"),
            ({"AccountId": LEGACY, "Email": "a@b.com"}, "either the property AccountId"),
            ({"Email": "nobody"}, "property Email 'nobody' does not have"),
            ({"ParentId": "p-1"}, "property ParentId 'p-1' does not have the form"),
            ({"Notes": "x" * 1025}, "property Notes is no text of at most 1024"),
        ],
    )
    def test_properties(self, ask: Ask, properties: dict[str, Any], text: str) -> None:
        """Nothing is asked of AWS."""
        assert text in ask(**properties)["Reason"]


class TestSweep:
    """What places accounts that join later."""

    def test_it_places_who_has_joined(self, world: World, ask: Ask, swept: Any) -> None:
        """And waits for the others."""
        ask()
        assert swept() == {LEGACY: "waiting"}
        world.accept(LEGACY)
        assert swept() == {LEGACY: "moved"}
        assert world.place_of(LEGACY) == world.units["Sandbox"]
        before = len(world.writes())
        assert swept() == {LEGACY: "placed"}
        assert len(world.writes()) == before

    def test_by_address(self, world: World, ask: Ask, swept: Any) -> None:
        """The account is known by it, whatever its case."""
        ask()
        world.accept(LEGACY)
        email = world.manager.describe_account(AccountId=LEGACY)["Account"]["Email"]
        assert swept(Email=email.upper()) == {email.lower(): "moved"}

    def test_it_moves_who_belongs_elsewhere_now(self, world: World, ask: Ask, swept: Any) -> None:
        """The OU has changed in code."""
        ask()
        world.accept(LEGACY)
        swept("Sandbox")
        assert swept("Production") == {LEGACY: "moved"}
        assert world.place_of(LEGACY) == world.units["Production"]

    def test_nobody_leaves_a_quarantine(self, world: World, ask: Ask, swept: Any) -> None:
        """An account that is about to be closed stays where it can do nothing."""
        ask()
        world.accept(LEGACY)
        unit = _quarantine(world, LEGACY)
        assert swept() == {LEGACY: "quarantined"}
        assert world.place_of(LEGACY) == unit

    def test_a_quarantine_with_other_tags(
        self, world: World, ask: Ask, swept: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """AWS tells tags in pages, and may tell few of them in one."""
        monkeypatch.setattr("org_constructs.rehearsal.backend.tags._TAGS_PER_PAGE", 1)
        ask()
        world.accept(LEGACY)
        unit = _quarantine(world, LEGACY, [{"Key": "owner", "Value": "platform"}])
        assert swept() == {LEGACY: "quarantined"}
        assert world.place_of(LEGACY) == unit

    def test_the_management_account_stays(self, world: World, swept: Any) -> None:
        """The rules may know of it before the deployment has refused to invite it."""
        assert swept(AccountId=MANAGER) == {MANAGER: "management"}
        email = world.manager.describe_account(AccountId=MANAGER)["Account"]["Email"]
        assert swept(Email=email) == {email.lower(): "management"}
        assert world.place_of(MANAGER) == world.root

    def test_closed_accounts_are_left_alone(self, world: World, ask: Ask, swept: Any) -> None:
        """AWS moves none of them."""
        ask()
        world.accept(LEGACY)
        world.manager.close_account(AccountId=LEGACY)
        assert swept()[LEGACY] in ("pending_closure", "suspended", "closed")

    def test_one_failure_does_not_hold_up_the_others(
        self, world: World, ask: Ask, swept: Any
    ) -> None:
        """Everybody else is placed, and the run counts as failed."""
        ask()
        ask(AccountId=OTHER)
        world.accept(LEGACY)
        world.accept(OTHER)
        elsewhere = {"AccountId": OTHER, "ParentId": "ou-ab12-00000000"}
        malformed = {"AccountId": "1", "ParentId": world.root}
        with pytest.raises(SweepError, match="which does not exist") as caught:
            swept("Sandbox", elsewhere, malformed)
        assert "property AccountId '1'" in str(caught.value)
        assert world.place_of(LEGACY) == world.units["Sandbox"]
        assert world.place_of(OTHER) == world.root

    def test_an_account_that_is_invited_twice(self, world: World, ask: Ask, swept: Any) -> None:
        """By its id into one OU and by its address into another: it is not moved to and from."""
        ask()
        world.accept(LEGACY)
        email = world.manager.describe_account(AccountId=LEGACY)["Account"]["Email"]
        other = {"Email": email, "ParentId": world.units["Production"]}
        with pytest.raises(SweepError, match=r"is invited into .* and .*, and stays where it is"):
            swept("Sandbox", other)
        assert world.place_of(LEGACY) == world.root
        same = {"Email": email, "ParentId": world.units["Sandbox"]}
        assert swept("Sandbox", same) == {LEGACY: "moved", email.lower(): "placed"}

    def test_others_move_it_too(self, world: World, ask: Ask, swept: Any) -> None:
        """What counts is where the account is in the end."""
        ask()
        world.accept(LEGACY)
        world.backend.faults.inject(["MoveAccount:1:SourceParentNotFoundException"])
        assert swept() == {LEGACY: "moved"}

    def test_others_move_it_all_the_time(self, world: World, ask: Ask, swept: Any) -> None:
        """It ends, and says how to find out."""
        ask()
        world.accept(LEGACY)
        world.backend.faults.inject(["MoveAccount:1-99:SourceParentNotFoundException"])
        with pytest.raises(SweepError, match="moved by somebody else again and again"):
            swept()


class TestOwner:
    """What the owner is shown before accepting."""

    @pytest.mark.parametrize("by", ["AccountId", "Email"])
    def test_where_the_account_belongs(self, world: World, ask: Ask, by: str) -> None:
        """The app's declaration is found, whichever way the account is invited."""
        world.backend.add_account(LEGACY, "Legacy", "legacy@corp.com")
        who = {"AccountId": LEGACY, "Email": "Legacy@corp.com"}[by]
        assert ask(**{by: who})["Status"] == "SUCCESS"
        caller = {"Account": LEGACY, "Arn": f"arn:aws:iam::{LEGACY}:user/owner"}
        sts = SimpleNamespace(get_caller_identity=lambda: caller)
        session: Any = SimpleNamespace(
            client=lambda name: sts if name == "sts" else world.client(LEGACY)
        )
        declared = _declared_as(LEGACY, **{{"AccountId": "account_id", "Email": "email"}[by]: who})
        model: Any = SimpleNamespace(invitations={declared.key: declared})
        assert place_of(model, find_invitation(session)) == "Sandbox"


class TestSendingAgain:
    """What `orgctl invitations resend` does with the same setting."""

    def test_one_refusal_does_not_hold_up_the_others(self, world: World) -> None:
        """Who cannot be invited is named, and the rest are sent."""
        statuses = [
            InvitationStatus(
                declared=_declared_as(account_id, account_id=account_id),
                name=account_id,
                home="Sandbox",
                parent_id=world.units["Sandbox"],
                state=InvitationState.DECLINED,
            )
            for account_id in (MANAGER, OTHER)
        ]
        session: Any = SimpleNamespace(client=lambda _: world.manager)
        with pytest.raises(
            InvitationError, match=f"'{MANAGER}' is the management account"
        ) as caught:
            resend(statuses, session, patience=Patience(60, sleep=lambda _: None))
        assert OTHER not in str(caught.value)
        assert world.invitations() == [("REQUESTED", OTHER)]


def _declared_as(
    id: str, *, account_id: str | None = None, email: str | None = None
) -> DeclaredInvitation:
    return DeclaredInvitation(
        key=id,
        stack="Org",
        stack_id="Org",
        logical_id=id,
        path=f"Org/{id}",
        account_id=account_id,
        email=email,
        parent="Sandbox",
    )


def _quarantine(world: World, account_id: str, more: Sequence[dict[str, str]] = ()) -> str:
    unit = world.unit("Quarantine")
    tags = [*more, {"Key": "org-constructs:quarantine", "Value": "true"}]
    world.manager.tag_resource(ResourceId=unit, Tags=tags)
    world.manager.move_account(
        AccountId=account_id, SourceParentId=world.root, DestinationParentId=unit
    )
    return unit
