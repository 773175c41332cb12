"""The output and exit codes of `orgctl explain`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from org_constructs.evaluation.decision import LevelDecision, Request
    from org_constructs.evaluation.organization import OrganizationDecision
    from org_constructs.model import OrganizationModel

ALLOWED, DENIED, UNCERTAIN = 0, 3, 4

_COLOURS = {"Allowed": "green", "ExplicitlyDenied": "red", "ImplicitlyDenied": "red"}
_WORDS = {
    "Allowed": "allowed",
    "ExplicitlyDenied": "explicitly denied",
    "ImplicitlyDenied": "implicitly denied",
}


def explain_request(
    assembly: Path,
    *,
    account: str | None,
    unit: str | None,
    action: str,
    region: str | None,
    resource: str,
    principal: str | None,
    context: Iterable[str],
    parameters: Iterable[str],
    expected: str | None,
    as_json: bool,
    out: Console,
) -> int:
    """Show what the policies of an organization say of one request, and why.

    Raises:
        ValueError: the arguments do not fit together.
        OrgError: one of them is wrong, or the templates cannot be read.
    """
    from org_constructs.evaluation import Request
    from org_constructs.model import OrganizationModel, check_region

    if (account is None) is (unit is None):
        raise ValueError("give --account or --ou, one of them, to say who asks")
    if region is not None:
        check_region(region, what="--region")
    request = Request(
        action=action,
        region=region,
        resource=resource,
        principal_arn=principal,
        context=_pairs(context),
    )
    model = OrganizationModel.from_file(assembly, parameters=_parameters(parameters))
    decision = _decide(model, account, unit, request)
    if as_json:
        out.file.write(json.dumps(decision.to_json(), indent=2) + "\n")
    else:
        _show(decision, out)
    if not decision.is_certain:
        return UNCERTAIN
    if expected is not None:
        return 0 if decision.allowed is (expected == "allowed") else DENIED
    return ALLOWED if decision.allowed else DENIED


def _decide(
    model: OrganizationModel, account: str | None, unit: str | None, request: Request
) -> OrganizationDecision:
    from org_constructs.evaluation.organization import decide_for

    if account is None:
        return decide_for(model, model.organizational_unit(str(unit)), request)
    # An id is no name; where nothing is known of it, the refusal says what to ask for.
    is_id = account.isdigit() or model.invited(account) is not None
    asking = account if is_id else model.account(account)
    return decide_for(model, asking, request)


def _pairs(texts: Iterable[str]) -> dict[str, str | list[str]]:
    """Return condition keys with their values; a key that is given twice has both values."""
    found: dict[str, list[str]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not key or not separator:
            raise ValueError(f"--context '{text}' is no KEY=VALUE, such as aws:PrincipalOrgID=o-1")
        found.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def _parameters(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return values of parameters by stack."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        place, separator, value = text.partition("=")
        stack, colon, name = place.partition(":")
        if not (separator and colon and stack and name):
            raise ValueError(
                f"--parameters '{text}' is no STACK:NAME=VALUE, such as Organization:Stage=prod"
            )
        found.setdefault(stack, {})[name] = value
    return found


def _show(decision: OrganizationDecision, out: Console) -> None:
    effect = decision.effect.value
    out.print(
        f"[bold {_COLOURS[effect]}]{_WORDS[effect]}[/] {escape(decision.explanation)}",
        highlight=False,
        soft_wrap=True,
    )
    if decision.levels:
        table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
        for heading in ("", "level", "says", "statement", "policy"):
            table.add_column(heading, overflow="fold")
        for level in decision.levels:
            table.add_row(*_row(level))
        out.print(table, highlight=False)


def _row(level: LevelDecision) -> tuple[str, ...]:
    references = level.denied_by or level.allowed_by[:1]
    what = "denies" if level.denied_by else "allows" if level.allowed_by else "says nothing"
    colour = "red" if level.denied_by or not level.allowed_by else "green"
    if level.kind == "RESOURCE_CONTROL_POLICY" and not level.denied_by:
        colour = "green"
    return (
        f"{level.number}",
        escape(level.name) + (" (resource)" if level.kind == "RESOURCE_CONTROL_POLICY" else ""),
        f"[{colour}]{what}[/]",
        "\n".join(escape(ref.sid or f"{ref.index + 1}") for ref in references),
        "\n".join(escape(ref.path or ref.policy) for ref in references),
    )
