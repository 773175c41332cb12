"""The account is bootstrapped, and the role that CloudFormation deploys with loses no account.

Law of the house: retaining does not stop a rollback from closing what it has just created. An
explicit Deny on the role does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from org_constructs.handlers import function_actions
from org_constructs.operations.bootstrap import (
    BOUNDARY_NAME,
    FORBIDDEN_ACTIONS,
    QUALIFIER,
    STACK_NAME,
    BootstrapError,
    check_execution_role,
    execution_policy_template,
)

from ._line import Line, failed, passed, unknown
from ._situation import Situation

POSITION = 30
# What lets a role do more, and not what lets it lose an account.
ACKNOWLEDGEABLE = True

_VERSION_PARAMETER = re.compile(r"/cdk-bootstrap/([a-z0-9]{1,10})/version")
_REMEDY = "run `make bootstrap`"


def look(situation: Situation) -> Iterator[Line]:
    """Look at CDK's bootstrap, at the role and at its boundary."""
    for qualifier, version in sorted(_needed(situation).items()):
        found = _version(situation, qualifier)
        if found is None:
            yield failed(
                f"the account is not bootstrapped in {situation.region} with qualifier "
                f"'{qualifier}'",
                _REMEDY,
                acknowledgeable=False,
            )
            continue
        if found < version:
            yield failed(
                f"the bootstrap has version {found}, the app needs {version}",
                _REMEDY,
                acknowledgeable=False,
            )
            continue
        yield passed(f"bootstrapped with qualifier '{qualifier}', version {found}")
        yield from _role(situation, qualifier)
    yield from _boundary(situation)


def _needed(situation: Situation) -> dict[str, int]:
    """Return the bootstrap version that the app needs, by qualifier."""
    needed: dict[str, int] = {}
    for stack in situation.management_stacks:
        properties = _artifact(stack.folder, stack.id)
        parameter = str(properties.get("bootstrapStackVersionSsmParameter", ""))
        if match := _VERSION_PARAMETER.fullmatch(parameter):
            version = int(properties.get("requiresBootstrapStackVersion", 0))
            needed[match[1]] = max(version, needed.get(match[1], 0))
    return needed or {QUALIFIER: 0}


def _artifact(folder: Path | None, id: str) -> dict[str, Any]:
    """Return the properties of a stack in the manifest of its assembly."""
    try:
        manifest = json.loads(((folder or Path()) / "manifest.json").read_text("utf-8"))
        properties: dict[str, Any] = manifest["artifacts"][id]["properties"]
    except (OSError, ValueError, KeyError):
        # Templates alone are no assembly; CDK's defaults hold.
        return {}
    return properties


def _version(situation: Situation, qualifier: str) -> int | None:
    client = situation.session.client("ssm", region_name=situation.region)

    def read() -> int | None:
        try:
            answer = client.get_parameter(Name=f"/cdk-bootstrap/{qualifier}/version")
        except client.exceptions.ParameterNotFound:
            return None
        return int(answer["Parameter"]["Value"])

    return situation.ask("ssm:GetParameter", read)


def _role(situation: Situation, qualifier: str) -> Iterator[Line]:
    account = str(situation.identity["Account"])
    try:
        dangers = check_execution_role(
            situation.session, account_id=account, region=situation.region, qualifier=qualifier
        )
    except BootstrapError as error:
        if "NoSuchEntity" in str(error):
            yield failed(str(error), _REMEDY, acknowledgeable=False)
        else:
            yield unknown(
                str(error),
                "allow iam:ListAttachedRolePolicies and iam:SimulatePrincipalPolicy to the caller",
            )
        return
    for danger in dangers:
        what, _, remedy = danger.rpartition("; ")
        # A second policy may be there for a reason, docs/bootstrap.md; a missing Deny may not.
        yield failed(
            what, remedy, acknowledgeable=not any(action in what for action in FORBIDDEN_ACTIONS)
        )
    if not dangers:
        yield passed("the role that CloudFormation deploys with cannot lose an account")


def _boundary(situation: Situation) -> Iterator[Line]:
    """Look at the policies that the role is made of: there, and those of this version."""
    account = situation.identity["Account"]
    partition = str(situation.identity["Arn"]).split(":")[1]
    iam = situation.client("iam")
    arn = f"arn:{partition}:iam::{account}:policy/{BOUNDARY_NAME}"

    def is_there() -> bool:
        try:
            iam.get_policy(PolicyArn=arn)
        except iam.exceptions.NoSuchEntityException:
            return False
        return True

    if not situation.ask("iam:GetPolicy", is_there):
        yield failed(
            f"there is no boundary '{BOUNDARY_NAME}' for the roles that the stacks make",
            _REMEDY,
            acknowledgeable=False,
        )
        return
    client = situation.session.client("cloudformation", region_name=situation.region)
    outdated = situation.ask("cloudformation:GetTemplate", lambda: _outdated(client))
    if outdated:
        yield failed(outdated, f"{_REMEDY} again, as after each upgrade of this library")
    else:
        yield passed(f"boundary '{BOUNDARY_NAME}' is that of this version")


def _outdated(client: Any) -> str:
    """Return what the bootstrap of another version of this library lacks; empty for nothing."""
    stack = client.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", ())}
    allowed = set(parameters.get("SettingActions", "").split(","))
    missing = set(function_actions()) - allowed
    if missing:
        return f"the functions may not call {', '.join(sorted(missing))}"
    body = client.get_template(StackName=STACK_NAME)["TemplateBody"]
    if isinstance(body, str) and body.strip() != execution_policy_template().strip():
        return f"stack '{STACK_NAME}' is of another version of this library"
    return ""
