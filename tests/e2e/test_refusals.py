"""What the synthesis refuses never reaches AWS: not by `cdk deploy`, not from the written assembly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from reference_app import App, succeeded

from org_constructs.rehearsal.cdk_cli import Step

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def aws_app(new_app_on_aws: Callable[..., App]) -> App:
    """Return one app on one bootstrapped AWS: a deployment that is not refused would arrive."""
    return new_app_on_aws()


@pytest.fixture
def app(aws_app: App) -> App:
    """Return the app, its sources as they were."""
    aws_app.restore()
    return aws_app


def two_accounts_with_one_email(app: App) -> str:
    """Give two accounts one address."""

    def edit(org: dict[str, Any]) -> None:
        for account in ("LogArchive", "Playground"):
            org["accounts"][account]["email"] = "aws+same@example.com"

    app.edit_settings(edit)
    return "'aws+same@example.com'"


def a_check_that_crashes(app: App) -> str:
    """Let the validation plugin fail where nothing foresees it."""
    app.replace(
        "app.py",
        "app = cdk.App()",
        "import org_constructs._findings\n"
        "def crash(context): raise ZeroDivisionError('the check crashed')\n"
        "assert org_constructs._findings.run_checks\n"
        "org_constructs._findings.run_checks = crash\n"
        "app = cdk.App()",
    )
    return "the check crashed"


def fences_without_a_common_region(app: App) -> str:
    """Fence the root into a Region in which the sandboxes may not be."""
    app.replace(
        "stacks/organization.py",
        "root.attach(DenyLeaveOrganization(), DenyRootUser())",
        'root.attach(DenyRootUser(), RegionDeny(allowed_regions=["eu-west-1"]))',
    )
    return "what neither exempts is denied in every region"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (fences_without_a_common_region, "ORG215"),
        (a_check_that_crashes, "ORG000"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_failed_synthesis_cannot_be_deployed(
    app: App, spoil: Callable[[App], str], code: str
) -> None:
    """It ends non-zero and says why, before one call to AWS."""
    shown = spoil(app)
    refused(app, app.cdk.deploy(), shown, code)
    assert (app.cdk.assembly / "Organization.template.json").is_file()


def test_a_refused_assembly_cannot_be_deployed(app: App) -> None:
    """What a failed synthesis has written is refused as well, without the app."""
    shown = two_accounts_with_one_email(app)
    assert app.cdk.synth().exit_code != 0
    refused(app, app.deploy_assembly(), shown, "ORG103")


def test_placeholders_are_not_deployed_without_being_asked_for(app: App) -> None:
    """The ids and domains of documentation in cdk.json end the synthesis with the setting's name."""
    step = app.plain("deploy", "--all", "--output", str(app.cdk.assembly))
    refused(app, step, "org.management_account_id", "ORG010")
    assert "placeholder" in step.output
    assert "Traceback" not in step.output


def test_the_reference_organization_is_clean_under_validation_of_cdk(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CDK's own template validation on, as users have it, nothing is found, not even a hint."""
    monkeypatch.delenv("CDK_VALIDATION", raising=False)
    step = succeeded(app.cdk.synth())
    for word in ("ERROR", "WARN", "FATAL", "error", "warning"):
        assert word not in step.output, step.output


def refused(app: App, step: Step, shown: str, code: str) -> None:
    """Assert that a run failed with a message and that AWS knows nothing of it."""
    assert step.exit_code != 0, step.output
    assert shown in step.output, step.output
    assert code in step.output, step.output
    assert app.aws.calls() == []
    assert app.stacks() == {}
