"""The output of `orgctl bootstrap`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ._refusal import say


def bootstrap_management_account(
    assembly: Path | None, region: str | None, profile: str | None, *, out: Console, err: Console
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

    expected, region = _place_of(assembly, region)
    cdk = shutil.which("cdk")
    if cdk is None:
        err.print(
            "[red]error[/red] the CDK CLI is not on PATH; add the folder node_modules/.bin that "
            "has it, or run `make bootstrap` in the clone",
            highlight=False,
            soft_wrap=True,
        )
        return 2
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        account_id = session.client("sts").get_caller_identity()["Account"]
        if expected not in (None, account_id):
            err.print(
                f"[red]error[/red] the credentials are of account {account_id}, the app deploys to "
                f"{expected}; sign in to {expected}, nothing has been done",
                highlight=False,
                soft_wrap=True,
            )
            return 1
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
        err.print(f"[red]error[/red] {say(error)}", highlight=False, soft_wrap=True)
        return 1
    for danger in dangers:
        err.print(f"[red]danger[/red] {escape(danger)}", highlight=False, soft_wrap=True)
    if not dangers:
        out.print(
            "[green]safe[/green] the role that CloudFormation deploys with cannot close an account"
        )
    return 1 if dangers else 0


def _place_of(assembly: Path | None, region: str | None) -> tuple[str | None, str]:
    """Return the account and Region to which an app deploys its organization, as far as known."""
    from org_constructs.model import OrganizationModel

    stacks = OrganizationModel.from_assembly(assembly).assembly.stacks if assembly else ()
    accounts = {stack.account for stack in stacks if stack.account}
    regions = {stack.region for stack in stacks if stack.region}
    return (
        accounts.pop() if len(accounts) == 1 else None,
        region or (regions.pop() if len(regions) == 1 else "us-east-1"),
    )
