"""What the management account may hold, however it is known, and one app for two organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    codes,
    organization_of,
    refusal,
    refusals,
    report,
    root_of,
)

from org_constructs import Account, OrgError, Root, ServiceControlPolicy
from org_constructs.guardrails import DenyRootUser
from org_constructs.model import Lock, OrganizationModel

OTHER = "135792468024"
MEMBER = "975318642024"


def _env(account: str) -> cdk.Environment:
    return cdk.Environment(account=account, region="us-east-1")


def _bucket(stack: cdk.Stack, id: str = "Bucket") -> None:
    s3.CfnBucket(stack, id).apply_removal_policy(cdk.RemovalPolicy.RETAIN)


# One app, two organizations.


def _two_organizations(new_app: NewApp, *, second: str = OTHER) -> cdk.App:
    app = new_app()
    for id, manager, account in (
        ("A", MANAGEMENT_ACCOUNT, MANAGEMENT_ACCOUNT),
        ("B", OTHER, second),
    ):
        stack = cdk.Stack(app, id, env=_env(account))
        root = root_of(stack, management_account_id=manager, root_id=f"r-{id.lower()}b12")
        root.add_organizational_unit("Unit").add_account(id, email=f"{id}.x@corp.com")
        for number in range(5):
            ServiceControlPolicy(
                stack,
                f"P{number}",
                guardrails=[DenyRootUser()],
                targets=[root],
                name=f"p{number}",
            )
    return app


def test_two_organizations(new_app: NewApp) -> None:
    """Each stack is in its own management account; names and quotas are those of either."""
    app = _two_organizations(new_app)
    assert codes(app) == []
    for stack in app.synth().stacks:
        assert not [d.id for d in stack.dependencies if not d.id.endswith(".assets")]


def test_two_organizations_are_chained_apart(new_app: NewApp) -> None:
    """Stacks of one account follow one another, past those of the other."""
    app = new_app()
    for id, account in (
        ("A1", MANAGEMENT_ACCOUNT),
        ("B1", OTHER),
        ("A2", MANAGEMENT_ACCOUNT),
        ("B2", OTHER),
    ):
        stack = cdk.Stack(app, id, env=_env(account))
        root_of(
            stack, management_account_id=account, root_id=f"r-{id[0].lower()}b12"
        ).add_organizational_unit(id)
    assert codes(app) == []
    assert {
        stack.id: [d.id for d in stack.dependencies if not d.id.endswith(".assets")]
        for stack in app.synth().stacks
    } == {"A1": [], "B1": [], "A2": ["A1"], "B2": ["B1"]}


@pytest.mark.parametrize("second", [MANAGEMENT_ACCOUNT, MEMBER])
def test_fails_for_the_account_of_another_organization(new_app: NewApp, second: str) -> None:
    """What is another organization's management account is wrong for this one."""
    found = next(
        f for f in refusals(_two_organizations(new_app, second=second)) if f.code == "ORG107"
    )
    assert found.message.startswith(
        f"stack 'B' deploys to account '{second}', the management account is '{OTHER}'"
    )


def test_fails_for_a_stack_of_neither_organization(new_app: NewApp) -> None:
    """A stack that names only a root goes to one of the management accounts."""
    app = _two_organizations(new_app)
    stack = cdk.Stack(app, "C", env=_env(MEMBER))
    Root.from_root_id(stack, "Root", "r-cb12").add_organizational_unit("Unit")
    found = refusal(app, "ORG107")
    assert f"'{OTHER}' or '{MANAGEMENT_ACCOUNT}'" in found.message


# No workload in the management account.

KNOWN_BY: dict[str, Callable[[cdk.Stack], Root]] = {
    "its number": root_of,
    "a token": lambda stack: root_of(stack, management_account_id=cdk.Aws.ACCOUNT_ID),
    "an import": lambda stack: root_of(stack, management_account_id=cdk.Fn.import_value("Account")),
    "its stack only": lambda stack: Root.from_root_id(stack, "Root", "r-ab12"),
}


@pytest.mark.parametrize("known_by", list(KNOWN_BY))
@pytest.mark.parametrize("account", [MANAGEMENT_ACCOUNT, MEMBER])
def test_a_workload_without_the_organization(
    new_app: NewApp, new_stack: NewStack, known_by: str, account: str
) -> None:
    """The account that the organization's stack goes to is known without being named."""
    app = new_app()
    KNOWN_BY[known_by](new_stack(app)).add_organizational_unit("Unit")
    _bucket(new_stack(app, "Data", env=_env(account)))
    if account == MEMBER:
        assert codes(app) == []
    else:
        assert refusal(app, "ORG106").construct == "Data/Bucket"


@pytest.mark.parametrize("kind", ["Custom::OrganizationMiner", "Custom::Organization", "Custom::X"])
def test_fails_for_a_custom_resource_of_the_users_own(new_stack: NewStack, kind: str) -> None:
    """A name that begins like the library's settings is not one of them."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    cdk.CfnResource(stack, "Miner", type=kind, properties={"ServiceToken": "arn"})
    assert refusal(stack, "ORG106").message.startswith(f"{kind} 'Org/Miner' does not manage")


@pytest.mark.parametrize("id", ["Org", "Data"])
def test_fails_for_a_transform(new_app: NewApp, new_stack: NewStack, id: str) -> None:
    """A macro makes what no check has seen."""
    app = new_app()
    stack = new_stack(app)
    root_of(stack).add_organizational_unit("Unit")
    (stack if id == "Org" else new_stack(app, id)).add_transform("AWS::Serverless-2016-10-31")
    found = refusal(app, "ORG106")
    assert found.message.startswith(f"stack '{id}' has the transform")


def test_acknowledged_at_one_path(new_stack: NewStack) -> None:
    """A reason for one construct is no reason for the next."""
    stack = new_stack()
    root_of(stack, acknowledge={"ORG106@Org/Audit": "moves next month"}).add_organizational_unit(
        "Unit"
    )
    _bucket(stack, "Audit")
    _bucket(stack, "AuditToo")
    assert refusal(stack, "ORG106").construct == "Org/AuditToo"


@pytest.mark.parametrize("code", ["ORG107@Org", "ORG999@Org", "@Org", "Org/Audit@ORG106"])
def test_fails_to_acknowledge_at_a_path_what_cannot_be(new_stack: NewStack, code: str) -> None:
    """A path makes no other code acknowledgeable."""
    with pytest.raises(OrgError, match="cannot be acknowledged") as caught:
        organization_of(new_stack(), acknowledge={code: "why not"})
    assert caught.value.code == "ORG010"


@pytest.mark.parametrize("known_by", ["its number", "its stack only"])
def test_advice_on_a_policy_of_the_management_account(new_stack: NewStack, known_by: str) -> None:
    """A service control policy binds every account but that one."""
    stack = new_stack()
    KNOWN_BY[known_by](stack).add_organizational_unit("Unit")
    for id, account in (("Management", MANAGEMENT_ACCOUNT), ("Member", MEMBER)):
        Account.from_account_id(stack, id, account).attach(DenyRootUser())
    found = [f for f in report(stack) if f.code == "ORG139"]
    assert [f.severity for f in found] == ["warning"]
    assert f"is attached to the management account '{MANAGEMENT_ACCOUNT}'" in found[0].message


def test_acknowledged_policy_of_the_management_account(new_stack: NewStack) -> None:
    """The advice is not repeated to whom it is known."""
    stack = new_stack()
    root_of(stack, acknowledge={"ORG139": "for the auditors"})
    Account.from_account_id(stack, "Management", MANAGEMENT_ACCOUNT).attach(DenyRootUser())
    assert not [f for f in report(stack) if f.code == "ORG139"]


def test_the_lock_is_that_of_the_organizations_stacks(
    new_app: NewApp, new_stack: NewStack, tmp_path: Any
) -> None:
    """Stacks of member accounts in the same app do not hide whose lock it is."""
    app = new_app()
    root_of(new_stack(app)).add_organizational_unit("Unit")
    _bucket(new_stack(app, "Data", env=_env(MEMBER)))
    assert refusals(app) == []
    lock = Lock.of(OrganizationModel.from_assembly(app.outdir))
    assert lock.management_account_id == MANAGEMENT_ACCOUNT
    file = tmp_path / "kept" / "organization.lock.json"
    file.parent.mkdir()
    link = tmp_path / "organization.lock.json"
    link.symlink_to(file)
    lock.write(link)
    assert link.is_symlink()
    assert Lock.read(file) == Lock.read(link) == lock
