"""The real CDK CLI with templates as they are: for tests of what CloudFormation does to L1 stacks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from quick_cli import bootstrap

from org_constructs.operations.bootstrap import deploy_execution_policy
from org_constructs.rehearsal import EmbeddedAws
from org_constructs.rehearsal.without_cli import deploy


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
            bootstrap(self.aws, policy.policy_arn)
        else:
            bootstrap(self.aws)

    def prepare(self, resources: dict[str, Any]) -> bool:
        """Deploy resources without the CLI and without rollback; tell whether that succeeded."""
        return deploy(self.aws, Path(self.synthesize(resources))) is None

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
