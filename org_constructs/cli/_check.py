"""The output and exit codes of `orgctl check`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from org_constructs.model.errors import OrgError

if TYPE_CHECKING:
    from org_constructs.checks import Finding
    from org_constructs.model import OrganizationModel

IN_ORDER, FOUND = 0, 1

TYPES = {"scp": "SERVICE_CONTROL_POLICY", "rcp": "RESOURCE_CONTROL_POLICY"}
_COLOURS = {"fatal": "red", "error": "red", "warning": "yellow"}
_ORDER = ("fatal", "error", "warning")


def check_policies(
    path: Path,
    *,
    policy_type: str,
    ignored: Collection[str],
    strict: bool,
    as_json: bool,
    out: Console,
) -> int:
    """Judge the policies of an assembly, of templates, or bare documents; return an exit code.

    Raises:
        OrgError: the path, the type or a code to ignore is wrong.
    """
    from org_constructs.checks import CheckContext, acknowledgeable_codes, judge_policies

    if policy_type not in TYPES:
        raise OrgError("ORG015", f"--type '{policy_type}' is unknown; give {' or '.join(TYPES)}")
    for code in ignored:
        if code not in acknowledgeable_codes():
            raise OrgError("ORG010", f"--ignore '{code}' is no code that can be acknowledged")
    models = list(_models(path, TYPES[policy_type]))
    found = [
        finding
        for model in models
        for finding in judge_policies(CheckContext(model=model))
        if finding.code not in ignored
    ]
    found.sort(key=lambda f: (_ORDER.index(f.severity), f.code, f.path))
    policies = sum(len(model.policies) for model in models)
    counts = Counter("warning" if f.severity == "warning" else "error" for f in found)
    if as_json:
        out.file.write(json.dumps(_as_json(found, counts, policies), indent=2) + "\n")
    else:
        _show(found, counts, policies, out)
    return FOUND if counts["error"] or (strict and counts["warning"]) else IN_ORDER


def _models(path: Path, policy_type: str) -> Iterator[OrganizationModel]:
    """Return what is to be judged: what templates declare, and documents on their own."""
    from org_constructs.model import OrganizationModel
    from org_constructs.model.template_files import read_template

    if not path.exists():
        raise OrgError("ORG016", f"'{path}' does not exist; give a cdk.out, a template or a policy")
    if (path / "manifest.json").is_file():
        yield OrganizationModel.from_file(path)
        return
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))
    contents = {file: read_template(file) for file in files}
    documents = {file: content for file, content in contents.items() if "Statement" in content}
    templates = [file for file, content in contents.items() if "Resources" in content]
    if path.is_file() and not documents and not templates:
        raise OrgError(
            "ORG016",
            f"'{path}' is neither a policy with Statement nor a template with Resources",
        )
    if documents:
        yield OrganizationModel.from_templates({"policies": _template_of(documents, policy_type)})
    if templates or not documents:
        yield OrganizationModel.from_file(path)


def _template_of(documents: Mapping[Path, Mapping[str, Any]], policy_type: str) -> dict[str, Any]:
    """Return documents as the policies of a template; each is called what its file is called."""
    return {
        "Resources": {
            f"Policy{number}": {
                "Type": "AWS::Organizations::Policy",
                "Metadata": {"aws:cdk:path": str(file)},
                "Properties": {"Name": file.stem, "Type": policy_type, "Content": content},
            }
            for number, (file, content) in enumerate(documents.items())
        }
    }


def _as_json(found: Sequence[Finding], counts: Counter[str], policies: int) -> dict[str, Any]:
    return {
        "policies": policies,
        "errors": counts["error"],
        "warnings": counts["warning"],
        "findings": [
            {
                "code": finding.code,
                "severity": str(finding.severity),
                "path": finding.path,
                "stack": finding.stack,
                "logical_id": finding.logical_id,
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in found
        ],
    }


def _show(found: Sequence[Finding], counts: Counter[str], policies: int, out: Console) -> None:
    for finding in found:
        colour = _COLOURS[finding.severity]
        out.print(
            f"[{colour}]{finding.severity}[/{colour}] [bold]{finding.code}[/bold] {escape(finding.message)}\n"
            f"    [dim]{escape(finding.remedy)}[/dim]",
            highlight=False,
            soft_wrap=True,
        )
    checked = _counted(policies, "policy", "policies")
    out.print(
        f"{checked}: {_counted(counts['error'], 'error')}, {_counted(counts['warning'], 'warning')}"
        if found
        else f"{checked}: nothing found",
        highlight=False,
    )


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"
