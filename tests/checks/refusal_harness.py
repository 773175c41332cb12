"""What the tests of checks share: an organization, its findings, and a lock of what is deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from org_constructs import IOrganization, Organization, Root
from org_constructs.model import Lock, OrganizationModel
from org_constructs.validation import LOCK_FILE_KEY

MANAGEMENT_ACCOUNT = "246813579024"
ORGANIZATION_ID = "o-a1b2c3d4e5"
ROOT_ID = "r-ab12"

NewStack = Callable[..., cdk.Stack]
NewApp = Callable[..., cdk.App]


@dataclass(frozen=True)
class Reported:
    """One line of a validation report."""

    code: str
    severity: str
    message: str
    remedy: str
    construct: str


def organization_of(stack: cdk.Stack, **properties: Any) -> IOrganization:
    """Return an existing organization, referred to in `stack`."""
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


def root_of(stack: cdk.Stack, **properties: Any) -> Root:
    """Return the root of an existing organization, referred to in `stack`."""
    return organization_of(stack, **properties).root


def report(scope: cdk.Stack | cdk.App) -> list[Reported]:
    """Synthesize and return all findings, asserting that the outcome agrees with them."""
    app: Any = scope.node.root
    try:
        app.synth()
    except RuntimeError as error:
        assert "ValidationFailed" in str(error), error  # noqa: PT017
        failed = True
    else:
        failed = False
    file = Path(app.outdir) / "validation-report.json"
    data = json.loads(file.read_text("utf-8")) if file.exists() else {"pluginReports": []}
    found = [
        Reported(
            code=violation["ruleName"],
            severity=violation["severity"],
            message=violation["description"],
            remedy=violation["suggestedFix"],
            construct=violation["violatingConstructs"][0]["constructPath"],
        )
        for plugin in data["pluginReports"]
        for violation in plugin["violations"]
        if plugin["pluginName"] == "org-constructs"
    ]
    assert failed == any(finding.severity != "warning" for finding in found), found
    return found


def refusals(scope: cdk.Stack | cdk.App) -> list[Reported]:
    """Return what would stop the deployment."""
    return [finding for finding in report(scope) if finding.severity != "warning"]


def codes(scope: cdk.Stack | cdk.App) -> list[str]:
    """Return the codes of what would stop the deployment."""
    return [finding.code for finding in refusals(scope)]


def refusal(scope: cdk.Stack | cdk.App, code: str) -> Reported:
    """Return the one refusal, asserting its code and that all of it is said."""
    found = refusals(scope)
    assert [finding.code for finding in found] == [code], found
    only = found[0]
    assert only.severity == "fatal"
    assert only.remedy
    assert not only.message.endswith(".")
    return only


def deploy(scope: cdk.Stack | cdk.App, change: Callable[[Lock], Lock] = lambda lock: lock) -> Lock:
    """Pretend that the app is deployed: write the lock of what it synthesizes."""
    app: Any = scope.node.root
    assert codes(app) == []
    lock = change(Lock.of(OrganizationModel.from_assembly(app.outdir)))
    lock.write(app.node.try_get_context(LOCK_FILE_KEY))
    return lock
