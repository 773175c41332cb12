"""The commands `orgctl invitations …`: what became of invitations, and the owner's answer."""

from __future__ import annotations

import json
import sys
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from org_constructs.model.errors import OrgError

if TYPE_CHECKING:
    from boto3.session import Session
    from rich.console import Console

    from org_constructs.model import OrganizationModel
    from org_constructs.operations.acceptance import PendingInvitation
    from org_constructs.operations.invitations import InvitationStatus

app = typer.Typer(
    help="Accounts that are invited: how far they are, sending again, accepting as the owner.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

Assembly = Annotated[
    Path, typer.Option("--assembly", help="The cloud assembly that declares them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Profile = Annotated[str | None, typer.Option(help="Profile of the AWS configuration.")]
Region = Annotated[str | None, typer.Option(help="Region of the stacks; the app's by default.")]

_CDK_OUT = Path("cdk.out")
# How AWS answers the account of an owner, who is signed in there to accept.
_NOT_THE_MANAGER = frozenset({"AccessDeniedException", "AWSOrganizationsNotInUseException"})


@app.command("list")
def list_invitations(
    *,
    assembly: Assembly = _CDK_OUT,
    as_json: AsJson = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show how far each declared invitation is.

    Needs credentials that may read the organization and its stacks. Reads only.
    """
    with _Failures():
        statuses = _statuses(assembly, region, profile)[0]
    if as_json:
        _out().print_json(json.dumps([status.to_json() for status in statuses]))
        return
    _show(statuses)


@app.command()
def resend(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Ids in code, account ids or addresses; every one that was declined or has expired by default.",
        ),
    ] = None,
    *,
    assembly: Assembly = _CDK_OUT,
    as_json: AsJson = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Send again what was declined or has expired; what was canceled, only by its name.

    Needs credentials of the management account. What is pending or accepted stays as it is.
    """
    from org_constructs.operations.invitations import resend as send

    with _Failures():
        statuses, session = _statuses(assembly, region, profile)
        sent = send(statuses, session, names=names or ())
    if as_json:
        _out().print_json(json.dumps([status.to_json() for status in sent]))
        return
    for status in sent:
        _say(f"sent again: {status.name}, which was {status.state}, for {status.home}")
    # `make deploy` asks in every organization, most of which invite nobody.
    if statuses and not sent:
        _say("nothing to send again: no invitation was declined or has expired")


@app.command()
def accept(
    *,
    account: Annotated[
        str | None,
        typer.Option(help="The account that is invited, to be sure to be signed in there."),
    ] = None,
    handshake: Annotated[
        str | None, typer.Option(help="Id of the invitation, h-…, where there are several.")
    ] = None,
    assembly: Annotated[
        Path | None,
        typer.Option(
            "--assembly", help="The organization's assembly, to show what will be denied."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept without being asked.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait until the account is placed.")] = 900,
    management_profile: Annotated[
        str | None,
        typer.Option(
            help="Profile of the management account, which alone sees where the account is."
        ),
    ] = None,
    profile: Profile = None,
) -> None:
    """Accept an invitation, as its owner, signed in to the invited account.

    Looks who you are, shows what accepting means, asks, accepts and waits.
    """
    import boto3

    from org_constructs.operations.acceptance import accept as answer
    from org_constructs.operations.acceptance import find_invitation, wait_until_placed

    with _Failures():
        session = boto3.Session(profile_name=profile, region_name=_region(profile))
        invitation = find_invitation(session, account_id=account, handshake_id=handshake)
        _explain(invitation, assembly)
        if not yes:
            typer.confirm("Accept?", abort=True)
        answer(session, invitation)
        _say(f"account {invitation.account_id} has joined {invitation.organization_id}")
        manager = (
            None
            if management_profile is None
            else boto3.Session(
                profile_name=management_profile, region_name=_region(management_profile)
            )
        )
        place = wait_until_placed(manager, session, invitation, seconds=wait)
    if place is not None:
        _say(f"it is placed in {place}; the policies there rule it from now on")
    else:
        _say(
            "it is in the root, where the policies of the root rule it; the organization moves it to its "
            "OU within ten minutes. Only the management account sees that it has: 'orgctl invitations list'"
        )


class _Failures:
    """Turns what can be expected to fail into a message and exit code 1."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if error is None or not isinstance(error, Exception):
            return
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        from org_constructs.operations.acceptance import AcceptanceError
        from org_constructs.operations.invitations import InvitationError

        if isinstance(error, OrgError):
            raise _fail(f"{error.code}: {error}") from error
        if isinstance(error, AcceptanceError | InvitationError):
            raise _fail(str(error)) from error
        if isinstance(error, NoCredentialsError):
            raise _fail(
                "no AWS credentials are found; name them with --profile, AWS_PROFILE or the variables of "
                "the AWS CLI: of the management account, or, to accept, of the invited account"
            ) from error
        if isinstance(error, BotoCoreError | ClientError):
            raise _fail(str(error)) from error


def _statuses(
    assembly: Path, region: str | None, profile: str | None
) -> tuple[tuple[InvitationStatus, ...], Session]:
    import boto3
    from botocore.exceptions import ClientError

    from org_constructs.model import OrganizationModel
    from org_constructs.operations.invitations import InvitationError, read_invitations

    model = OrganizationModel.from_assembly(assembly)
    regions = {stack.region for stack in model.assembly.stacks if stack.region}
    region = region or (regions.pop() if len(regions) == 1 else None)
    session = boto3.Session(region_name=region, profile_name=profile)
    if not model.invitations:
        return (), session
    try:
        return read_invitations(model, session), session
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THE_MANAGER:
            raise
        raise InvitationError(
            f"{str(error).rstrip('.')}; sign in to the account that manages the organization"
        ) from error


def _region(profile: str | None) -> str:
    """Return a Region for the owner, who may have none: Organizations is the same in all of them."""
    import boto3

    return boto3.Session(profile_name=profile).region_name or "us-east-1"


def _show(statuses: tuple[InvitationStatus, ...]) -> None:
    if not statuses:
        _say("no invitation is declared")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("invitation", "invited", "belongs in", "state", ""):
        table.add_column(title, overflow="fold")
    for status in statuses:
        more = ""
        if status.expires is not None:
            more = f"until {status.expires:%Y-%m-%d %H:%M} UTC ({status.handshake_id})"
        elif status.now_in is not None and status.now_in != status.parent_id:
            more = f"now in {status.now_in}"
        table.add_row(
            escape(status.declared.name), status.name, escape(status.home), status.state.value, more
        )
    _out().print(table)


def _explain(invitation: PendingInvitation, assembly: Path | None) -> None:
    """Say what accepting means, before it is asked for."""
    manager = ", ".join(filter(None, (invitation.manager_name, invitation.manager_email)))
    _say(f"Invitation {invitation.handshake_id} of account {invitation.account_id}")
    _say(
        f"  into organization {invitation.organization_id}, managed by account {invitation.manager_id}"
        + (f" ({manager})" if manager else "")
    )
    if invitation.notes:
        _say(f"  notes: {invitation.notes}")
    if invitation.expires is not None:
        _say(f"  expires: {invitation.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    _say("Accepting means:")
    _say(
        f"  - the management account {invitation.manager_id} pays the bills of this account, and sees them"
    )
    if invitation.all_features:
        _say(
            "  - service control policies of the root, and of the OU in which the account is placed, "
            "bound what everybody in it may do, its root user included"
        )
        for line in _denials(invitation, assembly):
            _say(f"    {line}")
        _say("  - the account can leave the organization only if these policies allow it")
    else:
        _say("  - bills are consolidated; no policy of the organization restricts the account")


def _denials(invitation: PendingInvitation, assembly: Path | None) -> list[str]:
    """Return the policies on the way to the place where the account belongs, if they are known."""
    if assembly is None:
        return []
    from org_constructs.evaluation import levels_of
    from org_constructs.model import OrganizationModel

    model = OrganizationModel.from_assembly(assembly)
    declared = _declared(model, invitation)
    if declared is None:
        return [f"'{assembly}' declares no invitation of this account"]
    return [
        f"{level.name}: {', '.join(getattr(policy, 'name', '?') for policy in level.policies)}"
        for level in levels_of(model, declared)
    ]


def _declared(model: OrganizationModel, invitation: PendingInvitation) -> str | None:
    """Return where the account belongs, whichever way it is invited."""
    invited = {invitation.account_id, invitation.email.lower()} - {""}
    found = (
        one.parent
        for one in model.invitations.values()
        if (one.account_id or (one.email or "").lower()) in invited
    )
    return next(found, None)


def _out() -> Console:
    from ._app import _out as out

    return out


def _say(text: str) -> None:
    _out().print(escape(text), highlight=False, soft_wrap=True)


def _fail(message: str) -> Any:
    from ._app import _fail as fail

    sys.stdout.flush()
    return fail(message)
