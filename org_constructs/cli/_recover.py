"""The output and exit codes of `orgctl recover`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ._refusal import say


def recover_orphans(
    assembly: Path,
    *,
    email: str | None,
    request_id: str | None,
    lock_file: Path,
    confirmed: bool,
    region: str | None,
    profile: str | None,
    out: Console,
    err: Console,
) -> int:
    """Show how orphans come under their stacks, and do it where that is confirmed."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from org_constructs.model import Lock, OrganizationModel, OrgError
    from org_constructs.model.alignment import lock_after
    from org_constructs.operations.recovery import Recovery, RecoveryError, find_orphans

    cdk = shutil.which("cdk")
    if cdk is None:
        err.print(
            "[red]error[/red] the CDK CLI is not on PATH; add the folder node_modules/.bin that "
            "has it, or run `make recover` in the clone",
            highlight=False,
            soft_wrap=True,
        )
        return 2
    model = OrganizationModel.from_assembly(assembly)
    regions = {stack.region for stack in model.assembly.stacks if stack.region}
    region = region or (regions.pop() if len(regions) == 1 else None)

    # A terminated process ends the CDK CLI too; CloudFormation goes on with what it has begun.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))

    def run(arguments: Sequence[str]) -> int:
        environment = {**os.environ, **({"AWS_PROFILE": profile} if profile else {})}
        done = subprocess.run([cdk, *arguments], env=environment, check=False)  # noqa: S603
        return done.returncode

    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        orphans = find_orphans(model, session, email=email, request_id=request_id)
        # The copies are named in the plan, so they outlive a plan that is only shown.
        folder = Path(tempfile.mkdtemp(prefix="org-constructs-recovery-"))
        tasks = Recovery(assembly, orphans, session, folder, run).tasks()
        for orphan in orphans:
            out.print(
                f"{orphan.kind} {orphan.id} ({escape(orphan.name)}) exists, and no stack holds it; "
                f"{escape(orphan.declared.path)} declares it",
                highlight=False,
                soft_wrap=True,
            )
        for number, task in enumerate(tasks, start=1):
            out.print(
                f"[bold]{number}. {escape(task.title)}[/bold]\n   {escape(task.command)}",
                highlight=False,
                soft_wrap=True,
            )
            if confirmed:
                task.run()
        if not confirmed:
            out.print("nothing has been done; the same command with --yes does it", highlight=False)
            return 0
        shutil.rmtree(folder, ignore_errors=True)
        previous = None
        # A lock that cannot be understood is replaced, as `orgctl lock` does.
        with suppress(OrgError):
            previous = Lock.read(lock_file)
        lock_after(model, previous).write(lock_file)
    except (RecoveryError, BotoCoreError, ClientError) as error:
        err.print(f"[red]error[/red] {say(error)}", highlight=False, soft_wrap=True)
        return 1
    out.print(f"[green]recovered[/green]; commit {lock_file}", highlight=False, soft_wrap=True)
    return 0
