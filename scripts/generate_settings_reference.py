"""Write the tables of docs/reference/settings.md: what the function may do and why, and the services.

They come from the settings of the function and from the dated data of services; the rest of the
page is written by hand. `make generate` runs it; a test compares the page with the data.
"""

from __future__ import annotations

import json
from pathlib import Path

from org_constructs.handlers import sweep_actions
from org_constructs.handlers.function.organization_settings.settings import Setting, discover
from org_constructs.model.trusted_services import AwsService, trusted_service_facts

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/reference/settings.md"
_BEGIN = "<!-- begin {}: written by scripts/generate_settings_reference.py -->\n"
_END = "<!-- end {} -->"


def main() -> None:
    """Write the page."""
    path = ROOT / PAGE
    path.write_text(render(path.read_text("utf-8")), "utf-8")
    print(f"wrote {PAGE}")


def render(page: str) -> str:
    """Return the page with its tables as they should be."""
    for name, text in (("permissions", permissions()), ("services", services())):
        begin, end = _BEGIN.format(name), _END.format(name)
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}{text}{end}{rest.partition(end)[2]}"
    return page


def permissions() -> str:
    """Return a table for each setting: the actions, why, and what limits them."""
    parts = []
    for resource_type, setting in sorted(discover().items()):
        parts.append(
            f"\n### `{resource_type}`\n\n{_summary(setting)}\n\n"
            "| Action | Why | Only |\n|---|---|---|\n"
        )
        parts += [_row(setting, action, why) for action, why in sorted(setting.actions.items())]
        parts += [
            _row(setting, action, f"**on removal**: {why}")
            for action, why in sorted(setting.removal_actions.items())
        ]
        parts.append(f"\nOn removal: {setting.kept}.\n")
    parts.append(
        "\n### The sweep of invitations\n\nA function of its own, with a role of its own: it places "
        "accounts that have joined by invitation.\n\n| Action | Why |\n|---|---|\n"
    )
    parts += [f"| `{action}` | {why} |\n" for action, why in sorted(sweep_actions().items())]
    return "".join(parts) + "\n"


def services() -> str:
    """Return the table of services that integrate with AWS Organizations."""
    names = {str(member): member.name for member in AwsService}
    lines = [
        "| `AwsService` | Principal | Trusted access | The service's own call | Administrators |\n",
        "|---|---|---|---|---|\n",
    ]
    for principal, fact in trusted_service_facts().items():
        call = f"`{fact.call}`" if fact.call else ""
        told = "; ".join(filter(None, (call, fact.note)))
        most = fact.most_delegated_administrators
        members = (
            ("yes" if most is None else f"at most {most}")
            if fact.delegated_administrators
            else "no"
        )
        lines.append(
            f"| `{names[principal]}` | `{principal}` | {fact.enabling} | {told} | {members} |\n"
        )
    return "".join(lines)


def _summary(setting: Setting) -> str:
    text = " ".join((type(setting).__doc__ or "").split())
    return text.replace("The resource type ", "")


def _row(setting: Setting, action: str, why: str) -> str:
    limits = [
        f"`{key}` is `{value}`"
        for keys in setting.conditions.get(action, {}).values()
        for key, value in keys.items()
    ]
    resources = setting.resources.get(action, ())
    limits += [f"`{arn.replace('{partition}', '*')}`" for arn in resources]
    return f"| `{action}` | {why} | {', '.join(limits)} |\n"


def data_date() -> str:
    """Return the date of the data of services."""
    path = ROOT / "org_constructs/model/data/trusted_services.json"
    return str(json.loads(path.read_text("utf-8"))["date"])


if __name__ == "__main__":
    main()
