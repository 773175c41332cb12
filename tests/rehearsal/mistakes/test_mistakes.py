"""Every well-known mistake fails or opens a gap as at AWS, and is none with this library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from library_wishes import REFUSED, clean
from mistakes_table import MISTAKES, PAGE, Mistake, render
from stack_harness import Cloud
from template_cli import TemplateCli

from org_constructs.evaluation.coverage import lost_denials
from org_constructs.model import Lock, OrganizationModel
from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.gaps import Replay, find_gaps
from org_constructs.rehearsal.without_cli import deploy, publish_assets

ROOT = Path(__file__).parents[3]
BY_CLI = ("two accounts without `DependsOn`", "two OUs of one name under one parent")


@pytest.fixture
def prepared(cloud: Cloud) -> Callable[[Mistake], Cloud]:
    """Return a function that deploys what was there before a mistake."""

    def prepare(mistake: Mistake) -> Cloud:
        if mistake.before is not None:
            organization = {"Organization": mistake.before["Organization"]}
            assert cloud.deploy(organization) == "CREATE_COMPLETE"
            cloud.enable_scps()
            assert cloud.deploy(mistake.before) == "UPDATE_COMPLETE"
        if mistake.meanwhile is not None:
            mistake.meanwhile(cloud)
        return cloud

    return prepare


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_at_aws(prepared: Callable[[Mistake], Cloud], mistake: Mistake) -> None:
    """The stack ends as the table says, with AWS's reason."""
    cloud = prepared(mistake)
    assert cloud.deploy(mistake.template) == mistake.status
    assert any(mistake.reason in reason for reason in cloud.reasons()), cloud.reasons()


def test_what_is_said_of_the_account_left_behind(prepared: Callable[[Mistake], Cloud]) -> None:
    """An OU with another parent takes its policy along: an account in the old one has none."""
    mistake = MISTAKES[-1]
    cloud = prepared(mistake)
    cloud.deploy(mistake.template)
    organizations = cloud.organizations
    listed = organizations.list_accounts()["Accounts"]
    (foreign,) = [entry["Id"] for entry in listed if entry["Name"] == "foreign"]
    old = organizations.list_parents(ChildId=foreign)["Parents"][0]["Id"]
    attached = organizations.list_policies_for_target(
        TargetId=old, Filter="SERVICE_CONTROL_POLICY"
    )["Policies"]
    assert old != cloud.physical_id("Moved")
    assert [policy["Name"] for policy in attached] == ["FullAWSAccess"]


@pytest.mark.e2e
@pytest.mark.parametrize("title", BY_CLI)
def test_by_the_real_command_line(aws: EmbeddedAws, tmp_path: Path, title: str) -> None:
    """The CDK CLI ends with an error and shows the reason."""
    (mistake,) = [known for known in MISTAKES if known.title == title]
    cli = TemplateCli(aws, tmp_path)
    cli.bootstrap(safely=True)
    assert mistake.reason in cli.deploy(mistake.template, fails=True)


def codes(app: Any) -> set[str]:
    """Synthesize and return the codes of what is refused."""
    try:
        app.synth()
    except RuntimeError as error:
        assert "ValidationFailed" in str(error), error  # noqa: PT017
    else:
        return set()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text("utf-8"))
    return {
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        if violation["severity"] != "warning"
    }


@pytest.mark.parametrize(
    "mistake", [known for known in MISTAKES if known.code], ids=lambda mistake: mistake.id
)
def test_with_this_library_it_is_refused(
    new_stack: Callable[..., cdk.Stack], mistake: Mistake
) -> None:
    """At synthesis, by the code that the table names."""
    assert mistake.code is not None
    before, wish = REFUSED[mistake.code]
    if before is not None:
        stack = new_stack()
        before(stack)
        app: Any = stack.node.root
        assert codes(app) == set()
        lock = Lock.of(OrganizationModel.from_assembly(app.outdir))
        lock.write(app.node.try_get_context("org-constructs:lockFile"))
    stack = new_stack()
    wish(stack)
    found = codes(stack.node.root)
    assert mistake.code in found
    assert found == {code for code in found if code in mistake.library}


def test_the_others_deploy_cleanly(aws: EmbeddedAws, new_app: Callable[..., Any]) -> None:
    """A type that is off, two accounts, twenty policies, a removed guardrail: no error, no gap."""
    client = aws.client("organizations")
    organization = client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = client.list_roots()["Roots"][0]["Id"]
    ids = {
        "organization_id": organization,
        "root_id": root,
        "management_account_id": aws.account_id,
    }
    place = cdk.Environment(account=aws.account_id, region=aws.region)
    seen = len(aws.calls())
    for guarded in (True, False):
        app = new_app()
        clean(cdk.Stack(app, "Org", env=place), guarded=guarded, **ids)
        app.synth()
        publish_assets(aws, Path(app.outdir))
        assert deploy(aws, Path(app.outdir)) is None
    calls = aws.calls()
    assert [call for call in calls[seen:] if call["error"] and not call["read"]] == []
    assert find_gaps(calls, judge=lost_denials) == Replay()


def test_the_page_is_what_the_table_says() -> None:
    """`make generate` writes it."""
    assert (ROOT / PAGE).read_text("utf-8") == render()


def test_every_refusal_has_its_wish() -> None:
    """And every wish its row."""
    assert set(REFUSED) == {mistake.code for mistake in MISTAKES if mistake.code}
