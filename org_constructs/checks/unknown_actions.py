"""An action in a policy is one that AWS has; AWS takes any name, and a mistyped one denies nothing.

The catalogue of actions has a date. A service that AWS has retired stays in published lists of what
a Region fence exempts, so NotAction is looked at for mistyped names only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from ._check import CheckContext, Finding
from ._documents import Judgement, PolicyDocument, is_deferred, judged

if TYPE_CHECKING:
    from org_constructs.evaluation.catalogue import Catalogue

# The catalogue may be older than the action.
ACKNOWLEDGEABLE = ("ORG207",)

# AWS's own lists name them and the catalogue does not: retired, or not documented yet
# (documentation: the samples of AWS and the lists of AWS Control Tower, 2026-11).
_UNDOCUMENTED = frozenset({"iotevents", "partnercentral-channel"})
_ALIKE = 0.8
_SERVICES_ALIKE = 0.85


def check(context: CheckContext) -> Iterator[Finding]:
    """Find actions and wildcards that match no known action."""
    yield from judged(context, "ORG207", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        verb = "denies" if statement.effect == "Deny" else "allows"
        for pattern in statement.actions:
            problem = None if is_deferred(pattern) else _problem(pattern)
            if problem is not None:
                yield Judgement(
                    statement=statement,
                    message=f"Action '{pattern}' {problem[0]}, so it {verb} nothing",
                    remedy=problem[1],
                )
        for pattern in statement.not_actions:
            problem = None if is_deferred(pattern) else _problem(pattern)
            if problem is not None and problem[1].startswith("did you mean"):
                yield Judgement(
                    statement=statement,
                    message=f"NotAction '{pattern}' {problem[0]}, so it exempts nothing",
                    remedy=problem[1],
                )


@cache
def _problem(pattern: str) -> tuple[str, str] | None:
    """Return what is wrong with a pattern of actions and what to do, None when nothing is."""
    if not pattern.strip("*?:") or pattern in _published():
        return None
    from org_constructs.evaluation.catalogue import actions_of_service, catalogue

    service, _, name = pattern.partition(":")
    if pattern.lower() in actions_of_service(service.lower()):
        # Most are written in full, and few services are named: the whole catalogue can wait.
        return None
    known = catalogue()
    if known.mask(pattern) or service.lower() in _UNDOCUMENTED:
        return None
    dated = f"the catalogue {known.version}"
    if not set("*?") & set(service) and service.lower() not in known.services:
        near = difflib.get_close_matches(
            service.lower(), list(known.services), n=1, cutoff=_SERVICES_ALIKE
        )
        return (
            f"names the service '{service}', which is not in {dated}",
            f"did you mean '{near[0]}:{name}'?" if near else _OTHERWISE,
        )
    nearest = _nearest(known, service.lower(), name.lower())
    return (
        f"matches no action of {dated}",
        f"did you mean '{nearest}'?" if nearest else _OTHERWISE,
    )


@cache
def _published() -> frozenset[str]:
    """Return what Region fences exempt: most names of most policies, known without the catalogue."""
    from org_constructs.guardrails._global_services import exempt_actions

    return frozenset(exempt_actions(None))


_OTHERWISE = (
    "look it up in AWS's Service Authorization Reference; if AWS has it by now, acknowledge ORG207"
)


def _nearest(known: Catalogue, service: str, name: str) -> str | None:
    """Return the action of a service whose name is most like a mistyped one, or begins so."""
    if set("*?") & set(service):
        return None
    actions = known.actions_of(known.services[service])
    written = {action.partition(":")[2].lower(): action for action in actions}
    bare = name.strip("*?")
    if name.endswith(("*", "?")):
        # Where only a beginning is given, beginnings of that length are compared.
        written = {key[: len(bare)]: action for key, action in reversed(written.items())}
    near = difflib.get_close_matches(bare, list(written), n=1, cutoff=_ALIKE)
    return written[near[0]] if near else None
