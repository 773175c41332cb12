"""The output and exit codes of `orgctl close-account`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ._refusal import say


def close_account(
    text: str,
    *,
    name: str | None,
    quarantine_only: bool,
    lock_file: Path,
    assembly: Path,
    profile: str | None,
    region: str | None,
    out: Console,
    err: Console,
) -> int:
    """Show what will happen, have the name typed, and do it; return an exit code."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from org_constructs.model import Lock, OrganizationModel
    from org_constructs.operations.closing import Closing, ClosingError, find_account

    def tell(message: str) -> None:
        out.print(escape(message), highlight=False, soft_wrap=True)

    def refuse(message: str) -> None:
        err.print(f"[red]error[/red] {escape(message)}", highlight=False, soft_wrap=True)

    lock = Lock.read(lock_file)
    model = OrganizationModel.from_assembly(assembly) if assembly.exists() else None
    regions = {stack.region for stack in model.assembly.stacks if stack.region} if model else set()
    region = region or (regions.pop() if len(regions) == 1 else "us-east-1")
    try:
        session = boto3.Session(region_name=region, profile_name=profile)
        account = find_account(session, text)
        closing = Closing(session=session, account=account, lock=lock, model=model, report=tell)
        tell(f"account {account.id} '{account.name}' ({account.email}) is {account.state}")
        objections = closing.objections(quarantine_only=quarantine_only)
        for objection in objections:
            refuse(objection)
        if objections:
            return 1
        if account.is_closing:
            tell("it is closed already; AWS deletes it 90 days after its closing")
            return 0
        for number, step in enumerate(closing.plan(quarantine_only=quarantine_only), start=1):
            tell(f"{number}. {step}")
        typed = name if name is not None else _ask_for_name(out)
        if typed is None:
            refuse("nobody is there to type the account's name; give it with --name")
            return 2
        if typed != account.name:
            refuse(f"'{typed}' is not the name of account {account.id}; nothing has been done")
            return 1
        closing.quarantine()
        if quarantine_only:
            tell(
                "it stays open, and in its stack if one holds it; to close it, let its code go "
                "first (docs/how-to/close-an-account.md)"
            )
            return 0
        state = closing.close()
    except (ClosingError, BotoCoreError, ClientError) as error:
        err.print(f"[red]error[/red] {say(error)}", highlight=False, soft_wrap=True)
        return 1
    out.print(
        f"[green]closed[/green] account {account.id} is {state}; AWS Support can reopen it for 90 "
        "days. The code is done with it, and its address stays taken",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def _ask_for_name(out: Console) -> str | None:
    """Return what is typed, None where nobody can type."""
    if not sys.stdin.isatty():
        return None
    with suppress(EOFError):
        return out.input("type the name of the account to go on: ")
    return None
