"""The resources of a statement are ones that its actions act on; otherwise it is without effect.

`s3:PutObject` never asks for a bucket, and no action of Amazon SQS for a topic. The forms of
resources are those of AWS's Service Authorization Reference, by date.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING, Any

from ._check import CheckContext, Finding, Severity
from ._documents import Judgement, PolicyDocument, is_deferred, judged, listed
from ._patterns import EVERYTHING, meet

if TYPE_CHECKING:
    from org_constructs.evaluation._syntax import ParsedStatement

# AWS gives services new kinds of resources.
ACKNOWLEDGEABLE = ("ORG206",)

_FILE = "data/resource_shapes.json"
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_BUCKET_OR_OBJECT = ":s3:::"
_ARN_SERVICE = 2
_ACCOUNT_PART = 4
_PARTS = 6
# The reference names users only where AWS's sample for access keys names root users (documentation).
_ROOT_USER = re.compile(r"arn:[^:]*:iam::[^:]*:root")
_ACCOUNT = re.compile(r"[0-9*?]*|aws")


def check(context: CheckContext) -> Iterator[Finding]:
    """Find resources, and actions, that nothing else in the statement fits."""
    yield from judged(context, "ORG206", _judge)


def _judge(document: PolicyDocument) -> Iterator[Judgement]:
    for statement in document.parsed.statements:
        # NotAction and NotResource leave out what does not fit; nothing is lost.
        if not statement.actions or not statement.resources:
            continue
        names = (*statement.actions, *statement.resources)
        if EVERYTHING in names or any(is_deferred(name) for name in names):
            continue
        yield from _mismatches(statement)


def _mismatches(statement: ParsedStatement) -> Iterator[Judgement]:
    fits = {
        (action, resource): _fits(action.lower(), _VARIABLE.sub("*", resource))
        for action in statement.actions
        for resource in statement.resources
    }
    verb = "denies" if statement.effect == "Deny" else "allows"
    if not any(fits.values()):
        is_certain = all(
            _is_of_other_service(action.lower(), resource) for action, resource in fits
        )
        yield Judgement(
            statement=statement,
            severity=Severity.ERROR if is_certain else Severity.WARNING,
            message=f"{listed(statement.actions)} never {'acts' if len(statement.actions) == 1 else 'act'} on "
            f"{listed(statement.resources)}, so the statement {verb} nothing",
            remedy=_remedy(statement.actions[0], statement.resources[0]),
        )
        return
    for action in statement.actions:
        if not any(fits[action, resource] for resource in statement.resources):
            yield Judgement(
                statement=statement,
                message=f"Action '{action}' never acts on {listed(statement.resources)}, so it {verb} nothing",
                remedy=_remedy(action, statement.resources[0]),
            )
    for resource in statement.resources:
        if not any(fits[action, resource] for action in statement.actions):
            yield Judgement(
                statement=statement,
                message=f"Resource '{resource}' is none that {listed(statement.actions)} act on, so it is without effect",
                remedy="name a resource of these actions, or remove it",
            )


def _remedy(action: str, resource: str) -> str:
    service = action.partition(":")[0].lower()
    if action.lower() in _shapes()["s3_object_actions"]:
        return "name the objects: 'arn:*:s3:::bucket/*'"
    if action.lower() in _shapes()["s3_bucket_actions"]:
        return "name the bucket: 'arn:*:s3:::bucket'"
    known = _shapes()["services"].get(service, [])
    near = difflib.get_close_matches(resource, known, n=1, cutoff=0)
    return f"name resources such as '{near[0]}'" if near else "write '*'"


def _fits(action: str, resource: str) -> bool:
    """Tell whether an action may act on a resource; what is not known may."""
    shapes = _shapes()
    service = action.partition(":")[0]
    known = shapes["services"].get(service)
    if known is None or _ROOT_USER.fullmatch(resource):
        return True
    if _BUCKET_OR_OBJECT in resource:
        name = resource.partition(_BUCKET_OR_OBJECT)[2]
        if "/" in name and action in shapes["s3_bucket_actions"]:
            return False
        if not set("/*?") & set(name) and action in shapes["s3_object_actions"]:
            return False
    return any(_meet(resource, shape) for shape in known)


def _meet(resource: str, shape: str) -> bool:
    """Tell whether a resource can have a form.

    A wildcard reaches over colons, so that an ARN with a part left out may work. One that has all
    its parts is compared part by part.
    """
    parts, others = resource.split(":", _PARTS - 1), shape.split(":", _PARTS - 1)
    if len(parts) == len(others) == _PARTS and _ACCOUNT.fullmatch(parts[_ACCOUNT_PART]):
        return all(map(meet, parts, others))
    return meet(resource, shape)


def _service_of(arn: str) -> str | None:
    """Return the service that an ARN names, None where it is not written out."""
    parts = arn.split(":")
    if len(parts) <= _ARN_SERVICE or set("*?$") & set(parts[_ARN_SERVICE]):
        return None
    return parts[_ARN_SERVICE]


def _is_of_other_service(action: str, resource: str) -> bool:
    """Tell whether an ARN names a service whose resources the action's service does not know."""
    named = _service_of(resource)
    service = action.partition(":")[0]
    known = {_service_of(shape) for shape in _shapes()["services"].get(service, ())}
    return bool(known) and None not in known and named not in {None, service, *known}


@cache
def _shapes() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(get_data("org_constructs.checks", _FILE) or b"{}")
    for kind in ("s3_bucket_actions", "s3_object_actions"):
        raw[kind] = frozenset(f"s3:{name}" for name in raw[kind])
    return raw
