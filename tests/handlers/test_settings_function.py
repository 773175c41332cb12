from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest
from settings_harness import Clock, Context, Inbox, Organizations, Request, Serve

from org_constructs import handlers
from org_constructs.checks import _check as checks
from org_constructs.handlers.function.organization_settings import index, settings
from org_constructs.handlers.function.organization_settings.errors import SettingError
from org_constructs.handlers.function.organization_settings.settings import Outcome, Setting


class Broken(Setting):
    """A setting that fails as told."""

    resource_type = "Custom::Broken"
    actions: ClassVar[dict[str, str]] = {}
    kept = "nothing"

    def __init__(self, error: BaseException | None = None, outcome: Outcome | None = None) -> None:
        self.error = error
        self.outcome = outcome

    def apply(self, properties: Any, previous: Any, run: Any) -> Outcome:  # noqa: ARG002
        """Fail or succeed as told."""
        if self.error:
            raise self.error
        assert self.outcome
        return self.outcome


def test_an_unknown_resource_type_fails_and_is_named(request_of: Request, serve: Serve) -> None:
    """A template of another version than the function says so."""
    answer = serve(request_of(ResourceType="Custom::OrganizationContacts"))
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == "ScpType"
    assert answer["Reason"].startswith(
        "resource type 'Custom::OrganizationContacts' is no setting of this function, which knows "
        "Custom::AccountInvitation, Custom::AccountName, Custom::AllowList, "
    )


def test_an_unknown_request_type_fails(request_of: Request, serve: Serve) -> None:
    """Only the three requests of CloudFormation exist."""
    assert "request type 'Read'" in serve(request_of("Read"))["Reason"]


def test_any_exception_ends_in_an_answer(request_of: Request, serve: Serve) -> None:
    """A bug is told to CloudFormation, with where its traceback is."""
    broken = {"Custom::Broken": Broken(KeyError("oops"))}
    answer = serve(request_of(ResourceType="Custom::Broken"), settings=lambda: broken)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == (
        "KeyError: 'oops'; see log stream '2026/11/23/[1]abc' of group "
        "'/aws/lambda/org-constructs-settings'"
    )


def test_a_package_that_cannot_be_listed_ends_in_an_answer(
    request_of: Request, serve: Serve
) -> None:
    """Even finding the settings may fail."""

    def fail() -> Any:
        raise TypeError("module 'x' has no SETTING")

    assert "module 'x' has no SETTING" in serve(request_of(), settings=fail)["Reason"]


def test_a_client_that_cannot_be_made_ends_in_an_answer(request_of: Request, serve: Serve) -> None:
    """Such as with no credentials at all."""

    def fail(_: str) -> Any:
        raise RuntimeError("no credentials")

    assert "RuntimeError: no credentials" in serve(request_of(), client=fail)["Reason"]


def test_attributes_are_returned(request_of: Request, serve: Serve) -> None:
    """What a setting returns can be read with Fn::GetAtt."""
    outcome = Outcome(physical_id="x", attributes={"AccountName": "Audit"})
    answer = serve(
        request_of(ResourceType="Custom::Broken"),
        settings=lambda: {"Custom::Broken": Broken(outcome=outcome)},
    )
    assert answer["Data"] == {"AccountName": "Audit"}


def test_the_watchdog_answers_for_work_that_hangs(
    request_of: Request, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Lambda would end the function silently; the answer goes out before, and only once."""
    hung = threading.Event()

    class Hanging(Broken):
        def apply(self, properties: Any, previous: Any, run: Any) -> Outcome:  # noqa: ARG002
            hung.wait(0.5)
            return Outcome(physical_id="late")

    answer = serve(
        request_of(ResourceType="Custom::Broken"),
        seconds=0.1,
        settings=lambda: {"Custom::Broken": Hanging()},
    )
    assert answer["Status"] == "FAILED"
    assert "just before the function's time-out" in answer["Reason"]
    assert "no result after" in caplog.text


def test_the_answer_is_not_logged_with_its_address(
    request_of: Request,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    organizations: Organizations,
) -> None:
    """Whoever has the address can answer in our name."""
    caplog.set_level("DEBUG")
    organizations.lists("ENABLED")
    event = request_of()
    serve(event)
    logged = "\n".join(
        record.getMessage() for record in caplog.records if "organization_settings" in record.name
    )
    assert "Create Custom::OrganizationPolicyType" in logged
    assert "signature" not in logged
    assert "127.0.0.1" not in logged


def test_the_entry_point_uses_the_environment_s_endpoint(
    monkeypatch: pytest.MonkeyPatch, request_of: Request, inbox: Inbox, clock: Clock
) -> None:
    """AWS_ENDPOINT_URL reaches the client, which is how the rehearsal is served."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = index.connect("organizations")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.retries["mode"] == "standard"
    client.close()
    index.handler(request_of("Delete"), Context(clock, clock() + 300))
    assert inbox.answers[0]["Status"] == "SUCCESS"


def test_the_constructs_learn_the_actions_of_every_setting() -> None:
    """No role may ever do more, those count in that turn something off."""
    actions = handlers.setting_actions()
    assert actions["Custom::AccountName"] == (
        "account:GetAccountInformation",
        "account:PutAccountName",
        "organizations:EnableAWSServiceAccess",
        "organizations:ListAWSServiceAccessForOrganization",
    )
    assert actions["Custom::OrganizationPolicyType"] == (
        "organizations:EnablePolicyType",
        "organizations:ListRoots",
    )
    assert "organizations:DisableAWSServiceAccess" in actions["Custom::TrustedService"]


def test_the_checks_know_every_setting() -> None:
    """None is taken for a workload of the management account."""
    assert handlers.setting_actions().keys() <= checks.SETTINGS


def test_grants_are_as_narrow_as_iam_allows() -> None:
    """A condition names the property's value; turning off is a grant of its own."""
    properties = {"ServicePrincipal": "sso.amazonaws.com"}
    enable, read = handlers.grants_of("Custom::TrustedService", properties)
    condition = ("StringEquals", "organizations:ServicePrincipal", "sso.amazonaws.com")
    assert (enable.action, enable.condition) == (
        "organizations:EnableAWSServiceAccess",
        condition,
    )
    assert (read.resources, read.condition) == (("*",), None)
    (disable,) = handlers.grants_of("Custom::TrustedService", properties, on_removal=True)
    assert (disable.action, disable.condition) == (
        "organizations:DisableAWSServiceAccess",
        condition,
    )


def test_only_full_access_is_attached_and_detached() -> None:
    """No guardrail can be detached by way of the function."""
    grants = [
        *handlers.grants_of("Custom::AllowList", {}),
        *handlers.grants_of("Custom::AllowList", {}, on_removal=True),
    ]
    policies = {
        arn
        for grant in grants
        if grant.action in ("organizations:AttachPolicy", "organizations:DetachPolicy")
        for arn in grant.resources
        if ":policy/" in arn
    }
    assert policies == {
        "arn:{partition}:organizations::*:policy/o-*/service_control_policy/p-FullAWSAccess",
        "arn:{partition}:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
    }


def test_conditions_and_resources_are_of_known_actions() -> None:
    """A misspelt action would leave the grant without its limit."""
    for setting in settings.discover().values():
        known = {*setting.actions, *setting.removal_actions}
        assert {*setting.conditions, *setting.resources} <= known
        assert all(len(keys) == 1 for keys in setting.conditions.values())


def test_every_setting_is_described() -> None:
    """Each says why it needs an action and what stays when it is deleted."""
    for resource_type, setting in settings.discover().items():
        assert resource_type.startswith("Custom::")
        assert all(why for why in setting.actions.values())
        assert setting.kept
        assert type(setting).__doc__


def _copy(tmp_path: Path, **modules: str) -> dict[str, str]:
    """Copy the asset as it is deployed, with more settings, and return an environment for it."""
    asset = tmp_path / "asset"
    shutil.copytree(
        handlers.ASSET_DIRECTORY, asset, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    for name, text in modules.items():
        (asset / "organization_settings" / "settings" / f"{name}.py").write_text(text)
    return {**os.environ, "PYTHONPATH": str(asset), "PYTHONDONTWRITEBYTECODE": "1"}


def _python(program: str, environment: dict[str, str], tmp_path: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_asset_runs_under_its_own_name(tmp_path: Path) -> None:
    """The folder alone is the function: no file outside it, no generated step."""
    program = (
        "import importlib, sys\n"
        f"module, _, name = {handlers.HANDLER!r}.rpartition('.')\n"
        "handler = getattr(importlib.import_module(module), name)\n"
        "from organization_settings.settings import discover\n"
        "print(sorted(discover()), 'org_constructs' in sys.modules, 'boto3' in sys.modules)"
    )
    output = _python(program, _copy(tmp_path), tmp_path)
    assert output.strip() == (f"{sorted(handlers.setting_actions())} False False")


def test_a_new_setting_is_one_new_module(tmp_path: Path) -> None:
    """Nothing else is edited for it."""
    module = (
        "from . import Outcome, Setting\n"
        "class Contacts(Setting):\n"
        "    resource_type = 'Custom::Contacts'\n"
        "    actions = {'account:PutAlternateContact': 'sets it'}\n"
        "    kept = 'the contact stays'\n"
        "    def apply(self, properties, previous, run):\n"
        "        return Outcome(physical_id='contacts')\n"
        "SETTING = Contacts()\n"
    )
    program = "from organization_settings.settings import discover; print(sorted(discover()))"
    output = _python(program, _copy(tmp_path, contacts=module), tmp_path)
    assert "Custom::Contacts" in output


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("", "module 'organization_settings.settings.zzz' has no SETTING"),
        ("from .policy_type import SETTING", "which another setting has"),
    ],
)
def test_a_module_that_is_no_setting_is_refused(module: str, message: str, tmp_path: Path) -> None:
    """A forgotten or doubled SETTING is found by the first test or synthesis, not in AWS."""
    program = (
        "from organization_settings.settings import discover\n"
        "try: discover()\nexcept TypeError as error: print(error)"
    )
    assert message in _python(program, _copy(tmp_path, zzz=module), tmp_path)


def test_the_constructs_side_loads_no_sdk(tmp_path: Path) -> None:
    """Reading the actions needs neither boto3 nor CDK nor Node."""
    program = (
        "import sys\nfrom org_constructs.handlers import setting_actions\nsetting_actions()\n"
        "print([name for name in ('boto3', 'botocore', 'aws_cdk', 'jsii') if name in sys.modules])"
    )
    assert _python(program, dict(os.environ), tmp_path).strip() == "[]"


@pytest.mark.parametrize(("physical_id", "asked"), [("thing/x", True), ("ScpType", False)])
def test_a_setting_may_do_something_when_its_code_goes(
    request_of: Request, serve: Serve, physical_id: str, *, asked: bool
) -> None:
    """It is asked, with its properties; what was never created is not."""
    removed: list[Any] = []

    class Withdrawn(Broken):
        def remove(self, properties: Any, run: Any) -> str:  # noqa: ARG002
            removed.append(properties)
            return "withdrawn"

    known = {"Custom::Broken": Withdrawn()}
    gone = {"ResourceType": "Custom::Broken", "ResourceProperties": {"Name": "x"}}
    event = request_of("Delete", **gone, PhysicalResourceId=physical_id)
    assert serve(event, settings=lambda: known)["Status"] == "SUCCESS"
    assert bool(removed) is asked
    assert removed in ([], [{"Name": "x"}])


def test_a_removal_that_fails_is_told(request_of: Request, serve: Serve) -> None:
    """Nothing is given up silently: the stack keeps what could not be removed."""

    class Stubborn(Broken):
        def remove(self, properties: Any, run: Any) -> str:  # noqa: ARG002
            raise SettingError("it is still in use; let it go first")

    event = request_of("Delete", ResourceType="Custom::Broken", PhysicalResourceId="thing/x")
    answer = serve(event, settings=lambda: {"Custom::Broken": Stubborn()})
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "it is still in use; let it go first"
