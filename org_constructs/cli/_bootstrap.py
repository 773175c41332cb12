"""The output of `orgctl bootstrap`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from rich.console import Console


def bootstrap_management_account(
    region: str, profile: str | None, *, out: Console, err: Console
) -> int:
    """Deploy the execution policy, run `cdk bootstrap` with it, and check the role that results."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from org_constructs.operations.bootstrap import (
        BootstrapError,
        cdk_bootstrap_arguments,
        check_execution_role,
        deploy_execution_policy,
    )

    cdk = shutil.which("cdk")
    if cdk is None:
        err.print(
            "[red]error[/red] the CDK CLI is not on PATH; run `make bootstrap`", highlight=False
        )
        return 2
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        account_id = session.client("sts").get_caller_identity()["Account"]
        out.print(f"account {account_id}, region {region}", highlight=False)
        policy = deploy_execution_policy(session, report=out.print)
        # In an empty folder: bootstrapping reads no app, so no setting can stop it.
        with tempfile.TemporaryDirectory() as empty:
            environment = {**os.environ, **({"AWS_PROFILE": profile} if profile else {})}
            arguments = [*cdk_bootstrap_arguments(policy, region=region)]
            done = subprocess.run([cdk, *arguments], cwd=empty, env=environment, check=False)  # noqa: S603
        if done.returncode:
            err.print(
                f"[red]error[/red] `cdk bootstrap` ended with {done.returncode}", highlight=False
            )
            return done.returncode
        dangers = check_execution_role(session, account_id=account_id, region=region)
    except (BootstrapError, BotoCoreError, ClientError) as error:
        err.print(f"[red]error[/red] {error}", highlight=False, soft_wrap=True, markup=True)
        return 1
    for danger in dangers:
        err.print(f"[red]danger[/red] {danger}", highlight=False, soft_wrap=True)
    if not dangers:
        out.print(
            "[green]safe[/green] the role that CloudFormation deploys with cannot close an account"
        )
    return 1 if dangers else 0
