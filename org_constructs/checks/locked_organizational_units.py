"""OUs that are deployed keep their identity: AWS cannot move an OU."""

from __future__ import annotations

from collections.abc import Iterator

from ._check import CheckContext, Finding, Severity, about

# A reason may stand in for the remedy.
ACKNOWLEDGEABLE = ("ORG122",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Compare OUs with the lock."""
    if context.lock is None:
        return
    for path, locked in context.lock.organizational_units.items():
        unit = context.model.units_by_path.get(path)
        if unit is None:
            yield Finding(
                code="ORG122",
                severity=Severity.FATAL,
                message=f"organizational unit '{path}' ('{locked.name}') is deployed and no longer declared; it would "
                "stay, with its accounts and without its guardrails",
                remedy="declare it again, or move its accounts, deploy, and let it go on purpose: "
                f"orgctl lock --release '{path}'",
                path=path,
            )
            continue
        if unit.stack != locked.stack or unit.logical_id != locked.logical_id:
            yield about(
                unit,
                code="ORG126",
                message=f"organizational unit '{path}' is '{locked.logical_id}' of stack '{locked.stack}' in AWS and "
                f"'{unit.logical_id}' of '{unit.stack}' here: another OU would be made",
                remedy="give it the ids and parent that it had; to move accounts, declare a new OU, move them, "
                "deploy, then release the old one",
            )
        elif context.model.shown(unit.parent) != locked.parent:
            yield about(
                unit,
                code="ORG126",
                message=f"organizational unit '{path}' has parent '{locked.parent}' in AWS and "
                f"'{context.model.shown(unit.parent)}' here: AWS cannot move an OU, it would be replaced",
                remedy="declare a new OU under the new parent, move the accounts, deploy, then release the old one",
            )
