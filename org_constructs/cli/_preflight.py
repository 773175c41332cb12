"""The output and exit codes of `orgctl preflight`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from ._refusal import say

# The context of an app: {"acknowledge": {LOOK: REASON}, "quotas": {NAME: NUMBER}}.
CONTEXT_KEY: Final = "org-constructs:preflight"
_SHOWN: Final = {
    "passed": "[green]passed[/green]   ",
    "failed": "[red]failed[/red]   ",
    "unknown": "[yellow]not known[/yellow]",
}


def run_preflight(
    assembly: Path,
    *,
    lock_file: Path,
    acknowledge: Sequence[str],
    quotas: Sequence[str],
    is_strict: bool,
    as_json: bool,
    region: str | None,
    profile: str | None,
    out: Console,
    err: Console,
) -> int:
    """Look at everything that a deployment needs; return an exit code.

    Raises:
        OrgError: the assembly, the lock or a quota cannot be read.
        ValueError: an argument or the app's context is malformed.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from org_constructs.model import Lock, OrganizationModel
    from org_constructs.model.assembly import was_refused
    from org_constructs.model.quotas import quota
    from org_constructs.operations.preflight import Situation, acknowledgeable, preflight

    context = _context(Path("cdk.json"))
    given = _pairs(acknowledge, "--acknowledge LOOK=REASON")
    reasons = {**context.get("acknowledge", {}), **given}
    if stray := sorted(set(reasons) - set(acknowledgeable())):
        raise ValueError(
            f"'{stray[0]}' cannot be acknowledged; what can is {', '.join(acknowledgeable())}"
        )
    granted = {**context.get("quotas", {}), **_numbers(_pairs(quotas, "--quota NAME=NUMBER"))}
    # Refuses names that nobody knows, before AWS is asked for anything.
    quota("accounts", granted)
    if was_refused(assembly):
        err.print(
            f"[red]error[/red] '{escape(str(assembly))}' was refused at synthesis; correct what it "
            "says first",
            highlight=False,
            soft_wrap=True,
        )
        return 1
    model = OrganizationModel.from_assembly(assembly)
    regions = {stack.region for stack in model.assembly.stacks if stack.region}
    region = region or (regions.pop() if len(regions) == 1 else None)
    try:
        with err.status("looking at the organization"):
            lines = preflight(
                Situation(
                    model=model,
                    session=boto3.Session(region_name=region, profile_name=profile),
                    lock=Lock.read(lock_file),
                    acknowledged=reasons,
                    quotas=granted,
                )
            )
    except (BotoCoreError, ClientError) as error:
        err.print(f"[red]error[/red] {say(error)}", highlight=False, soft_wrap=True)
        return 1
    stopped = [line for line in lines if line.failed or (is_strict and line.outcome == "unknown")]
    if as_json:
        document = {"passed": not stopped, "lines": [line.to_json() for line in lines]}
        out.print_json(json.dumps(document))
        return 1 if stopped else 0
    for line in lines:
        out.print(
            f"{_SHOWN[line.outcome]} {line.look}: {escape(line.text)}"
            + (f" (acknowledged: {escape(line.acknowledged)})" if line.acknowledged else ""),
            highlight=False,
            soft_wrap=True,
        )
        if line.remedy and line.acknowledged is None:
            out.print(f"          {escape(line.remedy)}", highlight=False, soft_wrap=True)
    if stopped:
        err.print(
            f"[red]error[/red] the preflight stopped the deployment: {len(stopped)} of "
            f"{len(lines)} lines; nothing has been done",
            highlight=False,
            soft_wrap=True,
        )
    return 1 if stopped else 0


def _context(file: Path) -> Mapping[str, Any]:
    """Return what the app's context says of preflights; nothing without a `cdk.json`."""
    try:
        raw = json.loads(file.read_text("utf-8")).get("context", {}).get(CONTEXT_KEY, {})
    except FileNotFoundError:
        return {}
    known = {"acknowledge": str, "quotas": int}
    for name, values in raw.items():
        of = known.get(name)
        if (
            of is None
            or not isinstance(values, dict)
            or not all(isinstance(value, of) for value in values.values())
        ):
            raise ValueError(
                f"context '{CONTEXT_KEY}' of '{file}': '{name}' is not understood; give "
                '{"acknowledge": {"control-tower": "REASON"}, "quotas": {"accounts": 50}}'
            )
    return dict(raw)


def _pairs(given: Sequence[str], form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign and value.strip()):
            raise ValueError(f"'{text}' is not of the form {form}")
        found[name] = value
    return found


def _numbers(given: Mapping[str, str]) -> dict[str, int]:
    for name, value in given.items():
        if not (value.isascii() and value.isdigit()):
            raise ValueError(f"quota '{name}': '{value}' is not a number")
    return {name: int(value) for name, value in given.items()}
