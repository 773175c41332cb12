"""A stack is what CloudFormation takes for one: name and account, not the construct's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from constructs import Construct
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    codes,
    deploy,
    organization_of,
    refusal,
    refusals,
    root_of,
)

from org_constructs import (
    Organization,
    OrganizationalUnit,
    PolicyType,
    ServiceControlPolicy,
)
from org_constructs.checks import CheckContext, run_checks
from org_constructs.guardrails import DenyLeaveOrganization, DenyRootUser, Guardrail
from org_constructs.model import OrganizationModel

OTHER = "135792468024"


def _stack(scope: Any, id: str, *, account: str = MANAGEMENT_ACCOUNT, **properties: Any) -> Any:
    env = cdk.Environment(account=account, region="us-east-1")
    return cdk.Stack(scope, id, env=env, **properties)


def _declare(stack: cdk.Stack, *, account: str = MANAGEMENT_ACCOUNT, **changes: Any) -> None:
    root = root_of(
        stack,
        management_account_id=account,
        root_id="r-ab12" if account == MANAGEMENT_ACCOUNT else "r-cd34",
    )
    root.attach(DenyLeaveOrganization())
    unit = OrganizationalUnit(stack, "Unit", parent=root, name=changes.get("unit", "unit"))
    unit.attach(DenyRootUser())
    id = changes.get("account_id", "a")
    unit.add_account(id, email=changes.get("email", f"a.{account}@corp.com"))


def _app(new_app: NewApp, id: str, *, stage: str = "", **changes: Any) -> cdk.App:
    app = new_app()
    scope = cdk.Stage(app, stage) if stage else app
    _declare(_stack(scope, id, stack_name=changes.pop("stack_name", "organization")), **changes)
    return app


@pytest.mark.parametrize("id", ["Organization", "Z"])
def test_another_construct_id_of_a_stack(new_app: NewApp, id: str) -> None:
    """CloudFormation sees the same stack with the same resources: nothing is refused."""
    deploy(_app(new_app, "Org"))
    assert codes(_app(new_app, id)) == []
    deploy(_app(new_app, id))


@pytest.mark.parametrize(("before", "after"), [("Prod", "Production"), ("", "Prod"), ("Prod", "")])
def test_another_id_of_a_stage(new_app: NewApp, before: str, after: str) -> None:
    """A Stage is part of paths, not of what CloudFormation knows."""
    deploy(_app(new_app, "Org", stage=before))
    assert codes(_app(new_app, "Org", stage=after)) == []
    changed = _app(new_app, "Org", stage=after, email="b.x@corp.com")
    assert codes(changed) == ["ORG123"]


@pytest.mark.parametrize(("before", "after"), [("Prod", "Production"), ("", "Prod"), ("Prod", "")])
def test_fails_where_a_stage_names_its_stacks(new_app: NewApp, before: str, after: str) -> None:
    """Without a name of its own a stack has that of its Stage: AWS would make everything again."""
    deploy(_app(new_app, "Org", stage=before, stack_name=None))
    moved = _app(new_app, "Org", stage=after, stack_name=None)
    assert [found.code for found in refusals(moved)] == ["ORG102", "ORG122", "ORG127"]


def test_fails_for_a_stage_that_has_gone(new_app: NewApp) -> None:
    """Its accounts are still in AWS: another Stage says so, once."""

    def app(*stages: str) -> cdk.App:
        made = new_app()
        for id in stages:
            stack = _stack(cdk.Stage(made, id), "Org")
            _declare(stack, email=f"{id}.x@corp.com", unit=id)
        return made

    deploy(app("A", "B", "C"))
    found = refusals(app("B", "C"))
    assert [finding.code for finding in found] == ["ORG121", "ORG122"]
    # An account that another Stage has taken is refused there.
    assert "ORG127" in [finding.code for finding in refusals(app("B", "C", "a"))]


def test_a_stage_inside_a_construct(new_app: NewApp) -> None:
    """What it declares is not what the app around it has lost."""

    def app() -> cdk.App:
        made = new_app()
        _declare(_stack(made, "Org"))
        inner = cdk.Stage(Construct(made, "Group"), "Prod")
        _declare(_stack(inner, "Org", account=OTHER), account=OTHER)
        return made

    deploy(app())
    assert codes(app()) == []


def test_logical_ids_and_names_in_a_renamed_stack(new_app: NewApp) -> None:
    """A template says nothing of the stack's construct id, nor of its Stage."""

    def template(id: str, stage: str) -> Any:
        app = new_app()
        scope = cdk.Stage(app, stage) if stage else app
        stack = _stack(scope, id, stack_name="organization")
        organization = organization_of(stack)
        organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
        root = organization.root
        root.attach(DenyRootUser())
        parent = root.add_organizational_unit("Parent")
        OrganizationalUnit(Construct(stack, "Elsewhere"), "Child", parent=parent)
        return Template.from_stack(stack).to_json()

    assert template("Org", "") == template("Renamed", "") == template("Org", "Prod")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "b.x@corp.com"}, "ORG123"),
        ({"account_id": "b"}, "ORG125"),
        ({"account_id": "b", "email": "b.x@corp.com"}, "ORG121"),
    ],
)
def test_fails_for_what_aws_cannot_do_in_a_renamed_stack(
    new_app: NewApp, changes: dict[str, Any], code: str
) -> None:
    """What is refused in a stack is refused when its construct id changes too."""
    deploy(_app(new_app, "Org"))
    assert refusal(_app(new_app, "Renamed", **changes), code).message


def test_fails_for_another_name_of_a_stack(new_app: NewApp) -> None:
    """Another name is another stack, which would create everything again."""
    deploy(_app(new_app, "Org"))
    found = {f.code for f in refusals(_app(new_app, "Org", stack_name="other"))}
    assert {"ORG126", "ORG127"} <= found


def _share(stack: cdk.Stack, *policies: tuple[str, Sequence[Guardrail]]) -> None:
    root = root_of(stack)
    for id, guardrails in policies:
        ServiceControlPolicy(stack, id, guardrails=guardrails, targets=[root], name=id)


def test_fails_for_a_gap_in_a_renamed_stack(new_app: NewApp) -> None:
    """The replay knows the deployed policies by what CloudFormation calls them."""

    def app(id: str, *policies: tuple[str, Sequence[Guardrail]]) -> cdk.App:
        made = new_app()
        _share(_stack(made, id, stack_name="organization"), *policies)
        return made

    leave, user = DenyLeaveOrganization(), DenyRootUser()
    deploy(app("Org", ("P1", [leave, user]), ("P2", [leave])))
    found = refusal(app("Renamed", ("P1", [leave]), ("P2", [leave, user])), "ORG131")
    assert "when 'Renamed/P1' has its new content" in found.message


# One name in two accounts.


def _two(new_app: NewApp, *, second: bool = True, stages: bool = False) -> cdk.App:
    app = new_app()
    for id, account in (("A", MANAGEMENT_ACCOUNT), ("B", OTHER)):
        if id == "A" or second:
            scope: Any = cdk.Stage(app, id) if stages else app
            name = "Org" if stages else id
            _declare(
                _stack(scope, name, account=account, stack_name="organization"), account=account
            )
    return app


@pytest.mark.parametrize("stages", [True, False], ids=["stages", "stacks"])
def test_one_stack_name_in_two_accounts(new_app: NewApp, *, stages: bool) -> None:
    """Two organizations that are deployed by stacks of one name are not mixed up."""
    lock = deploy(_two(new_app, stages=stages))
    assert len(lock.accounts) == 2
    assert codes(_two(new_app, stages=stages)) == []


@pytest.mark.parametrize("stages", [True, False], ids=["stages", "stacks"])
def test_a_second_organization_beside_a_deployed_one(new_app: NewApp, *, stages: bool) -> None:
    """A new stack of the same name and logical ids is not taken for the deployed one."""
    deploy(_two(new_app, second=False, stages=stages))
    assert codes(_two(new_app, stages=stages)) == []


def test_a_stack_in_the_account_of_another_organization(new_app: NewApp) -> None:
    """Which management account a stack belongs to is said by the stack, not by its name."""
    app = new_app()
    for id, account, manager in (
        ("A", MANAGEMENT_ACCOUNT, MANAGEMENT_ACCOUNT),
        ("B", MANAGEMENT_ACCOUNT, OTHER),
    ):
        stack = _stack(cdk.Stage(app, id), "Org", account=account, stack_name="organization")
        _declare(stack, account=manager)
    assert "ORG107" in codes(app)


def test_a_second_created_organization(new_app: NewApp) -> None:
    """An organization that is created in another account is no second one of the deployed."""

    def app(*accounts: str) -> cdk.App:
        made = new_app()
        for account in accounts:
            Organization(_stack(made, f"A{account}", account=account), "Organization")
        return made

    deploy(app(MANAGEMENT_ACCOUNT))
    assert codes(app(MANAGEMENT_ACCOUNT, OTHER)) == []
    assert codes(app(OTHER, MANAGEMENT_ACCOUNT)) == []


def test_policies_of_one_name_in_two_organizations(new_app: NewApp) -> None:
    """A name, and a slot of the root, that one organization uses is free in another."""

    def app(*, second: bool, first: int = 9) -> cdk.App:
        made = new_app()
        for id, account, count in (("A", MANAGEMENT_ACCOUNT, first), ("B", OTHER, 9)):
            if id == "A" or second:
                stack = _stack(made, id, account=account)
                root = root_of(stack, management_account_id=account, root_id=f"r-{id.lower()}b12")
                for number in range(count):
                    ServiceControlPolicy(
                        stack,
                        f"P{number}",
                        guardrails=[DenyRootUser()],
                        targets=[root],
                        name=f"p{number}",
                    )
        return made

    deploy(app(second=False))
    assert codes(app(second=True, first=8)) == []
    assert codes(app(second=True)) == []


def test_accounts_in_a_stack_of_the_same_name(new_app: NewApp) -> None:
    """Accounts that a stack of the same name makes elsewhere are not beside the new organization."""
    app = new_app()
    _declare(_stack(cdk.Stage(app, "A"), "Org", stack_name="organization"))
    created = _stack(cdk.Stage(app, "B"), "Org", account=OTHER, stack_name="organization")
    Organization(created, "Organization")
    assert codes(app) == []
    found = run_checks(CheckContext(model=OrganizationModel.from_assembly(app.outdir)))
    assert "ORG114" not in [finding.code for finding in found]
