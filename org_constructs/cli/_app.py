"""The command line of `orgctl`."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from org_constructs.model.errors import OrgError

from ._invitations import app as invitations

app = typer.Typer(
    help="An AWS organization as code: lock what is deployed, rehearse a deployment, explain a denial, bootstrap safely.",
    no_args_is_help=True,
    add_completion=False,
    # Paragraphs of docstrings are filled; otherwise their line breaks would be kept.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(invitations, name="invitations")
# A pipe has no width of its own; at 80 columns a tree of accounts would break.
# Without emoji: the fault AttachPolicy:x:ServiceException has a name of one in it.
_out = Console(width=None if sys.stdout.isatty() else 120, emoji=False)
_err = Console(stderr=True, emoji=False)


def _fail(message: str, code: int = 1) -> typer.Exit:
    _err.print(f"[red]error[/red] {escape(message)}", highlight=False, soft_wrap=True)
    return typer.Exit(code)


def _show_version(shown: bool) -> None:  # noqa: FBT001 - typer passes the option's value
    if shown:
        _out.print(f"org-constructs {version('org-constructs')}", highlight=False)
        raise typer.Exit


@app.callback()
def _main(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """An AWS organization as code."""


@app.command()
def lock(
    assembly: Annotated[
        Path, typer.Argument(help="The cloud assembly that has just been deployed.")
    ] = Path("cdk.out"),
    *,
    file: Annotated[Path, typer.Option("--file", help="The lock file.")] = Path(
        "organization.lock.json"
    ),
    release: Annotated[
        list[str] | None,
        typer.Option(
            help="Let an account or OU go, by its path in the lock, before its code is removed."
        ),
    ] = None,
) -> None:
    """Write the lock file from the deployed assembly, or let something go from it.

    Synthesis compares with the lock and refuses what AWS could not undo. Commit the file.
    """
    from org_constructs.model import Lock, OrganizationModel
    from org_constructs.model.alignment import lock_after
    from org_constructs.model.assembly import was_refused

    try:
        if release:
            locked = Lock.read(file)
            if locked is None:
                raise _fail(f"there is no lock file '{file}'")
            for path in release:
                locked = locked.without(path)
            locked.write(file)
            _out.print(f"{file}: released {', '.join(release)}", highlight=False, soft_wrap=True)
            return
        if was_refused(assembly):
            raise _fail(
                f"'{assembly}' was refused at synthesis and cannot have been deployed; "
                "give the assembly that has been deployed, nothing is written"
            )
        model = OrganizationModel.from_assembly(assembly)
        previous = None
        # A lock that cannot be understood is what this command is the remedy for.
        with suppress(OrgError):
            previous = Lock.read(file)
        fresh = lock_after(model, previous)
        fresh.write(file)
    except OrgError as error:
        raise _fail(f"{error.code}: {error}") from error
    except OSError as error:
        raise _fail(f"'{file}' cannot be written ({error.strerror})") from error
    _out.print(
        f"{file}: {len(fresh.accounts)} accounts, {len(fresh.organizational_units)} OUs, "
        f"{len(fresh.policies)} policies; commit it",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def rehearse(
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="APP_DIR|CDK_OUT",
            help="Folder of a CDK app or of its assembly; this one by default.",
        ),
    ] = None,
    *,
    app_folder: Annotated[
        Path | None, typer.Option("--app", help="The same, as an option.")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated, in order: deploy, change, fail, destroy. "
            "By default deploy, or fail where there is a --fault."
        ),
    ] = None,
    change: Annotated[
        Path | None, typer.Option(help="App or assembly that the step change deploys.")
    ] = None,
    change_context: Annotated[
        list[str] | None,
        typer.Option(help="Context of the step change, as KEY=VALUE, in place of another app."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="What goes wrong in the step fail, as CreateAccount:2:SLOW=3600."),
    ] = None,
    seed_from: Annotated[
        Path | None,
        typer.Option(help="Begin with an organization that `orgctl snapshot` has written."),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Only serve the embedded AWS, until Ctrl-C.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on loopback; a free one by default.")
    ] = 0,
    account: Annotated[
        str | None,
        typer.Option(
            help="Management account id; by default the one that the app names, with --serve 111111111111."
        ),
    ] = None,
    region: Annotated[str, typer.Option(help="Region of the embedded AWS.")] = "us-east-1",
    context: Annotated[
        list[str] | None, typer.Option("--context", "-c", help="Context for the app, as KEY=VALUE.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it running in the end, until Ctrl-C.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; all else goes to stderr.")
    ] = False,
) -> None:
    """Deploy an app with the real CDK CLI to an embedded AWS, and judge what came of it.

    Nothing leaves this machine and nothing stays running: no AWS account, credentials or Docker
    are needed. Ends with 0 when live equals declared and no denial was out of force meanwhile,
    with 3 when it did not converge, 4 when it did with a gap, 1 when the app cannot be
    synthesized or the rehearsal cannot run, 2 for wrong arguments.
    """
    from ._rehearse import DEFAULT_ACCOUNT, serve_only
    from ._rehearse import rehearse as run

    try:
        from org_constructs.model import check_region

        if account is not None:
            from org_constructs.model.identifiers import check_account_id

            check_account_id(account)
        check_region(region, what="--region")
        if serve:
            raise typer.Exit(
                serve_only(port, account or DEFAULT_ACCOUNT, region, out=_out, err=_err)
            )
        from ._request import read_request

        request = read_request(
            target or app_folder or Path(),
            steps=steps,
            change=change,
            change_context=change_context or (),
            faults=fault or (),
            seed_from=seed_from,
            port=port,
            account_id=account,
            region=region,
            context=context or (),
            keep=keep,
            as_json=as_json,
        )
    except (OrgError, ValueError) as error:
        raise _fail(str(error), code=2) from error
    raise typer.Exit(run(request, out=_out, err=_err))


@app.command()
def explain(
    assembly: Annotated[
        Path,
        typer.Argument(
            metavar="CDK_OUT", help="The assembly, or a template or a folder of them, JSON or YAML."
        ),
    ] = Path("cdk.out"),
    *,
    action: Annotated[str, typer.Option(help="What is asked, as ec2:RunInstances.")],
    account: Annotated[
        str | None, typer.Option(help="Who asks: name, path of names, or id of an account.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--ou", help="In its place any account of an OU, by name or path.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region that is called.")] = None,
    resource: Annotated[str, typer.Option(help="ARN of the resource.")] = "*",
    principal: Annotated[
        str | None, typer.Option(help="ARN of who calls; of the role for a session.")
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option("--context", "-c", help="Condition key as KEY=VALUE; may be repeated."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(help="Value of a stack's parameter as STACK:NAME=VALUE; may be repeated."),
    ] = None,
    expect: Annotated[
        Literal["allowed", "denied"] | None,
        typer.Option(help="End with 0 if it is so, and with 3 if not."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say whether the organization's policies leave a request allowed, and which statement decides.

    Nothing is called: the templates are read that would be deployed. Ends with 0 when it is
    allowed, with 3 when it is denied, with 4 when what the templates leave open could change the
    answer, 1 when they cannot be read or nobody of that name is in them, 2 for wrong arguments.
    """
    from ._explain import explain_request

    try:
        code = explain_request(
            assembly,
            account=account,
            unit=unit,
            action=action,
            region=region,
            resource=resource,
            principal=principal,
            context=context or (),
            parameters=parameters or (),
            expected=expect,
            as_json=as_json,
            out=_out,
        )
    except OrgError as error:
        wrong = error.code in ("ORG006", "ORG031")
        raise _fail(f"{error.code}: {error}", code=2 if wrong else 1) from error
    except ValueError as error:
        raise _fail(str(error), code=2) from error
    raise typer.Exit(code)


@app.command()
def bootstrap(
    *,
    assembly: Annotated[
        Path | None,
        typer.Option(help="Assembly of the app: its account and Region must be the caller's."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="The Organizations Region of the partition.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")] = None,
) -> None:
    """Bootstrap the management account so that a deployment cannot close an account.

    CDK's default gives CloudFormation AdministratorAccess. This gives it what the organization's
    stacks use, with an explicit Deny on closing or removing accounts.
    """
    from ._bootstrap import bootstrap_management_account

    try:
        code = bootstrap_management_account(assembly, region, profile, out=_out, err=_err)
    except OrgError as error:
        raise _fail(f"{error.code}: {error}") from error
    raise typer.Exit(code)


@app.command()
def recover(
    assembly: Annotated[
        Path, typer.Argument(help="The assembly whose deployment has failed.")
    ] = Path("cdk.out"),
    *,
    email: Annotated[str | None, typer.Option(help="Only the account with this address.")] = None,
    request: Annotated[
        str | None, typer.Option(help="Only the account that this request created, as car-….")
    ] = None,
    file: Annotated[Path, typer.Option("--file", help="The lock file.")] = Path(
        "organization.lock.json"
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Do it; otherwise it is only shown.")] = False,
    region: Annotated[
        str | None, typer.Option(help="Region of the stacks; the app's by default.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")] = None,
) -> None:
    """Bring what exists, and no stack holds, under the stack that declares it.

    CloudFormation waits a minute and a half for a new account. One that takes longer is finished
    by AWS alone, and the next deployment finds its address taken. An organization, an OU or a
    policy is orphaned where AWS's answer was lost. No code is edited.
    """
    from ._recover import recover_orphans

    try:
        code = recover_orphans(
            assembly,
            email=email,
            request_id=request,
            lock_file=file,
            confirmed=yes,
            region=region,
            profile=profile,
            out=_out,
            err=_err,
        )
    except OrgError as error:
        raise _fail(f"{error.code}: {error}") from error
    raise typer.Exit(code)


@app.command()
def snapshot(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("snapshot.json"),
    *,
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")] = None,
) -> None:
    """Write the live organization to a file, to rehearse on a copy of it.

    Reads only. The file has the addresses of all accounts: treat it as such.
    """
    from ._snapshot import write_snapshot

    raise typer.Exit(write_snapshot(file, profile, out=_out, err=_err))


@app.command()
def check(
    path: Annotated[
        Path,
        typer.Argument(help="A cloud assembly, a template, a policy document or a folder of them."),
    ] = Path("cdk.out"),
    *,
    policy_type: Annotated[
        str, typer.Option("--type", help="What bare documents are: scp or rcp.")
    ] = "scp",
    ignore: Annotated[
        list[str] | None, typer.Option(help="A code that is acknowledged, such as ORG208.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Judge service and resource control policies: what does not do what it says.

    Needs neither AWS nor the app. Exit codes: 0 nothing found, 1 errors (with --strict also
    warnings), 2 the input cannot be read.
    """
    from ._check import check_policies

    try:
        code = check_policies(
            path,
            policy_type=policy_type,
            ignored=ignore or (),
            strict=strict,
            as_json=as_json,
            out=_out,
        )
    except OrgError as error:
        raise _fail(f"{error.code}: {error}", code=2) from error
    raise typer.Exit(code)


@app.command()
def preflight(
    assembly: Annotated[
        Path, typer.Argument(help="The assembly that is going to be deployed.")
    ] = Path("cdk.out"),
    *,
    file: Annotated[Path, typer.Option("--file", help="The lock file.")] = Path(
        "organization.lock.json"
    ),
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(help="Let a failure pass, as control-tower=REASON; may be repeated."),
    ] = None,
    quotas: Annotated[
        list[str] | None,
        typer.Option("--quota", help="What AWS has granted, as accounts=50; may be repeated."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="What is not known fails, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    region: Annotated[
        str | None, typer.Option(help="Region of the stacks; the app's by default.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")] = None,
) -> None:
    """Say before a deployment what would stop it, or lose something on the way.

    Reads only. Ends with 0 when no line failed, with 1 when one did or AWS cannot be reached, 2
    for wrong arguments.
    """
    from ._preflight import run_preflight

    try:
        code = run_preflight(
            assembly,
            lock_file=file,
            acknowledge=acknowledge or (),
            quotas=quotas or (),
            is_strict=strict,
            as_json=as_json,
            region=region,
            profile=profile,
            out=_out,
            err=_err,
        )
    except OrgError as error:
        raise _fail(f"{error.code}: {error}", code=2 if error.code == "ORG013" else 1) from error
    except ValueError as error:
        raise _fail(str(error), code=2) from error
    raise typer.Exit(code)


@app.command("close-account")
def close_account(
    account: Annotated[str, typer.Argument(help="Its id, its address, or its name if unique.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="Its name, in place of typing it when asked.")
    ] = None,
    quarantine_only: Annotated[
        bool, typer.Option("--quarantine-only", help="Stop it, and leave it open.")
    ] = False,
    file: Annotated[Path, typer.Option("--file", help="The lock file.")] = Path(
        "organization.lock.json"
    ),
    assembly: Annotated[
        Path, typer.Option(help="The assembly that was deployed last, where there is one.")
    ] = Path("cdk.out"),
    region: Annotated[
        str | None, typer.Option(help="Region of the stacks; the app's by default.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")] = None,
) -> None:
    """Close an account whose code is gone: quarantine first, then AWS closes it.

    It takes other credentials than a deployment's, of the management account, and asks for the
    account's name. Every step that is done already is passed over, so the same command goes on
    after any failure. Ends with 0 when it is done, 1 when it is refused or fails, 2 for wrong
    arguments.
    """
    from ._close_account import close_account as run

    try:
        code = run(
            account,
            name=name,
            quarantine_only=quarantine_only,
            lock_file=file,
            assembly=assembly,
            profile=profile,
            region=region,
            out=_out,
            err=_err,
        )
    except OrgError as error:
        raise _fail(f"{error.code}: {error}") from error
    raise typer.Exit(code)
