"""The real CDK CLI with templates as they are: for tests of what CloudFormation does to L1 stacks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from org_constructs.operations.bootstrap import cdk_bootstrap_arguments, deploy_execution_policy
from org_constructs.rehearsal import EmbeddedAws

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class TemplateCli:
    """Runs `cdk` for one stack, whose resources are given as in a template."""

    def __init__(self, aws: EmbeddedAws, folder: Path) -> None:
        self.aws = aws
        self.folder = folder
        self._assemblies = 0

    def bootstrap(self, *, safely: bool) -> None:
        """Bootstrap with an execution role that may do everything, or close no accounts."""
        if safely:
            policy = deploy_execution_policy(self.aws, sleep=lambda _: None)  # type: ignore[arg-type]
            arguments = cdk_bootstrap_arguments(policy, region=self.aws.region)[2:]
        else:
            arguments = ("--cloudformation-execution-policies", ADMINISTRATOR)
        environment = f"aws://{self.aws.account_id}/{self.aws.region}"
        self.run("bootstrap", environment, *arguments)

    def deploy(self, resources: dict[str, Any], *options: str, fails: bool = False) -> str:
        """Deploy resources without rollback, or with the options given; return the output."""
        options = options or ("--no-rollback",)
        approval = ("--require-approval", "never")
        return self.run(
            "deploy", "--app", self.synthesize(resources), *approval, *options, fails=fails
        )

    def adopt(self, resources: dict[str, Any], **ids: dict[str, str]) -> str:
        """Import resources by their ids."""
        mapping = self.folder / "mapping.json"
        mapping.write_text(json.dumps(ids), "utf-8")
        app = ("--app", self.synthesize(resources))
        return self.run("import", *app, "--resource-mapping", str(mapping))

    def synthesize(self, resources: dict[str, Any]) -> str:
        """Write an assembly with one stack and return its folder."""
        import aws_cdk as cdk
        from aws_cdk.cloudformation_include import CfnInclude

        self._assemblies += 1
        template = self.folder / f"template-{self._assemblies}.json"
        template.write_text(json.dumps({"Resources": resources}), "utf-8")
        app = cdk.App(outdir=str(self.folder / f"assembly-{self._assemblies}"))
        place = cdk.Environment(account=self.aws.account_id, region=self.aws.region)
        stack = cdk.Stack(app, "Org", env=place)
        CfnInclude(stack, "Template", template_file=str(template))
        return str(app.synth().directory)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run the CLI, assert how it ends and return what it printed."""
        done = subprocess.run(
            ["cdk", *arguments],
            cwd=self.folder,
            env=self.aws.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
        )
        assert bool(done.returncode) == fails, done.stdout
        return done.stdout
