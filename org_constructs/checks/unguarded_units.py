"""An OU with accounts has guardrails, its own or inherited; beside them all is allowed."""

from __future__ import annotations

from collections.abc import Iterator

from org_constructs.policies import PolicyType

from ._check import CheckContext, Finding, Severity, about
from ._documents import listed

ACKNOWLEDGEABLE = ("ORG217",)

_GUARDING = frozenset({PolicyType.SERVICE_CONTROL_POLICY, PolicyType.RESOURCE_CONTROL_POLICY})


def check(context: CheckContext) -> Iterator[Finding]:
    """Name the OUs that hold accounts and that no policy of the app reaches, all in one finding."""
    model = context.model
    guarded = {
        target
        for policy in model.policies.values()
        if policy.type in _GUARDING
        for target in policy.targets
    }
    unguarded = []
    bare = dict.fromkeys(
        account.parent for account in model.accounts.values() if account.key not in guarded
    )
    for key in bare:
        unit = model.organizational_units.get(key)
        if unit is not None and guarded.isdisjoint(model.chain_of(key)):
            unguarded.append(unit)
    if unguarded:
        yield about(
            unguarded[0],
            code="ORG217",
            severity=Severity.WARNING,
            message=f"no service or resource control policy of this app reaches {_named([u.path for u in unguarded])}; "
            "accounts there may do everything",
            remedy="attach guardrails to the OU or to one above it; acknowledge ORG217 where they are attached outside this app",
        )


def _named(paths: list[str]) -> str:
    return f"{'OU' if len(paths) == 1 else f'{len(paths)} OUs:'} {listed(paths)}"
