"""The organization as a tree for terminals."""

from __future__ import annotations

from rich.markup import escape
from rich.tree import Tree

from org_constructs.operations.live import LiveOrganization, LiveUnit


def render(organization: LiveOrganization) -> Tree:
    """Return the organization's OUs, accounts and attached policies as a tree."""
    tree = Tree(
        f"[bold]{organization.id}[/bold]  management account {organization.management_account_id}",
        guide_style="dim",
    )
    _add(tree, organization.root)
    return tree


def _add(tree: Tree, unit: LiveUnit) -> None:
    branch = tree.add(
        f"[bold cyan]{escape(unit.name)}[/bold cyan] [dim]{unit.id}[/dim]{_policies(unit.policies)}"
    )
    for account in unit.accounts:
        colour = "green" if account.state == "ACTIVE" else "yellow"
        branch.add(
            f"{escape(account.name)} [dim]{account.id} {escape(account.email)}[/dim] "
            f"[{colour}]{account.state}[/{colour}]{_policies(account.policies)}"
        )
    for child in unit.units:
        _add(branch, child)


def _policies(names: tuple[str, ...]) -> str:
    """Return a line per attached policy; the one that AWS attaches everywhere says nothing."""
    return "".join(
        f"\n  [magenta]policy[/magenta] {escape(name)}" for name in names if name != "FullAWSAccess"
    )
