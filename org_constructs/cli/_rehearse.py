"""The output and exit codes of `orgctl rehearse`."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from org_constructs.model.errors import OrgError

if TYPE_CHECKING:
    from boto3.session import Session

    from org_constructs.rehearsal import EmbeddedAws
    from org_constructs.rehearsal.cdk_cli import CdkCli, Step
    from org_constructs.rehearsal.steps import Outcome, Rehearsal, StepName


DEFAULT_ACCOUNT = "111111111111"

# Exit codes; 0 means converged without a gap.
FAILED = 1
USAGE = 2
NOT_CONVERGED = 3
GAPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be rehearsed, and how.

    Attributes:
        app: folder of the app or of its assembly.
        steps: the steps, in order.
        change: the app or assembly that the step `change` deploys; None for the same app.
        change_context: context that differs in the step `change`.
        faults: what goes wrong in the step `fail`.
        seed: an organization that is there at the beginning, as `orgctl snapshot` writes it.
        port: the port on loopback; 0 takes a free one.
        account_id: the management account; None for the one that the app names.
        region: the Region.
        context: context for the app.
        keep: whether to leave it running in the end.
        as_json: whether the result is one JSON document on standard output.
    """

    app: Path
    steps: Sequence[StepName]
    change: Path | None = None
    change_context: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()
    seed: Mapping[str, Any] | None = None
    port: int = 0
    account_id: str | None = None
    region: str = "us-east-1"
    context: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    as_json: bool = False


def serve_only(
    port: int,
    account_id: str,
    region: str,
    *,
    out: Console,
    err: Console,
) -> int:
    """Serve the embedded AWS until it is interrupted; return an exit code."""
    from org_constructs.rehearsal import serve
    from org_constructs.rehearsal.emulator import EmulatorError

    def announce(endpoint: str) -> None:
        out.print(f"embedded AWS at {endpoint}; Ctrl-C ends it", highlight=False, soft_wrap=True)
        _show_access(endpoint, account_id, region, out)

    try:
        serve(port, account_id=account_id, region=region, announce=announce)
    except EmulatorError as error:
        err.print(
            f"[red]error[/red] the embedded AWS cannot serve: {error}",
            highlight=False,
            soft_wrap=True,
        )
        return FAILED
    except OSError as error:
        err.print(
            f"[red]error[/red] the embedded AWS cannot serve on port {port}: "
            f"{error.strerror or error}; give another --port, or none for a free one",
            highlight=False,
            soft_wrap=True,
        )
        return FAILED
    return 0


def rehearse(request: Request, *, out: Console, err: Console) -> int:
    """Rehearse an app on an embedded AWS and print the verdict; return an exit code."""
    from org_constructs.rehearsal import RehearsalError

    # A terminated process ends its embedded AWS too: SystemExit runs the context managers.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    # Standard output belongs to the document, if there is to be one.
    show = err if request.as_json else out
    try:
        with _running(request, show) as rehearsal:
            return _rehearse(request, rehearsal, out=out, show=show, err=err)
    except (RehearsalError, OrgError) as error:
        err.print(f"[red]error[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        if request.as_json:
            _write(out, {"exit_code": FAILED, "error": str(error), "steps": []})
        return FAILED
    except KeyboardInterrupt:
        return 130


@contextmanager
def _running(request: Request, show: Console) -> Iterator[Rehearsal]:
    from org_constructs.evaluation.coverage import lost_denials
    from org_constructs.rehearsal import EmbeddedAws
    from org_constructs.rehearsal.cdk_cli import CdkCli
    from org_constructs.rehearsal.steps import Rehearsal

    from ._reader import EmbeddedReader

    stream = sys.stderr if request.as_json else None
    seed = request.seed or {}
    account = request.account_id or seed.get("management_account_id") or DEFAULT_ACCOUNT
    with ExitStack() as running:
        aws = running.enter_context(
            EmbeddedAws.start(request.port or None, account, request.region)
        )
        if request.seed is not None:
            aws.seed_from(request.seed)
        cdk = running.enter_context(
            CdkCli(aws, request.app, context=request.context, stream=stream)
        )
        changed = None
        if request.change is not None or request.change_context:
            changed = running.enter_context(
                CdkCli(
                    aws,
                    request.change or request.app,
                    context={**request.context, **request.change_context},
                    stream=stream,
                    lock_file=cdk.lock_file,
                )
            )
        yield Rehearsal(
            aws=aws,
            cdk=cdk,
            changed=changed,
            faults=request.faults,
            reader=EmbeddedReader(aws),
            bootstrap=lambda: _bootstrap(aws, cdk),
            recover=lambda app: _recover(aws, app),
            denials=lost_denials,
            announce=lambda title: show.rule(title, style="dim"),
        )


def _rehearse(
    request: Request, rehearsal: Rehearsal, *, out: Console, show: Console, err: Console
) -> int:
    from ._verdict import account_names, show_verdict

    aws = rehearsal.aws
    outcomes: list[Outcome] = []
    if request.account_id is None:
        rehearsal.on_synthesized = lambda assembly: _act_for(aws, assembly, request.seed)
    for name in request.steps:
        outcome = rehearsal.run(name)
        outcomes.append(outcome)
        if outcome.verdict is None:
            last = outcome.runs[-1]
            err.print(
                f"[red]error[/red] `cdk {last.name}` ended with {last.exit_code} after "
                f"{last.seconds:.1f} s; its last lines say why",
                highlight=False,
            )
            break
        if not outcome.converged:
            break
    snapshot = rehearsal.reader.snapshot()
    code = _exit_code(outcomes)
    if any(outcome.verdict for outcome in outcomes):
        show.rule("as deployed", style="dim")
        began = time.monotonic()
        _show_tree(rehearsal, snapshot, show)
        show.print(_times(aws.started_in, outcomes, time.monotonic() - began))
        for outcome in outcomes:
            show_verdict(outcome, account_names(snapshot), show)
        if snapshot is None and request.seed is None and code == NOT_CONVERGED:
            err.print(
                "nothing made an organization, and there is none here; if the app refers to one "
                "that exists, rehearse on a copy of it: orgctl snapshot writes the file for "
                "--seed-from",
                highlight=False,
                soft_wrap=True,
            )
        else:
            _show_remedy(outcomes, err)
    if request.as_json:
        _write(
            out,
            {
                "exit_code": code,
                "management_account_id": aws.account_id,
                "region": aws.region,
                "steps": [outcome.to_json() for outcome in outcomes],
                "organization": snapshot,
            },
        )
    if request.keep:
        _wait(aws.endpoint, aws.account_id, aws.region, show)
    return code


def _write(out: Console, document: Mapping[str, Any]) -> None:
    # As it is: the console would wrap it.
    out.file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    out.file.flush()


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    if any(outcome.verdict is None for outcome in outcomes):
        return FAILED
    if not all(outcome.converged for outcome in outcomes):
        return NOT_CONVERGED
    return GAPS if any(outcome.verdict and outcome.verdict.gaps for outcome in outcomes) else 0


def _show_tree(rehearsal: Rehearsal, snapshot: Mapping[str, Any] | None, show: Console) -> None:
    from org_constructs.operations.live import read_organization

    from ._tree import render

    if snapshot is None:
        show.print("there is no organization")
        return
    show.print(render(read_organization(rehearsal.aws.client("organizations"))))


def _show_remedy(outcomes: Sequence[Outcome], err: Console) -> None:
    """Say what to do at AWS if this happens there."""
    from org_constructs.rehearsal.verdict import needs_recovery

    verdict = outcomes[-1].verdict
    if verdict is None or verdict.converged or outcomes[-1].name == "destroy":
        return
    runs = outcomes[-1].runs
    failed = [run.output for run in runs if run.name == "recover" and run.exit_code]
    for output in dict.fromkeys(failed):
        err.print(f"[red]error[/red] {escape(output)}", highlight=False, soft_wrap=True)
    if failed and runs[-1].name == "recover" and runs[-1].exit_code:
        # It has said itself what comes first.
        return
    # CloudFormation removes what it knows to have failed once the deployment is repeated.
    is_repeated = len([run for run in runs if run.name == "deploy"]) > 1
    if needs_recovery(verdict, is_repeated=is_repeated):
        err.print(
            "at AWS, bring what no stack holds under its stack: make recover, or orgctl recover "
            "and the assembly",
            highlight=False,
            soft_wrap=True,
        )
    else:
        err.print(
            "at AWS, remove the cause that is named above and give the same deploy command again",
            highlight=False,
            soft_wrap=True,
        )


def _act_for(aws: EmbeddedAws, assembly: Path, seed: Mapping[str, Any] | None) -> None:
    """Let the management account be the one that the app's stacks name."""
    from org_constructs.model.assembly import read_assembly
    from org_constructs.rehearsal import RehearsalError

    places = {(stack.account, stack.region) for stack in read_assembly(assembly).stacks}
    if len(places) == 1:
        account_id, region = places.pop()
        if seed and account_id not in (None, seed["management_account_id"]):
            raise RehearsalError(
                f"the app deploys to account {account_id}, and the snapshot is of the organization "
                f"of {seed['management_account_id']}; take a snapshot of the app's organization, "
                "or correct the account in the app's settings"
            )
        aws.act_as(account_id or aws.account_id, region or aws.region)


def _bootstrap(aws: EmbeddedAws, cdk: CdkCli) -> Step:
    """Bootstrap as `make bootstrap` does: with the execution policy that cannot close accounts."""
    from org_constructs.operations.bootstrap import cdk_bootstrap_arguments, deploy_execution_policy

    # It asks its session for clients only; the embedded AWS answers at once, so no long pauses.
    session = cast("Session", aws)
    policy = deploy_execution_policy(session, sleep=lambda _: time.sleep(0.1))
    return cdk.bootstrap(*cdk_bootstrap_arguments(policy, region=aws.region)[2:])


def _recover(aws: EmbeddedAws, cdk: CdkCli) -> Step:
    """Do what `orgctl recover --yes` does."""
    from org_constructs.model import OrganizationModel
    from org_constructs.operations.recovery import Recovery, RecoveryError, find_orphans
    from org_constructs.rehearsal.cdk_cli import Step

    began = time.monotonic()
    model, session = OrganizationModel.from_assembly(cdk.assembly), cast("Session", aws)
    output, code = "", 0
    with tempfile.TemporaryDirectory(prefix="org-constructs-recovery-") as folder:
        try:
            orphans = find_orphans(model, session)
            recovery = Recovery(
                cdk.assembly,
                orphans,
                session,
                Path(folder),
                lambda arguments: cdk.raw(arguments).exit_code,
            )
            for task in recovery.tasks():
                task.run()
        except RecoveryError as error:
            output, code = str(error), 1
    return Step(name="recover", exit_code=code, seconds=time.monotonic() - began, output=output)


def _times(started_in: float, outcomes: Sequence[Outcome], read_back: float) -> Table:
    several = len(outcomes) > 1
    rows = [("start", started_in)]
    for outcome in outcomes:
        of = f"{outcome.name}: " if several else ""
        rows += [(f"{of}{run.name}", run.seconds) for run in outcome.runs]
    rows.append(("read back", read_back))
    table = Table("step", "seconds", box=None, header_style="dim")
    table.columns[1].justify = "right"
    for name, seconds in rows:
        table.add_row(name, f"{seconds:.1f}")
    table.add_row("[bold]all[/bold]", f"[bold]{sum(seconds for _, seconds in rows):.1f}[/bold]")
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
