"""The validation plugin: registered by itself, once, and never content because it failed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from refusal_harness import (
    MANAGEMENT_ACCOUNT,
    NewApp,
    NewStack,
    organization_of,
    refusal,
    report,
    root_of,
)

from org_constructs import OrgError, PolicyType
from org_constructs.checks import (
    CheckContext,
    Finding,
    Severity,
    acknowledgeable_codes,
    rules,
    run_checks,
)
from org_constructs.guardrails import DenyRootUser
from org_constructs.model import OrganizationModel
from org_constructs.validation import LOCK_FILE_KEY, OrganizationValidation


def test_fails_when_a_check_raises(new_stack: NewStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that raises would end in a deployment: any exception is a refusal."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")

    def fail(_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("org_constructs._findings.run_checks", fail)
    found = refusal(stack, "ORG000")
    assert "the validation itself failed: KeyError: 'oops'" in found.message


def test_fails_when_the_checks_cannot_be_loaded(
    new_stack: NewStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are loaded late, so a broken one is found when nothing but a report can stop CDK."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    monkeypatch.setitem(sys.modules, "org_constructs._findings", None)
    found = refusal(stack, "ORG000")
    assert "the validation itself failed: ModuleNotFoundError" in found.message


def test_fails_when_finishing_raises(new_stack: NewStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception while the chain is made is a refusal with its type."""
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")

    def fail(*_: object) -> None:
        raise LookupError("oops")

    monkeypatch.setattr("org_constructs._finish._chain_stacks", fail)
    assert "LookupError: oops" in refusal(stack, "ORG000").message


def test_registered_once(new_app: NewApp, new_stack: NewStack) -> None:
    """However many constructs and stacks an app has, each finding is reported once."""
    app = new_app()
    for id in ("A", "B"):
        root = root_of(new_stack(app, id))
        root.add_organizational_unit("One", name="same")
        root.add_organizational_unit(f"Two{id}", name=f"two{id}")
    found = report(app)
    assert [f.code for f in found] == ["ORG102"]


def test_silent_without_findings(new_stack: NewStack) -> None:
    """An organization that is in order has no findings."""
    stack = new_stack()
    organization = organization_of(stack)
    organization.enable_policy_type(PolicyType.SERVICE_CONTROL_POLICY)
    unit = organization.root.add_organizational_unit("Unit", guardrails=[DenyRootUser()])
    unit.add_account("a", email="a.x@corp.com")
    assert not report(stack)


def test_an_app_without_an_organization_is_left_alone(new_app: NewApp, new_stack: NewStack) -> None:
    """The library registers nothing until it is used."""
    app = new_app()
    cdk.CfnResource(new_stack(app), "Bucket", type="AWS::S3::Bucket")
    assert not report(app)


def test_plugin_properties() -> None:
    """Jsii reads the plugin's name, version and rules as properties."""
    plugin = OrganizationValidation(object())  # type: ignore[arg-type]
    assert plugin.name == "org-constructs"
    assert plugin.version
    assert plugin.rule_ids == []
    for name in ("name", "version", "rule_ids"):
        assert isinstance(getattr(OrganizationValidation, name), property)


def test_fails_to_acknowledge_without_a_reason_or_what_cannot_be(new_stack: NewStack) -> None:
    """An acknowledgement has a reason, and a code for which one may stand."""
    for acknowledge in ({"ORG106": ""}, {"ORG001": "a reason"}, {"ORG999": "a reason"}):
        with pytest.raises(OrgError) as caught:
            root_of(new_stack(), acknowledge=acknowledge)
        assert caught.value.code == "ORG010"


def test_acknowledgeable_codes() -> None:
    """What is impossible at AWS, or would lose something, is not among them; judgements are."""
    judgements = {f"ORG{number}" for number in range(200, 219)}
    assert acknowledgeable_codes() - judgements == {
        "ORG040",
        "ORG106",
        "ORG114",
        "ORG116",
        "ORG117",
        "ORG121",
        "ORG122",
        "ORG131",
        "ORG134",
        "ORG135",
        "ORG137",
        "ORG139",
        "ORG141",
        "ORG142",
        "ORG156",
    }
    assert judgements <= acknowledgeable_codes()
    loaded = {code for rule in rules() for code in getattr(rule, "ACKNOWLEDGEABLE", ())}
    assert loaded == acknowledgeable_codes()


def test_codes_are_known_without_loading_the_rules() -> None:
    """Which codes may be acknowledged is asked early; the model waits until Node writes."""
    program = """
import sys
from org_constructs.checks import acknowledgeable_codes
assert "ORG131" in acknowledgeable_codes()
assert not [name for name in sys.modules if name.startswith(("org_constructs.model.", "org_constructs.checks."))]
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_rule_is_complete() -> None:
    """A rule has a check and says in its docstring what holds."""
    names = [rule.__name__.rpartition(".")[2] for rule in rules()]
    assert len(names) > 15
    assert "coverage_gaps" in names
    for rule in rules():
        assert callable(rule.check)
        assert rule.__doc__
        assert rule.check.__doc__


def test_rules_find_nothing_in_nothing() -> None:
    """An empty organization has no findings."""
    assert run_checks(CheckContext(model=OrganizationModel.from_templates({}))) == []


def test_findings_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings come by code and path, so that two syntheses report alike."""

    class Rule:
        @staticmethod
        def check(_: CheckContext) -> Iterator[Finding]:
            for code, path in (("ORG2", "a"), ("ORG1", "b"), ("ORG1", "a")):
                yield Finding(
                    code=code, severity=Severity.ERROR, message="m", remedy="r", path=path
                )

    monkeypatch.setattr("org_constructs.checks.rules", lambda: (Rule,))
    found = run_checks(CheckContext(model=OrganizationModel.from_templates({})))
    assert [(f.code, f.path) for f in found] == [("ORG1", "a"), ("ORG1", "b"), ("ORG2", "a")]


def test_the_lock_of_the_whole_does_not_judge_a_unit_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The lock beside the app is read by itself, with or without CDK's CLI, but by no unit test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "organization.lock.json").write_text("broken", "utf-8")

    def declare(outdir: str) -> cdk.Stack:
        env = cdk.Environment(account=MANAGEMENT_ACCOUNT, region="us-east-1")
        stack = cdk.Stack(cdk.App(outdir=outdir), "Org", env=env)
        root_of(stack).add_organizational_unit("Unit")
        assert stack.node.try_get_context(LOCK_FILE_KEY) is None
        return stack

    assert not report(declare(str(tmp_path / "one")))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert refusal(declare(str(tmp_path / "two")), "ORG120")


def test_warnings_and_errors(new_stack: NewStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning passes, an error stops; both are shown with construct and line."""
    stack = new_stack()
    unit = root_of(stack).add_organizational_unit("Unit")

    def find(severity: Severity) -> Any:
        return lambda _: [
            Finding(
                code="ORG199",
                severity=severity,
                message="something is off",
                remedy="put it on",
                path=unit.node.path,
            )
        ]

    monkeypatch.setattr("org_constructs._findings.run_checks", find(Severity.WARNING))
    found = report(stack)
    assert [f.severity for f in found] == ["warning"]
    assert "test_validation_plugin.py:" in found[0].message
    stack = new_stack()
    root_of(stack).add_organizational_unit("Unit")
    monkeypatch.setattr("org_constructs._findings.run_checks", find(Severity.ERROR))
    assert [f.severity for f in report(stack)] == ["error"]
