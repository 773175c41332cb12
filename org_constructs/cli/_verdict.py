"""The verdict of a rehearsal for terminals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from org_constructs.rehearsal.gaps import Gap
    from org_constructs.rehearsal.steps import Outcome
    from org_constructs.rehearsal.verdict import Verdict

_SHOWN = 10


def show_verdict(outcome: Outcome, names: Mapping[str, str], out: Console) -> None:
    """Print what one step has shown.

    Args:
        outcome: the step.
        names: names of accounts by id.
        out: where to print.
    """
    verdict = outcome.verdict
    if verdict is None:
        return
    mark = "[green]converged[/green]" if verdict.converged else "[red]not converged[/red]"
    gaps = f"[red]{len(verdict.gaps)} gap(s)[/red]" if verdict.gaps else "[green]no gap[/green]"
    out.print(f"[bold]{outcome.name}[/bold]: {mark}, {gaps}", highlight=False)
    for line in _lines(outcome, verdict, names):
        out.print(f"  {line}", highlight=False, soft_wrap=True)


def account_names(snapshot: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the names of a snapshot's accounts by id."""
    return {account["id"]: account["name"] for account in (snapshot or {}).get("accounts", ())}


def _lines(outcome: Outcome, verdict: Verdict, names: Mapping[str, str]) -> Iterator[str]:
    for difference in verdict.differences[:_SHOWN]:
        yield f"[red]differs[/red] {escape(difference.path)}: {escape(difference.what)}"
    yield from _rest(verdict.differences)
    for orphan in verdict.orphans[:_SHOWN]:
        who = escape(f"{orphan.name} {orphan.email}".strip())
        # The name of an organization is its id.
        known_as = f" ({who})" if who != orphan.id else ""
        yield f"[red]orphan[/red] {orphan.kind} {orphan.id}{known_as}: no stack holds it"
    yield from _rest(verdict.orphans)
    for gap in verdict.gaps[:_SHOWN]:
        yield f"[red]gap[/red] {_gap(gap, names)}"
    yield from _rest(verdict.gaps)
    for doubt in verdict.doubts[:_SHOWN]:
        yield (
            f"[yellow]doubt[/yellow] {_account(doubt.account, names)}: not known whether a denial "
            f"was lacking after call {doubt.call} ({doubt.operation}): {escape(doubt.why)}"
        )
    yield from _rest(verdict.doubts)
    calls = verdict.calls
    yield (
        f"calls    {calls.writes} writes, {calls.reads} reads, {sum(calls.refused.values())} refused "
        f"({calls.conflicts} conflicts, {calls.throttled} throttled, {calls.retried} made again)"
    )
    if outcome.faults:
        yield f"faults   {len(outcome.faults)} happened"
    elif outcome.name == "fail":
        yield "[red]faults   none happened[/red]: no call of this step met one"
    yield (
        f"time     {outcome.seconds:.1f} s here; at AWS's documented rates "
        f"{outcome.seconds_at_aws:.0f} s or more"
    )
    if verdict.retained or verdict.removed:
        yield (
            f"destroy  would keep {len(verdict.retained)} resources of the organization and "
            f"delete {len(verdict.removed)}"
            if outcome.name != "destroy"
            else f"kept     {len(verdict.retained)}: {_some(verdict.retained)}"
        )
    if verdict.unresolved:
        yield (
            f"unknown  {len(verdict.unresolved)} contain what only AWS resolves: "
            f"{_some(verdict.unresolved)}"
        )


def _gap(gap: Gap, names: Mapping[str, str]) -> str:
    how = "entered its OU before it denied" if gap.entered else "was not denied"
    passed = f"; a request that passed: {gap.example}" if gap.example else ""
    reason = f" (compared as documents, since {gap.undecided})" if gap.undecided else ""
    return (
        f"{_account(gap.account, names)} {how} {escape(gap.what)} from call {gap.call} "
        f"({gap.operation}) to call {gap.until}{escape(passed + reason)}"
    )


def _account(id: str, names: Mapping[str, str]) -> str:
    return escape(f"{names.get(id, '?')} {id}")


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_SHOWN])
    return escape(shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN} more")


def _rest(found: Sequence[object]) -> Iterator[str]:
    if len(found) > _SHOWN:
        yield f"… and {len(found) - _SHOWN} more; --json shows all"
