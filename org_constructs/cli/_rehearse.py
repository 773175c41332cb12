"""The output of `orgctl rehearse`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.console import Console
from rich.table import Table

from org_constructs.model.errors import OrgError

if TYPE_CHECKING:
    from boto3.session import Session

    from org_constructs.rehearsal import EmbeddedAws
    from org_constructs.rehearsal.cdk_cli import CdkCli, Step


DEFAULT_ACCOUNT = "111111111111"


def serve_only(port: int, account_id: str, region: str, *, out: Console, err: Console) -> int:
    """Serve the embedded AWS until it is interrupted; return an exit code."""
    from org_constructs.rehearsal import serve
    from org_constructs.rehearsal.emulator import EmulatorError

    def announce(endpoint: str) -> None:
        out.print(f"embedded AWS at {endpoint}; Ctrl-C ends it", highlight=False, soft_wrap=True)
        _show_access(endpoint, account_id, region, out)

    try:
        serve(port, account_id=account_id, region=region, announce=announce)
    except (EmulatorError, OSError) as error:
        err.print(
            f"[red]error[/red] the embedded AWS cannot serve on port {port}: {error}",
            highlight=False,
            soft_wrap=True,
        )
        return 1
    return 0


def rehearse_deployment(
    app: Path,
    *,
    port: int,
    account_id: str | None,
    region: str,
    context: Mapping[str, str],
    keep: bool,
    out: Console,
    err: Console,
) -> int:
    """Synthesize, bootstrap and deploy an app to an embedded AWS and print the organization; return an exit code."""
    from org_constructs.model import Lock, OrganizationModel
    from org_constructs.operations.live import read_organization
    from org_constructs.rehearsal import EmbeddedAws, RehearsalError
    from org_constructs.rehearsal.cdk_cli import CdkCli, Step

    if not (app / "cdk.json").is_file():
        err.print(
            f"[red]error[/red] '{app}' has no cdk.json; give the folder of a CDK app",
            highlight=False,
        )
        return 2
    # A terminated process ends its embedded AWS too: SystemExit runs the context managers.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    steps: list[Step] = []
    try:
        with (
            EmbeddedAws.start(port or None, account_id or DEFAULT_ACCOUNT, region) as aws,
            CdkCli(aws, app, context=context) as cdk,
        ):
            steps.append(Step(name="start", exit_code=0, seconds=aws.started_in))
            for name in ("synth", "bootstrap", "deploy"):
                out.rule(f"cdk {name}", style="dim")
                step = _run(name, aws, cdk, account_id)
                steps.append(step)
                if step.exit_code:
                    err.print(
                        f"[red]error[/red] `cdk {name}` ended with {step.exit_code} after "
                        f"{step.seconds:.1f} s; its last lines say why",
                        highlight=False,
                    )
                    return step.exit_code
            out.rule("as deployed", style="dim")
            began = time.monotonic()
            from ._tree import render

            live = read_organization(aws.client("organizations"))
            Lock.of(OrganizationModel.from_assembly(cdk.assembly)).write(cdk.lock_file)
            steps.append(Step(name="read back", exit_code=0, seconds=time.monotonic() - began))
            out.print(render(live))
            out.print(_times(steps))
            if keep:
                _wait(aws.endpoint, aws.account_id, aws.region, out)
    except (RehearsalError, OrgError) as error:
        err.print(f"[red]error[/red] {error}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(name: str, aws: EmbeddedAws, cdk: CdkCli, account_id: str | None) -> Step:
    if name == "synth":
        step = cdk.synth()
        if not step.exit_code and account_id is None:
            _act_for(aws, cdk.assembly)
        return step
    return _bootstrap(aws, cdk) if name == "bootstrap" else cdk.deploy_synthesized()


def _act_for(aws: EmbeddedAws, assembly: Path) -> None:
    """Let the management account be the one that the app's stacks name."""
    from org_constructs.model.assembly import read_assembly

    places = {(stack.account, stack.region) for stack in read_assembly(assembly).stacks}
    if len(places) == 1:
        account_id, region = places.pop()
        aws.act_as(account_id or aws.account_id, region or aws.region)


def _bootstrap(aws: EmbeddedAws, cdk: CdkCli) -> Step:
    """Bootstrap as `make bootstrap` does: with the execution policy that cannot close accounts."""
    from org_constructs.operations.bootstrap import cdk_bootstrap_arguments, deploy_execution_policy

    # It asks its session for clients only; the embedded AWS answers at once, so no long pauses.
    session = cast("Session", aws)
    policy = deploy_execution_policy(session, sleep=lambda _: time.sleep(0.1))
    return cdk.bootstrap(*cdk_bootstrap_arguments(policy, region=aws.region)[2:])


def _times(steps: list[Step]) -> Table:
    table = Table("step", "seconds", box=None, header_style="dim")
    table.columns[1].justify = "right"
    for step in steps:
        table.add_row(step.name, f"{step.seconds:.1f}")
    table.add_row("[bold]all[/bold]", f"[bold]{sum(step.seconds for step in steps):.1f}[/bold]")
    return table


def _wait(endpoint: str, account_id: str, region: str, out: Console) -> None:
    out.print("\nstill running; Ctrl-C ends it")
    _show_access(endpoint, account_id, region, out)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return


def _show_access(endpoint: str, account_id: str, region: str, out: Console) -> None:
    out.print(
        f"to look around:\n"
        f"  export AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID={account_id} "
        f"AWS_SECRET_ACCESS_KEY=rehearsal AWS_DEFAULT_REGION={region}\n"
        f"  aws organizations list-accounts",
        highlight=False,
        soft_wrap=True,
    )
