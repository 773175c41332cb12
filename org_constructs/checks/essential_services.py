"""A Deny of everything but a list leaves the services without which an account cannot be run.

IAM and AWS Organizations answer in one Region: a fence that does not exempt them denies them
everywhere, unless that Region is allowed.
Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html#example-scp-deny-region
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from org_constructs.model.partitions import partitions

from ._certain import ORDINARY_PRINCIPAL, REGION_KEY, applies, fences, is_about_everything
from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, judged, listed, of_key
from ._patterns import meet

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

ACKNOWLEDGEABLE = ("ORG205",)

# They answer in the Region of AWS Organizations; STS answers in every Region.
_GLOBAL = ("iam", "organizations")
_REGIONAL = ("sts",)


def check(context: CheckContext) -> Iterator[Finding]:
    """Find Deny statements with NotAction that cut off IAM, STS or AWS Organizations."""
    yield from judged(context, "ORG205", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    if not document.binds_principals:
        return
    for statement in document.denials:
        # Whoever denies everything everywhere means it; who fences everything does not.
        if not is_about_everything(statement) or not (statement.not_actions or fences(statement)):
            continue
        cut_off = _cut_off(statement, document.partition)
        if not cut_off:
            continue
        names = listed(f"{service}:*" for service in cut_off)
        fenced = any(of_key(statement, REGION_KEY))
        home = partitions()[document.partition].organizations_region
        yield Judgement(
            statement=statement,
            # Nobody fences a service into Regions in which it has never answered.
            severity=Severity.ERROR if fenced and "iam" in cut_off else Severity.WARNING,
            message=f"{'NotAction' if statement.not_actions else 'it'} does not exempt {names}"
            + (
                f"; its requests go to '{home}' only, whatever the region, so they are denied everywhere"
                if fenced and cut_off != ["sts"]
                else ", so nobody bound by it can use them"
            ),
            remedy=f"{'add' if statement.not_actions else 'write'} {names} {'to' if statement.not_actions else 'in'} NotAction"
            + (f", or allow '{home}'" if fenced and cut_off != ["sts"] else ""),
        )


def _cut_off(statement: ParsedStatement, partition: str) -> list[str]:
    spec = partitions()[partition]
    principal = ORDINARY_PRINCIPAL.format(partition=partition)

    def denied(service: str, regions: tuple[str, ...]) -> bool:
        if any(meet(pattern.lower(), f"{service}:*") for pattern in statement.not_actions):
            return False
        return all(
            applies(statement, region=region, principal=principal) is True for region in regions
        )

    return [
        *(service for service in _GLOBAL if denied(service, (spec.organizations_region,))),
        *(service for service in _REGIONAL if denied(service, spec.regions)),
    ]
