"""The output of `orgctl snapshot`."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from ._refusal import say


def write_snapshot(file: Path, profile: str | None, *, out: Console, err: Console) -> int:
    """Read the live organization and write it to a file; return an exit code."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from org_constructs.operations.live import organizations_client
    from org_constructs.operations.snapshot import take_snapshot

    try:
        session = boto3.Session(profile_name=profile)
        with err.status("reading the organization") as shown:
            found = take_snapshot(
                organizations_client(session),
                tags=True,
                services=True,
                report=lambda what: shown.update(f"reading {what}"),
            )
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except (BotoCoreError, ClientError) as error:
        err.print(f"[red]error[/red] {say(error)}", highlight=False, soft_wrap=True)
        return 1
    except OSError as error:
        err.print(
            f"[red]error[/red] '{file}' cannot be written ({error.strerror})", highlight=False
        )
        return 1
    out.print(
        f"{file}: {len(found['accounts'])} accounts, {len(found['organizational_units'])} OUs, "
        f"{len(found['policies'])} policies",
        highlight=False,
        soft_wrap=True,
    )
    return 0
