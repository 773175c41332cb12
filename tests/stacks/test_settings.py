"""The settings: what is accepted, and the message for everything that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from org_constructs import OrgError
from org_constructs.validation import ALLOW_PLACEHOLDERS_KEY, LOCK_FILE_KEY
from stacks.settings import OrganizationSettings

NewApp = Callable[..., cdk.App]
ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "management_account_id": "246813579024",
    "organization": "create",
    "email_pattern": "aws+{account}@corp.com",
    "accounts": {"Audit": {"ou": "Security"}},
}


def parse(**changes: Any) -> OrganizationSettings:
    """Parse good settings with some changes; None takes a key away."""
    allow = changes.pop("allow_placeholders", False)
    raw = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return OrganizationSettings.parse(raw, allow_placeholders=allow)


def test_defaults() -> None:
    """Few settings are enough: the rest has a default that fits most organizations."""
    settings = parse()
    assert settings.management_account_id == "246813579024"
    assert settings.existing is None
    assert settings.region == "us-east-1"
    assert settings.sandbox_regions == ("us-east-1", "us-west-2")
    account = settings.accounts[0]
    assert (account.id, account.ou, account.name) == ("Audit", "Security", "Audit")
    assert account.email == "aws+audit@corp.com"
    assert account.role_name is None
    assert settings.environment.account == "246813579024"
    assert settings.environment.region == "us-east-1"


def test_everything_given() -> None:
    """Every setting is read."""
    settings = parse(
        organization={"organization_id": "o-a1b2c3d4e5", "root_id": "r-ab12"},
        regions={"organization": "cn-northwest-1", "sandbox": ["cn-north-1"]},
        accounts={
            "Prod": {
                "ou": "Workloads/Production",
                "name": "Payments Prod",
                "role_name": "Admin",
            },
            "Own": {"ou": "Sandbox", "email": "own.x@corp.com"},
        },
    )
    assert settings.existing is not None
    assert settings.existing.organization_id == "o-a1b2c3d4e5"
    assert settings.existing.root_id == "r-ab12"
    assert settings.region == "cn-northwest-1"
    assert settings.sandbox_regions == ("cn-north-1",)
    prod, own = settings.accounts
    assert prod.email == "aws+prod@corp.com"
    assert prod.role_name == "Admin"
    assert own.email == "own.x@corp.com"


REFUSED: list[Any] = [
    ({"management_account_id": None}, "ORG010", "setting org.management_account_id is missing"),
    ({"organization": None}, "ORG010", "setting org.organization is missing; see the settings"),
    ({"email_pattern": None}, "ORG010", "setting org.email_pattern is missing"),
    ({"accounts": None}, "ORG010", "setting org.accounts is missing"),
    ({"account": {}}, "ORG010", "setting org.account is unknown; did you mean 'accounts'?"),
    ({"zzz": 1}, "ORG010", "setting org.zzz is unknown; known are management_account_id, organ"),
    (
        {"management_account_id": 246813579024},
        "ORG004",
        "setting org.management_account_id: 246813579024 is not a string; quote it",
    ),
    ({"management_account_id": "24681357902"}, "ORG004", "has 11 digits, an account id has 12"),
    (
        {"management_account_id": "111111111111"},
        "ORG010",
        "setting org.management_account_id is the placeholder '111111111111'; give the id",
    ),
    ({"management_account_id": "123456789012"}, "ORG010", "is the placeholder '123456789012'"),
    ({"organization": "exists"}, "ORG010", "setting org.organization is 'exists'; give 'create'"),
    ({"organization": 7}, "ORG010", "setting org.organization is 7; give an object with organ"),
    (
        {"organization": {"organization_id": "o-a1b2c3d4e5"}},
        "ORG010",
        "setting org.organization.root_id is missing",
    ),
    (
        {"organization": {"organisation_id": "o-a1b2c3d4e5", "root_id": "r-ab12"}},
        "ORG010",
        "setting org.organization.organisation_id is unknown; did you mean 'organization_id'?",
    ),
    (
        {"organization": {"organization_id": "a1b2c3d4e5", "root_id": "r-ab12"}},
        "ORG004",
        "organization id 'a1b2c3d4e5' does not have the form",
    ),
    (
        {"organization": {"organization_id": "o-a1b2c3d4e5", "root_id": "ab12"}},
        "ORG004",
        "root id 'ab12' does not have the form",
    ),
    ({"email_pattern": "aws@corp.com"}, "ORG010", "is 'aws@corp.com'; give an address with {acc"),
    ({"email_pattern": 7}, "ORG010", "setting org.email_pattern is 7; give an address"),
    ({"email_pattern": "{account}"}, "ORG001", "setting org.accounts.Audit: email 'audit' has 5"),
    (
        {"email_pattern": "aws+{account}@example.com"},
        "ORG010",
        "email 'aws+audit@example.com' is in a reserved domain, no mail reaches it",
    ),
    ({"regions": []}, "ORG010", "setting org.regions is []; give an object with organization, san"),
    (
        {"regions": {"sandbx": []}},
        "ORG010",
        "org.regions.sandbx is unknown; did you mean 'sandbox'",
    ),
    ({"regions": {"organization": "us-east1"}}, "ORG006", "did you mean 'us-east-1'"),
    ({"regions": {"sandbox": "us-east-1"}}, "ORG010", "give a list such as ['us-east-1']"),
    ({"regions": {"sandbox": []}}, "ORG010", "setting org.regions.sandbox is []; give a list"),
    ({"regions": {"sandbox": ["us-wst-2"]}}, "ORG006", "did you mean 'us-west-2'"),
    ({"regions": {"sandbox": [7]}}, "ORG006", "7 is not a string"),
    (
        {"regions": {"sandbox": ["cn-north-1"]}},
        "ORG010",
        "region 'cn-north-1' is not in the partition of 'us-east-1'",
    ),
    ({"accounts": []}, "ORG010", "setting org.accounts is []; give an object of accounts by id"),
    ({"accounts": {"A": "Security"}}, "ORG010", "setting org.accounts.A is 'Security'; give an o"),
    ({"accounts": {"A": {}}}, "ORG010", "setting org.accounts.A.ou is missing"),
    ({"accounts": {"A": {"ou": 7}}}, "ORG010", "setting org.accounts.A.ou is 7; give a string"),
    (
        {"accounts": {"A": {"ou": "Sandbox", "mail": "x"}}},
        "ORG010",
        "setting org.accounts.A.mail is unknown; did you mean 'email'?",
    ),
    ({"accounts": {"log archive": {"ou": "Security"}}}, "ORG005", "id 'log archive' is not stable"),
    (
        {"accounts": {"A": {"ou": "Sandbox", "email": "x@"}}},
        "ORG001",
        "setting org.accounts.A: email 'x@' has 2 characters",
    ),
]


@pytest.mark.parametrize(("changes", "code", "message"), REFUSED)
def test_fails(changes: dict[str, Any], code: str, message: str) -> None:
    """Each wrong setting is refused with its key, its value and what to write."""
    with pytest.raises(OrgError) as caught:
        parse(**changes)
    assert message in str(caught.value)
    assert caught.value.code == code


def test_placeholders_in_a_rehearsal() -> None:
    """A rehearsal may use the ids and domains of documentation."""
    settings = parse(
        allow_placeholders=True,
        management_account_id="111111111111",
        email_pattern="aws+{account}@example.com",
    )
    assert settings.accounts[0].email == "aws+audit@example.com"


@pytest.mark.parametrize("value", [True, "true", "True"])
def test_placeholders_by_context(new_app: NewApp, value: Any) -> None:
    """The context key allows them, as a boolean or as `-c` gives it."""
    raw = {**GOOD, "management_account_id": "111111111111"}
    settings = OrganizationSettings.of(new_app({"org": raw, ALLOW_PLACEHOLDERS_KEY: value}))
    assert settings.management_account_id == "111111111111"
    with pytest.raises(OrgError, match="placeholder"):
        OrganizationSettings.of(new_app({"org": raw, ALLOW_PLACEHOLDERS_KEY: "false"}))
    with pytest.raises(OrgError, match="placeholder"):
        OrganizationSettings.of(new_app({"org": raw}))


def test_the_settings_of_cdk_json() -> None:
    """The settings in cdk.json are complete, whoever's they are by now."""
    raw = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]["org"]
    OrganizationSettings.parse(raw, allow_placeholders=True)


def test_fails_for_the_reference_settings() -> None:
    """What a fresh clone ships are placeholders that nobody deploys by mistake."""
    raw = json.loads((ROOT / "tests/reference_settings.json").read_text("utf-8"))
    with pytest.raises(OrgError, match=r"give the id of your management account in cdk\.json"):
        OrganizationSettings.parse(raw)


def test_settings_as_text(new_app: NewApp) -> None:
    """`-c org='{…}'` arrives as text."""
    app = new_app({"org": json.dumps(GOOD)})
    assert OrganizationSettings.of(app).management_account_id == "246813579024"


def test_settings_in_a_file(tmp_path: Path) -> None:
    """`-c org=@file.json` names another organization, whose lock stands beside it."""
    file = tmp_path / "second.json"
    file.write_text(json.dumps(GOOD), "utf-8")
    app = cdk.App(context={"org": f"@{file}"}, outdir=str(tmp_path / "out"))
    assert OrganizationSettings.of(app).management_account_id == "246813579024"
    assert app.node.try_get_context(LOCK_FILE_KEY) == str(tmp_path / "second.lock.json")


@pytest.mark.parametrize(
    ("context", "expected"),
    [({}, "organization.lock.json"), ({LOCK_FILE_KEY: "other.json"}, "other.json")],
)
def test_lock_file(tmp_path: Path, context: dict[str, Any], expected: str) -> None:
    """The lock is beside cdk.json, where `make deploy` writes it, unless the context names another."""
    app = cdk.App(context={"org": GOOD, **context}, outdir=str(tmp_path))
    OrganizationSettings.of(app)
    assert app.node.try_get_context(LOCK_FILE_KEY) == expected


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({}, r"settings are missing; give them in cdk\.json under context\.org"),
        ({"org": 7}, "settings are missing"),
        ({"org": "[]"}, "settings are missing"),
        ({"org": "{"}, r"-c org=… is not JSON"),
        ({"org": "@/nowhere/x.json"}, r"settings file '/nowhere/x\.json' cannot be read \(No such"),
        (
            {"org": GOOD, "org.email_pattern": "x"},
            r"'-c org\.email_pattern=…' does not reach the settings: CDK does not merge dotted",
        ),
    ],
)
def test_fails_without_settings(new_app: NewApp, context: dict[str, Any], message: str) -> None:
    """Missing, unreadable and half-given settings are refused with what to do."""
    with pytest.raises(OrgError, match=message) as caught:
        OrganizationSettings.of(new_app(context))
    assert caught.value.code == "ORG010"


def test_fails_for_a_file_that_is_not_json(new_app: NewApp, tmp_path: Path) -> None:
    """A settings file with a mistake is named."""
    (tmp_path / "bad.json").write_text("{'a': 1}", "utf-8")
    with pytest.raises(OrgError, match=r"settings file '.*bad\.json' is not JSON"):
        OrganizationSettings.of(new_app({"org": f"@{tmp_path / 'bad.json'}"}))


INVITED = {"ou": "Sandbox", "account_id": "135792468013"}


def test_invitations() -> None:
    """By id or by address, in the order of the settings."""
    by_address = {"ou": "Security", "email": "root@shop.corp.com", "notes": "hello"}
    settings = OrganizationSettings.parse(
        {**GOOD, "invitations": {"Legacy": INVITED, "Shop": by_address}}
    )
    first, second = settings.invitations
    assert (first.id, first.ou, first.account_id, first.email) == (
        "Legacy",
        "Sandbox",
        "135792468013",
        None,
    )
    assert (second.email, second.notes) == ("root@shop.corp.com", "hello")
    assert OrganizationSettings.parse(GOOD).invitations == ()


@pytest.mark.parametrize(
    ("invitations", "code", "message"),
    [
        ([], "ORG010", r"setting org\.invitations is \[\]"),
        ({"1": INVITED}, "ORG005", "id '1' is not stable"),
        ({"L": {**INVITED, "mail": "x"}}, "ORG010", r"org\.invitations\.L\.mail is unknown"),
        ({"L": {"ou": "Sandbox"}}, "ORG010", "needs either account_id or email"),
        ({"L": {**INVITED, "email": "a@corp.com"}}, "ORG010", "needs either account_id or email"),
        ({"L": {**INVITED, "account_id": 135792468013}}, "ORG010", "give a string"),
        ({"L": {**INVITED, "account_id": "1357"}}, "ORG004", "has 4 digits"),
        ({"L": {**INVITED, "account_id": "123456789012"}}, "ORG010", "invites the placeholder"),
        ({"L": {"ou": "Sandbox", "email": "a@example.com"}}, "ORG010", "invites the placeholder"),
    ],
)
def test_fails_for_wrong_invitations(invitations: Any, code: str, message: str) -> None:
    """Each mistake names the setting."""
    with pytest.raises(OrgError, match=message) as caught:
        OrganizationSettings.parse({**GOOD, "invitations": invitations})
    assert caught.value.code == code
