"""What the CDK CLI does, done in less time: for tests that prove something else than the CLI.

A command of the CLI takes a second of computing, and an app that it runs more than another one.
`e2e/test_lifecycle.py` uses the CLI throughout and compares what both synthesize.
"""

from __future__ import annotations

import contextlib
import json
import runpy
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from org_constructs.model.assembly import read_assembly
from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.cdk_cli import CdkCli, Step
from org_constructs.rehearsal.without_cli import deploy, publish_assets, status_of

_ROOT = Path(__file__).parent.parent
_BOOTSTRAP = _ROOT / "node_modules/aws-cdk/lib/api/bootstrap/bootstrap-template.yaml"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# What the CLI tells every app, with `versionReporting` off.
_CLI_CONTEXT = {
    "aws:cdk:enable-path-metadata": True,
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:disable-version-reporting": True,
    "aws:cdk:bundling-stacks": ["**"],
}


def bootstrap(aws: EmbeddedAws, *execution_policies: str) -> None:
    """Make the stack that `cdk bootstrap` makes, of the same template.

    Args:
        aws: where.
        execution_policies: ARNs of the policies of the role that CloudFormation deploys with;
            without any it may do everything.
    """
    client = aws.client("cloudformation")
    parameters = {
        "CloudFormationExecutionPolicies": ",".join(execution_policies) or _ADMINISTRATOR,
        "FileAssetsBucketKmsKeyId": "AWS_MANAGED_KEY",
    }
    client.create_stack(
        StackName="CDKToolkit",
        TemplateBody=_BOOTSTRAP.read_text("utf-8"),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    assert _settled(aws, "CDKToolkit") == "CREATE_COMPLETE"


class AppInProcess(CdkCli):
    """The CDK CLI for an app that is run in this process, where jsii is warm."""

    def synth(self, *arguments: str) -> Step:
        """Synthesize the app, which must succeed; of an assembly there is nothing to do."""
        assert not arguments
        if self.is_synthesized:
            return super().synth()
        began = time.monotonic()
        synthesize(self._app, self.assembly, self._context)
        return Step(name="synth", exit_code=0, seconds=time.monotonic() - began)

    def deploy(self, *arguments: str) -> Step:
        """Synthesize, and deploy all stacks."""
        self.synth()
        return self.deploy_synthesized(*arguments)


class WithoutCli(AppInProcess):
    """What the CDK CLI does, by CloudFormation's API."""

    def bootstrap(self, *arguments: str) -> Step:
        """Bootstrap; of the CLI's options only that on the deployment's role is known."""
        began = time.monotonic()
        option, *policies = arguments or ("--cloudformation-execution-policies",)
        assert option == "--cloudformation-execution-policies"
        bootstrap(self._aws, *policies)
        return Step(name="bootstrap", exit_code=0, seconds=time.monotonic() - began)

    def deploy_assembly(self, assembly: Path, *arguments: str) -> Step:
        """Deploy all stacks of an assembly; the output tells what CloudFormation says of failures."""
        assert not arguments
        began = time.monotonic()
        publish_assets(self._aws, assembly)
        failure = deploy(self._aws, assembly)
        return Step(
            name="deploy",
            exit_code=int(failure is not None),
            seconds=time.monotonic() - began,
            output="" if failure is None else "\n".join(_reasons(self._aws, failure.name)),
        )

    def destroy_synthesized(self, *arguments: str) -> Step:
        """Delete all stacks of the assembly, the last one first."""
        assert not arguments
        began = time.monotonic()
        client = self._aws.client("cloudformation")
        for stack in reversed(read_assembly(self.assembly).stacks):
            client.delete_stack(StackName=stack.name)
            assert _settled(self._aws, stack.name) in {None, "DELETE_COMPLETE"}
        return Step(name="destroy", exit_code=0, seconds=time.monotonic() - began)


def synthesize(folder: Path, assembly: Path, context: Mapping[str, Any]) -> None:
    """Run the app in a folder as the CLI does, but in this process.

    Args:
        folder: the app, with its cdk.json; its program is `app.py`.
        assembly: where the assembly is written.
        context: values that win over those of cdk.json.
    """
    import aws_cdk as cdk

    config = json.loads((folder / "cdk.json").read_text("utf-8"))
    told = {**config.get("context", {}), **context, **_CLI_CONTEXT}

    class App(cdk.App):
        def __init__(self) -> None:
            super().__init__(outdir=str(assembly), context=told)

    with _modules_of(folder), contextlib.chdir(folder), mock.patch.object(cdk, "App", App):
        runpy.run_path("app.py", run_name="__main__")


@contextlib.contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Import what lies in a folder from there, and let nothing of it stay."""
    own = {path.stem for path in folder.iterdir()}
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] in own}
    for name in kept:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] in own]:
            del sys.modules[name]
        sys.modules.update(kept)


def _reasons(aws: EmbeddedAws, stack: str) -> list[str]:
    """Return what CloudFormation says of each resource that failed, with its logical id."""
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]


def _settled(aws: EmbeddedAws, stack: str) -> str | None:
    client = aws.client("cloudformation")
    while (status := status_of(client, stack)) is not None and status.endswith("_IN_PROGRESS"):
        time.sleep(0.01)
    return status
