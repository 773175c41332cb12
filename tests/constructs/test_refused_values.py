"""Values that are wrong by themselves: refused where they are written, just inside and outside."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from construct_harness import MANAGEMENT_ACCOUNT, ORGANIZATION_ID, ROOT_ID, resources_of, root_of
from constructs import Construct

from org_constructs import (
    Account,
    Organization,
    OrganizationalUnit,
    OrganizationPolicyType,
    OrgError,
    Policy,
    Root,
    ServiceControlPolicy,
)
from org_constructs._render import is_token, plain
from org_constructs.guardrails import DenyRootUser

NewStack = Callable[..., cdk.Stack]


def _account(stack: cdk.Stack, **properties: Any) -> Account:
    return Account(
        stack, **{"id": "a", "parent": root_of(stack), "email": "a.x@corp.com", **properties}
    )


def _unit(stack: cdk.Stack, **properties: Any) -> OrganizationalUnit:
    return OrganizationalUnit(stack, **{"id": "Unit", "parent": root_of(stack), **properties})


def _policy(stack: cdk.Stack, **properties: Any) -> ServiceControlPolicy:
    return ServiceControlPolicy(
        stack, **{"id": "Own", "guardrails": [DenyRootUser()], **properties}
    )


def _organization(stack: cdk.Stack, **properties: Any) -> Organization:
    return Organization(stack, **{"id": "Organization", "policy_types": [], **properties})


def _reference(stack: cdk.Stack, **properties: Any) -> object:
    return Organization.from_organization_attributes(
        stack,
        "Organization",
        **{
            "organization_id": ORGANIZATION_ID,
            "root_id": ROOT_ID,
            "management_account_id": MANAGEMENT_ACCOUNT,
            **properties,
        },
    )


LONG = f"{'a' * 55}@corp.com"  # 64 characters

ACCEPTED: list[Any] = [
    (_account, {"email": "a@b.cd"}),
    (_account, {"email": LONG}),
    (_account, {"email": "aws+audit@corp.com"}),
    (_account, {"name": "n" * 50}),
    (_account, {"role_name": "r" * 64}),
    (_account, {"id": "A-1"}),
    (_account, {"tags": {"k" * 128: "v" * 256}}),
    (_account, {"email": cdk.Fn.import_value("Email"), "name": cdk.Fn.import_value("Name")}),
    (_unit, {"name": "n" * 128}),
    (_unit, {"name": "Prod & Dev / Müller"}),
    (_unit, {"name": cdk.Fn.import_value("Name")}),
    (_unit, {"id": "x"}),
    (_policy, {"name": "n" * 128, "description": "d" * 512}),
    (_organization, {"quotas": {"scps_per_target": 20}, "acknowledge": {"ORG114": "a reason"}}),
    (_organization, {"policy_types": ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]}),
    (_reference, {"organization_id": "o-" + "a" * 32, "root_id": "r-" + "a" * 32}),
]

REFUSED: list[Any] = [
    (_account, {"email": "a@b.c"}, "ORG001", "email 'a@b.c' has 5 characters"),
    (_account, {"email": f"a{LONG}"}, "ORG001", "has 65 characters; give one of 6 to 64 ASCII"),
    (_account, {"email": "müller@corp.com"}, "ORG001", "has characters outside ASCII"),
    (_account, {"email": "audit@"}, "ORG001", "account 'a': email 'audit@' is not an address"),
    (_account, {"email": "a b@corp.com"}, "ORG001", "is not an address"),
    (_account, {"email": 123456}, "ORG001", "email 123456 is not a string"),
    (_account, {"name": "n" * 51}, "ORG002", "has 51 characters; give 1 to 50"),
    (_account, {"name": ""}, "ORG002", "has 0 characters"),
    (_account, {"name": "Müller"}, "ORG002", "is not a name; give 1 to 50 printable ASCII"),
    (_account, {"id": "a" * 51}, "ORG002", "has 51 characters"),
    (_account, {"role_name": "r" * 65}, "ORG004", "does not have the form"),
    (_account, {"role_name": "a role"}, "ORG004", "the default is OrganizationAccountAccessRole"),
    (_account, {"parent": "ou-ab12-34cd56ef"}, "ORG011", r"from_organizational_unit_id\(…\)"),
    (_account, {"parent": None}, "ORG011", "parent None is neither a root nor"),
    (_account, {"tags": {"aws:x": "1"}}, "ORG012", "begins with 'aws:', which AWS reserves"),
    (_account, {"tags": {"k" * 129: "v"}}, "ORG012", "is too long"),
    (_account, {"tags": {"k": "v" * 257}}, "ORG012", "is too long"),
    (_account, {"tags": {"k": 1}}, "ORG012", "tag 'k': 1 is not a pair of strings"),
    (_account, {"id": "a b"}, "ORG005", "id 'a b' is not stable as a logical id"),
    (_unit, {"name": "n" * 129}, "ORG003", "has 129 characters; give 1 to 128"),
    (_unit, {"name": " "}, "ORG003", "is not a name"),
    (_unit, {"id": "1st"}, "ORG005", "begin with a letter"),
    (_unit, {"id": "Prod & Dev"}, "ORG005", "give the display name as name="),
    (_unit, {"id": "Müller"}, "ORG005", "is not stable"),
    (_unit, {"id": "a/b"}, "ORG005", "is not stable"),
    (_unit, {"id": ""}, "ORG005", "is not stable"),
    (_unit, {"id": "Default"}, "ORG005", "id 'Default' is reserved by CDK"),
    (_unit, {"id": "Resource"}, "ORG005", "id 'Resource' is reserved by CDK"),
    (_unit, {"parent": 7}, "ORG011", "organizational unit 'Unit': parent 7 is neither"),
    (_policy, {"id": "a.b"}, "ORG005", "is not stable"),
    (_policy, {"name": "n" * 129}, "ORG014", "does not have 1 to 128 characters"),
    (_policy, {"name": " "}, "ORG014", "does not have 1 to 128 characters"),
    (_policy, {"description": "d" * 513}, "ORG014", "has 513 characters, at most 512"),
    (_policy, {"targets": "r-ab12"}, "ORG011", r"targets is a string, not a list"),
    (_policy, {"targets": ["r-ab12"]}, "ORG011", "target 'r-ab12' is not a root, OU or account"),
    (_policy, {"targets": [7]}, "ORG011", "target 7 is not a root, OU or account"),
    (_organization, {"id": "My Org"}, "ORG005", "is not stable"),
    (_organization, {"acknowledge": {"ORG106": ""}}, "ORG010", r"\['ORG106'\] needs a reason"),
    (_organization, {"acknowledge": {"ORG106": " "}}, "ORG010", "needs a reason in words"),
    (_organization, {"acknowledge": {"ORG106": True}}, "ORG010", "needs a reason in words"),
    (_organization, {"quotas": {"scp": 1}}, "ORG013", "quota 'scp' is unknown; known are"),
    (_organization, {"quotas": {"scps_per_target": 0}}, "ORG013", "0 is not a positive integer"),
    (
        _organization,
        {"quotas": {"scps_per_target": 12, "x": 1}},
        "ORG013",
        "quota 'x' is unknown",
    ),
    (_organization, {"policy_types": "TAG_POLICY"}, "ORG008", r"give a list: \['TAG_POLICY'\]"),
    (_organization, {"policy_types": ["SCP"]}, "ORG015", "policy type 'SCP' is unknown; known are"),
    (_reference, {"organization_id": "o-short"}, "ORG004", "give one such as 'o-a1b2c3d4e5'"),
    (_reference, {"root_id": "r-AB12"}, "ORG004", "root id 'r-AB12' does not have the form"),
    (_reference, {"management_account_id": "1" * 11}, "ORG004", "has 11 digits, an account id has"),
    (_reference, {"management_account_id": 246813579024}, "ORG004", "is not a string; quote it"),
]


@pytest.mark.parametrize(("declare", "properties"), ACCEPTED)
def test_accepted(new_stack: NewStack, declare: Any, properties: dict[str, Any]) -> None:
    """What is just inside AWS's limits is synthesized."""
    stack = new_stack()
    declare(stack, **properties)
    resources_of(stack)


@pytest.mark.parametrize(("declare", "properties", "code", "message"), REFUSED)
def test_fails(
    new_stack: NewStack, declare: Any, properties: dict[str, Any], code: str, message: str
) -> None:
    """What is just outside is refused, with the value, what is allowed and a stable code."""
    stack = new_stack()
    with pytest.raises(OrgError, match=message) as caught:
        declare(stack, **properties)
    assert caught.value.code == code
    assert isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert not text.endswith(".")


@pytest.mark.parametrize(
    ("refer", "accepted", "refused"),
    [
        (Root.from_root_id, "r-ab12", "ou-ab12-34cd56ef"),
        (
            OrganizationalUnit.from_organizational_unit_id,
            "ou-ab12-34cd56ef",
            "ou-ab12-34cd56e",
        ),
        (Account.from_account_id, "135792468024", "1357924680245"),
        (Account.from_account_id, "000000000001", "1"),
        (Policy.from_policy_id, "p-12345678", "p-1234567"),
    ],
)
def test_fails_for_an_id_of_another_form(
    new_stack: NewStack, refer: Callable[..., Any], accepted: str, refused: str
) -> None:
    """An id is matched whole; a token of any form is accepted."""
    stack = new_stack()
    refer(stack, "Good", accepted)
    refer(stack, "Token", cdk.Fn.import_value("Id"))
    with pytest.raises(OrgError, match=refused) as caught:
        refer(stack, "Bad", refused)
    assert caught.value.code == "ORG004"
    with pytest.raises(OrgError, match="is not stable") as caught:
        refer(stack, "Not good", accepted)
    assert caught.value.code == "ORG005"


def test_fails_for_an_account_id_that_is_taken(new_stack: NewStack) -> None:
    """Ids of accounts are unique in a stack, whatever their OU; the message names the other one."""
    stack = new_stack()
    root = root_of(stack)
    one, two = root.add_organizational_unit("One"), root.add_organizational_unit("Two")
    one.add_account("a", email="a.x@corp.com")
    with pytest.raises(OrgError, match=r"is taken in stack 'Org' at .*test_refused_values\.py:\d+"):
        two.add_account("a", email="b.x@corp.com")
    two.add_account("b", email="b.x@corp.com", name="a")
    resources_of(stack)


@pytest.mark.parametrize("where", ["app", "stage", "nothing"])
def test_fails_outside_a_stack(new_app: Callable[..., cdk.App], where: str) -> None:
    """Organization resources need a Stack."""
    app = new_app()
    scope: Any = {"app": app, "stage": cdk.Stage(app, "Prod"), "nothing": None}[where]
    with pytest.raises(OrgError, match=r"is not inside a Stack|is not a construct") as caught:
        Organization(scope, "Organization")
    assert caught.value.code == "ORG005"


def test_fails_outside_a_stack_after_the_first_use(new_app: Callable[..., cdk.App]) -> None:
    """What the library keeps in the app does not make the app a place for accounts."""
    app = new_app()
    root = root_of(cdk.Stack(app, "Org"))
    root.add_organizational_unit("Unit")
    for declare in (
        lambda: OrganizationalUnit(app, "Unit", parent=root),
        lambda: Account(app, "a", parent=root, email="a.x@corp.com"),
        lambda: ServiceControlPolicy(app, "Own", guardrails=[DenyRootUser()]),
    ):
        with pytest.raises(OrgError, match="'App' is not inside a Stack") as caught:
            declare()
        assert caught.value.code == "ORG005"


@pytest.mark.parametrize("tags", [["team"], "team", 7, {"team"}])
@pytest.mark.parametrize("declare", [_account, _unit, _policy])
def test_fails_for_tags_that_are_no_mapping(
    new_stack: NewStack, declare: Callable[..., object], tags: Any
) -> None:
    """Tags are a mapping, and the message says so."""
    with pytest.raises(OrgError, match="not a mapping; give tags=") as caught:
        declare(new_stack(), tags=tags)
    assert caught.value.code == "ORG012"


@pytest.mark.parametrize("description", [7, ["a"], b"a", {}])
def test_fails_for_a_description_that_is_no_string(new_stack: NewStack, description: Any) -> None:
    """A description is text."""
    with pytest.raises(OrgError, match="is not a string") as caught:
        _policy(new_stack(), description=description)
    assert caught.value.code == "ORG014"


def test_a_failed_constructor_leaves_nothing_behind(new_stack: NewStack) -> None:
    """After a refusal the same id can be declared correctly."""
    stack = new_stack()
    root = root_of(stack)
    for _ in range(2):
        with pytest.raises(OrgError):
            OrganizationalUnit(stack, "Unit", parent=root, name="")
        with pytest.raises(OrgError):
            root.add_account("a", email="a@")
        with pytest.raises(OrgError):
            ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()], targets=["x"])  # type: ignore[list-item]
    OrganizationalUnit(stack, "Unit", parent=root)
    root.add_account("a", email="a.x@corp.com")
    ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()], targets=[root])
    assert len(resources_of(stack)) == 3


def test_the_traceback_ends_at_the_users_line(new_stack: NewStack) -> None:
    """The last frame outside the library is the line that is wrong."""
    stack = new_stack()
    root = root_of(stack)
    with pytest.raises(OrgError) as caught:
        root.add_account("a", email="a@")
    frames = [f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == __file__]
    assert frames[-1].line == 'root.add_account("a", email="a@")'


def test_fails_for_mixed_targets(new_stack: NewStack) -> None:
    """A policy targets OUs or accounts, at once and by `attach`; a refused target is not added."""
    stack = new_stack()
    root = root_of(stack)
    account = root.add_account("a", email="a.x@corp.com")
    with pytest.raises(OrgError, match="targets accounts and containers") as caught:
        _ = ServiceControlPolicy(stack, "Own", guardrails=[DenyRootUser()], targets=[root, account])
    assert caught.value.code == "ORG110"
    policy = ServiceControlPolicy(stack, "Good", guardrails=[DenyRootUser()], targets=[root])
    with pytest.raises(OrgError, match="targets accounts and containers"):
        account.attach(policy)
    targets = [r["Properties"]["TargetIds"] for i, r in resources_of(stack).items() if "Good" in i]
    assert targets == [["r-ab12"]]


def test_fails_for_an_unknown_policy_type(new_stack: NewStack) -> None:
    """A policy type that AWS does not have is refused with those that it has."""
    with pytest.raises(OrgError, match="RESOURCE_CONTROL_POLICY") as caught:
        OrganizationPolicyType(new_stack(), "Type", root_id="r-ab12", policy_type="RCP")
    assert caught.value.code == "ORG015"


@pytest.mark.parametrize(
    "value",
    [
        None,
        object(),
        b"bytes",
        {"a": [1, {"b": None}]},
        ["x", object()],
        float("nan"),
        {"a": [float("inf")]},
        -float("inf"),
    ],
)
def test_fails_for_what_has_no_json_form(value: Any) -> None:
    """What jsii would drop or crash on is refused with its place in the value."""
    with pytest.raises(OrgError, match="has no JSON form; give strings, numbers") as caught:
        plain(value, where="content")
    assert caught.value.code == "ORG009"


def test_plain_keeps_what_jsii_would_change() -> None:
    """Tuples, sets, enums and whole floats become what CloudFormation stores."""
    from enum import Enum

    class Colour(Enum):
        RED = "red"

    value = {"a": (1, 2.0, 2.5, True), "b": {"y", "x"}, "c": Colour.RED, 3: []}
    assert plain(value, where="x") == {
        "a": [1, 2, 2.5, True],
        "b": ["x", "y"],
        "c": "red",
        "3": [],
    }
    lazy = cdk.Fn.ref("x"), cdk.Fn.get_att("Unit", "Id")
    assert plain(lazy, where="x") == list(lazy)
    assert is_token(cdk.Fn.import_value("x"))
    assert not is_token(7)


def test_scopes_of_other_libraries(new_stack: NewStack) -> None:
    """OUs and accounts can be declared in any construct of a stack."""
    stack = new_stack()
    root = root_of(stack)
    team = Construct(Construct(stack, "Teams"), "Payments")
    unit = OrganizationalUnit(team, "Unit", parent=root)
    unit.add_account("a", email="a.x@corp.com")
    assert {i[:-8] for i in resources_of(stack)} == {"TeamsPaymentsUnit", "Accountsa"}
