"""Another name for a deployed account: the template keeps the first, a setting gives the new one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_organizations as organizations
from aws_cdk.assertions import Match, Template
from construct_harness import chain_of, of_type, resources_of, root_of

from org_constructs import Account, Root
from org_constructs.guardrails import DenyCloseAccount
from org_constructs.model import Lock, OrganizationModel
from org_constructs.model.alignment import lock_after
from org_constructs.validation import LOCK_FILE_KEY

NewApp = Callable[..., cdk.App]
NewStack = Callable[..., cdk.Stack]
Declare = Callable[[cdk.Stack], object]

AUDIT = "AccountsAudit31CEA8A2"
NAME = "Custom::AccountName"


def _lock_file(stack: cdk.Stack) -> Path:
    return Path(stack.node.try_get_context(LOCK_FILE_KEY))


def _deploy(stack: cdk.Stack) -> dict[str, dict[str, Any]]:
    """Pretend that the stack is deployed: write the lock as `orgctl lock` does."""
    resources = resources_of(stack)
    app: Any = stack.node.root
    app.synth()
    model = OrganizationModel.from_assembly(app.outdir)
    lock_after(model, Lock.read(_lock_file(stack))).write(_lock_file(stack))
    return resources


def _accounts(**names: str) -> Declare:
    def declare(stack: cdk.Stack) -> None:
        unit = root_of(stack).add_organizational_unit("Security")
        for id in ("Audit", "Backup"):
            unit.add_account(id, email=f"{id}.x@corp.com", name=names.get(id, id.lower()))

    return declare


@pytest.fixture
def play(new_stack: NewStack) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return a function that deploys one declaration after another and returns the last template."""

    def run(*declarations: Declare) -> dict[str, dict[str, Any]]:
        resources: dict[str, dict[str, Any]] = {}
        for declare in declarations:
            stack = new_stack()
            declare(stack)
            resources = _deploy(stack)
        return resources

    return run


Play = Callable[..., dict[str, dict[str, Any]]]


def _names(resources: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the names that settings give, by logical id of the account."""
    return {
        resource["Properties"]["AccountId"]["Fn::GetAtt"][0]: resource["Properties"]["Name"]
        for resource in resources.values()
        if resource["Type"] == NAME
    }


def test_a_new_account_has_its_name_in_the_template(play: Play) -> None:
    """Nobody knows it yet: one resource for it, and no function."""
    resources = play(_accounts(Audit="Log archive"))
    assert {r["Type"].rpartition("::")[2] for r in resources.values()} == {
        "OrganizationalUnit",
        "Account",
    }
    assert resources[AUDIT]["Properties"]["AccountName"] == "Log archive"


def test_a_deployed_account_with_its_name_needs_no_setting(play: Play) -> None:
    """The same code gives the same template, before and after the lock."""
    assert play(_accounts(), _accounts()) == play(_accounts())


def test_a_rename_is_one_resource_and_changes_no_other(new_stack: NewStack, play: Play) -> None:
    """The template keeps the first name; plain properties say which account gets which name."""
    before = play(_accounts())
    stack = new_stack()
    _accounts(Audit="Log archive")(stack)
    after = resources_of(stack)
    assert {id: after[id] for id in before} == before
    template = Template.from_stack(stack)
    template.resource_count_is(NAME, 1)
    template.has_resource(
        NAME,
        {
            "Properties": {
                "ServiceToken": {"Fn::GetAtt": [Match.any_value(), "Arn"]},
                "ServiceTimeout": "720",
                "AccountId": {"Fn::GetAtt": [AUDIT, "AccountId"]},
                "Name": "Log archive",
            }
        },
    )


def test_the_rename_comes_last_in_the_one_chain(play: Play) -> None:
    """After every account and policy: a name that AWS refuses holds up nothing that protects."""

    def declare(name: str) -> Declare:
        def run(stack: cdk.Stack) -> None:
            root = root_of(stack)
            for id in ("Audit", "Backup"):
                account = root.add_account(id, email=f"{id}.x@corp.com", name=f"{id}{name}")
                account.attach(DenyCloseAccount())

        return run

    resources = play(declare(""), declare(" 2"))
    kinds = [resources[id]["Type"].rpartition("::")[2] for id in chain_of(resources)]
    assert kinds == ["Account", "Policy", "Account", "Policy", "AccountName", "AccountName"]


def test_another_case_is_a_rename(play: Play) -> None:
    """CloudFormation ignores a change of case; the setting does not."""
    resources = play(_accounts(), _accounts(Audit="AUDIT"))
    assert resources[AUDIT]["Properties"]["AccountName"] == "audit"
    assert _names(resources) == {AUDIT: "AUDIT"}


def test_back_to_the_first_name(play: Play) -> None:
    """The setting renames back, and stays: without it nothing would say which name is in force."""
    renamed = (_accounts(), _accounts(Audit="Log archive"), _accounts())
    assert _names(play(*renamed)) == {AUDIT: "audit"}
    once_more = play(_accounts())
    assert _names(once_more) == {AUDIT: "audit"}
    assert once_more[AUDIT]["Properties"]["AccountName"] == "audit"


def test_a_second_rename_changes_one_property(play: Play) -> None:
    """The same resource with another name."""
    one = play(_accounts(), _accounts(Audit="One"))
    two = play(_accounts(Audit="Two"))
    assert one.keys() == two.keys()
    (changed,) = [id for id in one if one[id] != two[id]]
    assert one[changed]["Properties"] == {**two[changed]["Properties"], "Name": "One"}


def test_renames_share_one_function(play: Play) -> None:
    """One resource per renamed account, and a fixed handful for all of them."""
    before = play(_accounts())
    after = play(_accounts(Audit="One", Backup="Two"))
    assert sorted(_names(after).values()) == ["One", "Two"]
    new = sorted(after[id]["Type"] for id in after.keys() - before.keys())
    assert new == [
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        NAME,
        NAME,
    ]


def test_the_role_may_rename_and_nothing_else(play: Play) -> None:
    """No policy types, no logs but its own; no other service can be trusted through it."""
    resources = play(_accounts(), _accounts(Audit="One"))
    (role,) = [r for r in resources.values() if r["Type"] == "AWS::IAM::Role"]
    (policy,) = role["Properties"]["Policies"]
    logs, free, conditional = policy["PolicyDocument"]["Statement"]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert free == {
        "Effect": "Allow",
        "Action": [
            "account:GetAccountInformation",
            "account:PutAccountName",
            "organizations:ListAWSServiceAccessForOrganization",
        ],
        "Resource": "*",
    }
    assert conditional == {
        "Effect": "Allow",
        "Action": "organizations:EnableAWSServiceAccess",
        "Resource": "*",
        "Condition": {"StringEquals": {"organizations:ServicePrincipal": "account.amazonaws.com"}},
    }


def test_cdk_nag_asks_for_one_acknowledgement(new_stack: NewStack, play: Play) -> None:
    """The role of a stack with a policy type and a rename is acknowledged once, with a reason."""
    from cdk_nag import AwsSolutionsChecks

    def declare(stack: cdk.Stack, name: str) -> None:
        root = root_of(stack)
        stack.node.find_child("Organization").enable_policy_type("TAG_POLICY")  # type: ignore[attr-defined]
        root.add_account("Audit", email="audit.x@corp.com", name=name)

    play(lambda stack: declare(stack, "audit"))
    stack = new_stack()
    declare(stack, "One")
    plugin: Any = AwsSolutionsChecks(verbose=True)
    cdk.Validations.of(stack.node.root).add_plugins(plugin)
    assert _names(_deploy(stack)) == {AUDIT: "One"}


@pytest.mark.parametrize("flags", [True, False])
def test_tags_and_aspects_reach_the_function(
    new_app: NewApp, new_stack: NewStack, play: Play, *, flags: bool
) -> None:
    """What is said of all resources holds for those of a rename, whatever the feature flags."""
    play(_accounts())
    app = new_app(flags=flags)
    cdk.Tags.of(app).add("team", "platform")
    stack = new_stack(app)
    _accounts(Audit="One")(stack)
    resources = resources_of(stack)
    made = [r for r in resources.values() if r["Type"] in ("AWS::IAM::Role", "AWS::Logs::LogGroup")]
    assert len(made) == 2
    for resource in made:
        assert {"Key": "team", "Value": "platform"} in resource["Properties"]["Tags"]


@pytest.mark.parametrize("guarded", [True, False])
def test_who_depends_on_the_account_does_not_wait_for_its_name(
    play: Play, *, guarded: bool
) -> None:
    """The rename is below the account, and last all the same."""

    def declare(name: str) -> Declare:
        def run(stack: cdk.Stack) -> None:
            root = root_of(stack)
            audit = root.add_account("Audit", email="audit.x@corp.com", name=name)
            if guarded:
                audit.attach(DenyCloseAccount())
            root.add_account("Backup", email="b.x@corp.com").node.add_dependency(audit)

        return run

    before, after = play(declare("audit")), play(declare("One"))
    backup = next(id for id in after if id.startswith("AccountsBackup"))
    assert after[backup] == before[backup]


def test_a_renamed_account_can_move(play: Play) -> None:
    """A move and a rename in one deployment: the parent changes, the name in the template not."""

    def declare(home: str, name: str) -> Declare:
        def run(stack: cdk.Stack) -> None:
            root = root_of(stack)
            units = {id: root.add_organizational_unit(id) for id in ("One", "Two")}
            units[home].add_account("Audit", email="audit.x@corp.com", name=name)

        return run

    before, after = play(declare("One", "audit")), play(declare("Two", "Log archive"))
    old, new = before[AUDIT]["Properties"], after[AUDIT]["Properties"]
    assert {key for key in new if old[key] != new[key]} == {"ParentIds"}
    assert _names(after) == {AUDIT: "Log archive"}


def test_accounts_of_a_stage(new_app: NewApp, new_stack: NewStack) -> None:
    """A lock holds the accounts of all Stages by their whole path."""

    def declare(name: str) -> cdk.Stack:
        stage = cdk.Stage(new_app(), "Prod")
        stack = new_stack(stage)
        root_of(stack).add_account("Audit", email="audit.x@corp.com", name=name)
        return stack

    _deploy(declare("audit"))
    resources = resources_of(declare("One"))
    assert list(_names(resources).values()) == ["One"]
    (account,) = of_type(resources, "Account").values()
    assert account["Properties"]["AccountName"] == "audit"


@pytest.mark.parametrize("id", ["Org", "Renamed"])
def test_a_stack_with_another_construct_id_is_the_same_stack(
    new_app: NewApp, new_stack: NewStack, id: str
) -> None:
    """CloudFormation knows it by its name: a renamed account keeps its first name there."""

    def declare(id: str, name: str, *more: str) -> cdk.Stack:
        stack = new_stack(new_app(), id, stack_name="Accounts")
        root = root_of(stack)
        for other in more:
            root.add_account(other, email=f"{other}.x@corp.com")
        root.add_account("Audit", email="audit.x@corp.com", name=name)
        return stack

    _deploy(declare("Org", "audit"))
    renamed = _deploy(declare("Org", "One"))
    resources = _deploy(declare(id, "One", "Backup"))
    assert resources[AUDIT]["Properties"] == renamed[AUDIT]["Properties"]
    assert _names(resources) == {AUDIT: "One"}
    (backup,) = [r for i, r in of_type(resources, "Account").items() if i != AUDIT]
    assert backup["Properties"]["AccountName"] == "Backup"


def test_a_new_organization_with_a_stack_of_the_same_name(
    new_app: NewApp, new_stack: NewStack
) -> None:
    """Its accounts have the same logical ids and are others: they are created with their own name."""

    def declare(*names: str) -> cdk.Stack:
        app = new_app()
        for number, name in enumerate(names):
            env = cdk.Environment(account=f"13579246802{number}", region="us-east-1")
            stack = new_stack(cdk.Stage(app, f"S{number}"), env=env, stack_name="Accounts")
            root = Root.from_root_id(stack, "Root", f"r-ab1{number}")
            root.add_account("Audit", email=f"audit.{number}@corp.com", name=name)
        return stack

    _deploy(declare("audit"))
    resources = resources_of(declare("audit", "other"))
    assert _names(resources) == {}
    (account,) = of_type(resources, "Account").values()
    assert account["Properties"]["AccountName"] == "other"


def test_accounts_of_any_scope(play: Play) -> None:
    """The constructor renames as `add_account` does."""

    def declare(name: str) -> Declare:
        return lambda stack: Account(
            stack, "Audit", parent=root_of(stack), email="audit.x@corp.com", name=name
        )

    resources = play(declare("audit"), declare("One"))
    assert list(_names(resources).values()) == ["One"]


def _refused(stack: cdk.Stack) -> dict[str, Any]:
    """Synthesize and return the one refusal."""
    app: Any = stack.node.root
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text("utf-8"))
    found = [v for plugin in report["pluginReports"] for v in plugin["violations"]]
    (violation,) = [v for v in found if v["severity"] != "warning"]
    assert isinstance(violation, dict)
    return violation


@pytest.mark.parametrize("name", ["a<b", "a>b", "<"])
def test_fails_for_a_name_that_no_rename_gives(new_stack: NewStack, play: Play, name: str) -> None:
    """The account API takes less than CreateAccount; the user's line is in the message."""
    play(_accounts())
    stack = new_stack()
    _accounts(Audit=name)(stack)
    violation = _refused(stack)
    assert violation["ruleName"] == "ORG128"
    assert f"'Org/Accounts/Audit': name 'audit' cannot become '{name}'" in violation["description"]
    assert "test_account_names.py:" in violation["description"]
    assert violation["suggestedFix"] == "choose a name without '<' and '>'"


def test_a_first_name_may_have_what_no_rename_gives(new_stack: NewStack, play: Play) -> None:
    """It can be left for another name, and not be returned to."""
    first, second = _accounts(Audit="<audit>"), _accounts(Audit="Log archive")
    assert play(first)[AUDIT]["Properties"]["AccountName"] == "<audit>"
    assert _names(play(first)) == {}
    assert _names(play(second)) == {AUDIT: "Log archive"}
    stack = new_stack()
    first(stack)
    assert "name 'Log archive' cannot become '<audit>'" in _refused(stack)["description"]


@pytest.mark.parametrize("new", ["One", "AUDIT"])
def test_fails_for_an_l1_with_another_name(new_stack: NewStack, play: Play, new: str) -> None:
    """CDK's own construct is not renamed; CloudFormation would fail, or ignore the case."""

    def declare(name: str) -> Declare:
        def run(stack: cdk.Stack) -> None:
            root_of(stack).add_organizational_unit("Unit")
            l1 = organizations.CfnAccount(stack, "Audit", account_name=name, email="a.x@corp.com")
            l1.apply_removal_policy(cdk.RemovalPolicy.RETAIN)

        return run

    play(declare("audit"))
    stack = new_stack()
    declare(new)(stack)
    violation = _refused(stack)
    assert violation["ruleName"] == "ORG128"
    assert f"name 'audit' cannot become '{new}' in the template" in violation["description"]


def test_fails_for_a_name_that_becomes_an_expression(new_stack: NewStack, play: Play) -> None:
    """Nobody can tell whether it is another name; unchanged it is accepted."""

    def with_parameter(stack: cdk.Stack) -> None:
        name = cdk.CfnParameter(stack, "Name").value_as_string
        root_of(stack).add_account("Audit", email="audit.x@corp.com", name=name)

    def literal(stack: cdk.Stack) -> None:
        root_of(stack).add_account("Audit", email="audit.x@corp.com")

    assert _names(play(with_parameter, with_parameter)) == {}
    stack = new_stack()
    literal(stack)
    assert _refused(stack)["ruleName"] == "ORG128"
    _lock_file(stack).unlink()
    play(literal)
    stack = new_stack()
    with_parameter(stack)
    assert _refused(stack)["ruleName"] == "ORG128"


def test_fails_once_for_a_lock_that_cannot_be_understood(new_stack: NewStack) -> None:
    """It is refused as such; the accounts are declared as if there were none."""
    stack = new_stack()
    _lock_file(stack).write_text("{", "utf-8")
    _accounts()(stack)
    assert _refused(stack)["ruleName"] == "ORG120"
