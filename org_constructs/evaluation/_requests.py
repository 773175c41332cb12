"""Requests that show a difference: made of examples, and as likely as it can be.

An example is the shortest value of its cell. Parts of it are replaced by what requests at AWS look
like as long as nothing is decided otherwise by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, product
from typing import Any, Final

from ._cells import FAMILIAR, Example, Special
from ._matching import ARN_PARTS, action_matches, template_of
from ._requirements import BY_SERVICE, RETIRE_GRANT, VARIABLE, Box, Names
from ._syntax import RCP, Condition
from .catalogue import Catalogue, catalogue
from .decision import Request

__all__ = ["more_likely", "request_of", "with_variables"]

# Tried first for an example, since many know them.
_WELL_KNOWN: Final = ("ec2:Run*", "s3:Get*", "iam:Create*", "ec2:*", "s3:*", "iam:*", "*")
_ACCOUNT: Final = "111122223333"
_ROLE: Final = f"arn:aws:iam::{_ACCOUNT}:role/Example"
_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
# Documentation: ARNs of these name no Region, those of the last no account either.
_GLOBAL: Final = frozenset({"iam", "sts", "organizations", "cloudfront", "route53", "s3"})
_WITHOUT_ACCOUNT: Final = frozenset({"s3", "route53"})
_INSTANCES: Final = 512
_PARTITION_PART, _SERVICE_PART, _REGION_PART, _ACCOUNT_PART, _NAME_PART = range(1, ARN_PARTS)
_SPELT: Final = {key.lower(): key for key in ("aws:PrincipalArn", "aws:PrincipalIsAWSService")}

Changes = Mapping[str, str]


def request_of(
    found: Mapping[str, Example],
    boxes: Sequence[Box],
    spelt: Mapping[str, str],
    actions: Catalogue | None,
    *,
    is_service: bool,
) -> Request:
    """Return the request that examples describe.

    Args:
        found: examples, by action, resource or condition key in lower case.
        boxes: what statements require.
        spelt: condition keys as the policies write them, by key in lower case.
        actions: the actions that count; every action that may ever exist by default.
        is_service: whether a service of AWS asks by itself.
    """
    values = {what: e for what, e in found.items() if not isinstance(e, Special)}
    if is_service:
        values |= {key: value for key, value in BY_SERVICE.items() if value is not None}
    elif values.get("aws:principalisawsservice") == "true":
        # A service that asks by itself is exempt; on behalf of a principal it is not.
        values.setdefault("aws:principalarn", _ROLE)
    action = _action(values.pop("action", None), boxes, actions)
    resource = values.pop("resource", "*")
    return Request(
        action=action,
        resource=resource if isinstance(resource, str) else "*",
        context={
            {**_SPELT, **spelt}.get(key, key): list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
        },
    )


def with_variables(
    request: Request, boxes: Sequence[Box], spelt: Mapping[str, str], *, rough: bool
) -> Iterator[Request]:
    """Yield a request and others in which values are what policy variables stand for, or not.

    Args:
        request: the request.
        boxes: what statements require.
        spelt: condition keys as the policies write them, by key in lower case.
        rough: whether the request lacks values for which there are too many cells: those of
            single patterns are tried.
    """
    context = {**spelt, **{key.lower(): key for key in request.context}}
    known = {key.lower(): str(value) for key, value in request.context.items()}
    required: dict[object, None] = {}
    for box in boxes:
        if not _takes(box, request.action):
            continue
        some = [item[1] for item in sorted(box.opaque, key=repr) if item[0] == VARIABLE]
        if rough:
            some += sorted((c for c in box.conditions if c.key not in known), key=repr)
            some += [box.resources] if box.resources and request.resource == "*" else []
        required |= dict.fromkeys(some)
    choices = [_choices(item, known) for item in required]
    one_by_one = ((changes,) for options in choices for changes in options)
    for chosen in islice(chain([()], one_by_one, product(*choices)), _INSTANCES):
        values: dict[str, str] = {}
        for changes in chosen:
            values |= changes
        resource = values.pop("resource", request.resource)
        if resource != "*" and not resource.startswith("arn:"):
            continue
        given: dict[str, str] = {}
        for key, value in values.items():
            # A variable may spell a key otherwise than a condition, or another variable, does.
            given[context.setdefault(key.lower(), key)] = value
        yield replace(request, resource=resource, context={**request.context, **given})


def _choices(required: object, known: Mapping[str, str]) -> list[Changes]:
    """Return what may be changed so that a requirement holds, or does not."""
    if isinstance(required, Condition):
        what, texts = required.key, required.values
    elif isinstance(required, Names):
        what, texts = "resource", tuple(sorted(required.patterns))
    else:
        return [{}]
    found: list[Changes] = [{}]
    for text in texts:
        template = template_of(text)
        keys = template.keys if template else ()
        values = {key: known.get(key.lower(), _sample(key)) for key in keys}
        lookup = {key.lower(): value for key, value in values.items()}.get
        meant = template.text(lookup) if template else text
        if meant is not None:
            found.append({**values, what: meant.replace("*", "").replace("?", "x")})
        found.append(values)
        if what != "resource":
            found.append({**values, what: _other(what)})
    return found


def _sample(key: str) -> str:
    return next(iter(FAMILIAR.get(key.lower(), ())), "example")


def _other(key: str) -> str:
    """Return a value that is not the sample."""
    return {"o-a1b2c3d4e5": "o-z9y8x7w6v5", _ACCOUNT: "444455556666"}.get(_sample(key), "other")


def more_likely(request: Request, is_same: Callable[[Request], bool]) -> Request:
    """Return a request with ARNs as AWS has them, as far as they may be replaced.

    Args:
        request: the request.
        is_same: tells whether another request is decided in the same way.
    """
    request = _likely_arn(
        request, request.resource, is_same, lambda r, arn: replace(r, resource=arn)
    )
    for key, value in request.context.items():
        if isinstance(value, str):
            request = _likely_arn(request, value, is_same, _setter(key))
    return request


def _setter(key: str) -> Callable[[Request, str], Request]:
    return lambda request, value: replace(request, context={**request.context, key: value})


def _likely_arn(
    request: Request,
    arn: str,
    is_same: Callable[[Request], bool],
    changed: Callable[[Request, str], Request],
) -> Request:
    parts = arn.split(":", ARN_PARTS - 1)
    if len(parts) < ARN_PARTS or parts[0] != "arn":
        return request
    for number, likely in _likely_parts(parts):
        if parts[number] == likely:
            continue
        tried = [*parts[:number], likely, *parts[number + 1 :]]
        candidate = changed(request, ":".join(tried))
        if is_same(candidate):
            request, parts = candidate, tried
    return request


def _likely_parts(parts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield what parts of an ARN may be replaced by, the likeliest last."""
    service, name = parts[_SERVICE_PART], parts[_NAME_PART]
    if parts[_PARTITION_PART] not in _PARTITIONS:
        for partition in reversed(_PARTITIONS):
            yield _PARTITION_PART, partition
    if service in _GLOBAL:
        yield _REGION_PART, ""
    elif not parts[_REGION_PART]:
        yield _REGION_PART, "us-east-1"
    if service in _WITHOUT_ACCOUNT:
        yield _ACCOUNT_PART, ""
    elif not (parts[_ACCOUNT_PART].isdigit() and len(parts[_ACCOUNT_PART]) == len(_ACCOUNT)):
        yield _ACCOUNT_PART, _ACCOUNT
    if name.endswith(("/", ":")):
        yield _NAME_PART, f"{name}Example"


def _action(found: Any, boxes: Sequence[Box], actions: Catalogue | None) -> str:
    """Return an action that exists and that the same boxes take, else the one that was found."""
    known = actions or catalogue()
    alike = known.every
    for box in boxes if found else ():
        taken = 0
        for pattern in box.actions.patterns:
            taken |= known.mask(pattern)
        if box.actions.others:
            taken = known.every & ~taken
        alike &= taken if _takes(box, str(found)) else known.every & ~taken
        if box.kind == RCP:
            # Only the services that were found are surely in reach, but for one action.
            alike &= known.mask(f"{str(found).partition(':')[0]}:*")
            alone = known.mask(RETIRE_GRANT)
            alike &= alone if str(found) == RETIRE_GRANT else known.every & ~alone
    if not alike:
        return str(found)
    for pattern in _WELL_KNOWN:
        preferred = alike & known.mask(pattern)
        if preferred:
            return known.actions[(preferred & -preferred).bit_length() - 1]
    return known.actions[(alike & -alike).bit_length() - 1]


def _takes(box: Box, action: str) -> bool:
    matched = any(action_matches(pattern, action) for pattern in box.actions.patterns)
    return matched is not box.actions.others
