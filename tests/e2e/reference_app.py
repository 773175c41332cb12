"""The reference app in a folder of its own, deployed with the real CDK CLI to an embedded AWS."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from org_constructs.cli._app import app as orgctl
from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.cdk_cli import CdkCli, Step

ROOT = Path(__file__).parents[2]
STACKS = ("Organization", "OrganizationFoundation")


class App:
    """A copy of the reference app that a test may edit, and the AWS to which it is deployed."""

    def __init__(self, folder: Path, aws: EmbeddedAws, cdk: CdkCli) -> None:
        self.folder = folder
        self.aws = aws
        self.cdk = cdk
        self.organizations = aws.client("organizations")
        self.cloudformation = aws.client("cloudformation")

    def edit_settings(self, edit: Callable[[dict[str, Any]], object]) -> None:
        """Change the settings in cdk.json."""
        file = self.folder / "cdk.json"
        config = json.loads(file.read_text("utf-8"))
        edit(config["context"]["org"])
        file.write_text(json.dumps(config, indent=2), "utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        """Change the app's source at one place that must exist."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{file} no longer has {old!r} once"
        path.write_text(text.replace(old, new), "utf-8")

    def orgctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `orgctl` in the app's folder."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "orgctl"), *arguments],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
        )

    def lock(self, *arguments: str) -> None:
        """Do as `orgctl lock` on the lock file that the CDK CLI is told of; it must succeed."""
        assembly, file = str(self.cdk.assembly), str(self.lock_file)
        done = CliRunner().invoke(orgctl, ["lock", assembly, "--file", file, *arguments])
        assert done.exit_code == 0, done.output

    @property
    def lock_file(self) -> Path:
        """The lock file that synthesis reads."""
        return self.cdk.lock_file

    def deploy_assembly(self) -> Step:
        """Deploy the assembly that is written with the CDK CLI, without synthesis."""
        return self.plain("deploy", "--all", "--app", str(self.cdk.assembly))

    def destroy_assembly(self) -> Step:
        """Destroy the stacks of the assembly that is written with the CDK CLI."""
        return self.plain("destroy", "--all", "--force", "--app", str(self.cdk.assembly))

    def plain(self, command: str, *arguments: str) -> Step:
        """Run `cdk` in the app's folder with these arguments only, as a person types it."""
        began = time.monotonic()
        done = subprocess.run(
            ["cdk", command, *arguments],
            cwd=self.folder,
            env=self.aws.environment(),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        seconds = time.monotonic() - began
        return Step(name=command, exit_code=done.returncode, seconds=seconds, output=done.stdout)

    def restore(self) -> None:
        """Make the app what it is in this repository again; forget lock and assembly."""
        copy_app(self.folder)
        self.lock_file.unlink(missing_ok=True)
        shutil.rmtree(self.cdk.assembly, ignore_errors=True)

    def number(self) -> int:
        """Return the number of the last call to Organizations."""
        return max((call["n"] for call in self.aws.calls()), default=0)

    def writes(self, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Return what was written to Organizations after a call: operations and parameters."""
        return [
            (call["operation"], call["params"])
            for call in self.aws.calls(since)
            if not call["read"] and call["caller"] == self.aws.account_id
        ]

    def stacks(self) -> dict[str, str]:
        """Return the status of each stack of the app that exists."""
        pages = self.cloudformation.get_paginator("list_stacks").paginate()
        return {
            stack["StackName"]: stack["StackStatus"]
            for page in pages
            for stack in page["StackSummaries"]
            if stack["StackName"] in STACKS and stack["StackStatus"] != "DELETE_COMPLETE"
        }

    def outcome(self, stack: str) -> tuple[str, bool]:
        """Return a stack's status and whether it is protected from being deleted."""
        found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return found["StackStatus"], found["EnableTerminationProtection"]

    def resources(self, stack: str) -> set[str]:
        """Return the logical ids of a stack's resources, of none when the stack does not exist."""
        if stack not in self.stacks():
            return set()
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            resource["LogicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceStatus"] != "DELETE_COMPLETE"
        }

    def unprotect(self) -> None:
        """Turn the termination protection of the app's stacks off."""
        for stack in STACKS:
            self.cloudformation.update_termination_protection(
                StackName=stack, EnableTerminationProtection=False
            )

    def picture(self) -> Picture:
        """Return the organization as AWS shows it."""
        return Picture.of(self.organizations)


class Picture:
    """Ids of an organization by readable path, as AWS shows them.

    Attributes:
        organization: the organization's id.
        units: ids of the OUs by their path of names, such as `Workloads/Production`.
        accounts: ids of the member accounts by e-mail.
        places: the OU's path of each account, by e-mail.
        states: the state of each account, by e-mail.
        policies: ids of the service control policies by name, AWS's own left out.
    """

    def __init__(self) -> None:
        self.organization = ""
        self.units: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.policies: dict[str, str] = {}

    @classmethod
    def of(cls, client: Any) -> Picture:
        """Read the organization."""
        picture = cls()
        picture.organization = client.describe_organization()["Organization"]["Id"]
        root = client.list_roots()["Roots"][0]
        picture._add(client, root["Id"], "")
        if any(entry["Status"] == "ENABLED" for entry in root["PolicyTypes"]):
            policies = client.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
            picture.policies = {p["Name"]: p["Id"] for p in policies if not p["AwsManaged"]}
        return picture

    def _add(self, client: Any, parent: str, path: str) -> None:
        for page in client.get_paginator("list_accounts_for_parent").paginate(ParentId=parent):
            for account in page["Accounts"]:
                self.accounts[account["Email"]] = account["Id"]
                self.places[account["Email"]] = path
                self.states[account["Email"]] = account["State"]
        units = client.get_paginator("list_organizational_units_for_parent")
        for page in units.paginate(ParentId=parent):
            for unit in page["OrganizationalUnits"]:
                below = f"{path}/{unit['Name']}".lstrip("/")
                self.units[below] = unit["Id"]
                self._add(client, unit["Id"], below)


@dataclass
class Story:
    """What was seen at each step of one organization's life."""

    app: App
    steps: dict[str, Step] = field(default_factory=dict)
    writes: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    stacks: dict[str, dict[str, str]] = field(default_factory=dict)
    resources: dict[str, set[str]] = field(default_factory=dict)

    def record(self, name: str, run: Callable[[], Step]) -> Step:
        """Run one step and remember what it did to AWS."""
        before = self.app.number()
        step = run()
        self.steps[name] = step
        self.writes[name] = self.app.writes(before)
        self.calls[name] = len(self.app.aws.calls(before))
        self.pictures[name] = self.app.picture()
        self.stacks[name] = self.app.stacks()
        self.resources[name] = self.app.resources("Organization")
        return step

    def operations(self, name: str) -> list[str]:
        """Return the names of what a step wrote."""
        return [operation for operation, _ in self.writes[name]]


def copy_app(folder: Path) -> None:
    """Copy the reference app, without the library, and let this interpreter run it."""
    shutil.copy(ROOT / "app.py", folder)
    shutil.copytree(
        ROOT / "stacks",
        folder / "stacks",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    config = json.loads((ROOT / "cdk.json").read_text("utf-8"))
    # Whatever this clone's settings have become, the reference organization is deployed.
    reference = ROOT / "tests/reference_settings.json"
    config["context"]["org"] = json.loads(reference.read_text("utf-8"))
    config["app"] = f"{shlex.quote(sys.executable)} app.py"
    (folder / "cdk.json").write_text(json.dumps(config, indent=2), "utf-8")


def succeeded(step: Step) -> Step:
    """Return a step that ended well; show its output otherwise."""
    assert step.exit_code == 0, f"cdk {step.name} ended with {step.exit_code}:\n{step.output}"
    return step
