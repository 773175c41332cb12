"""Requests in the form of AWS's JSON protocol: what cannot be read never reaches the service."""

from __future__ import annotations

import json
from typing import Any

from .backend import ApiError
from .backend.api_model import Shape, operations

_TARGET_PREFIX = "AWSOrganizationsV20161128."
_KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "list": list,
    "structure": dict,
    # An ISO 8601 text is taken too, which SDKs never send.
    "timestamp": (int, float, str),
}


def read_request(target: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the operation of a request and its parameters.

    Args:
        target: the header `X-Amz-Target`.
        body: the content; none means no parameters.

    Raises:
        ApiError: `UnknownOperationException` or `SerializationException`, which every service
            with this protocol answers.
    """
    operation = target.removeprefix(_TARGET_PREFIX)
    if operation not in operations():
        raise ApiError(
            "UnknownOperationException", f"AWS Organizations has no operation {operation!r}."
        )
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        raise _unreadable("the request is not JSON") from None
    if not isinstance(params, dict):
        raise _unreadable("the request is not a JSON object")
    # To say null is to say nothing.
    params = {name: value for name, value in params.items() if value is not None}
    for name, shape in operations()[operation].members.items():
        _check(name, params.get(name), shape)
    return operation, params


def _check(where: str, value: object, shape: Shape) -> None:
    """Refuse a value of another kind than its parameter has; what is missing is no value."""
    if value is None:
        return
    # To Python true is a number.
    if isinstance(value, bool) or not isinstance(value, _KINDS[shape.type]):
        raise _unreadable(f"{where} is {json.dumps(value)[:50]}, and not a {shape.type}")
    if isinstance(value, dict):
        for name, member in shape.members.items():
            _check(f"{where}.{name}", value.get(name), member)
    elif isinstance(value, list) and shape.member is not None:
        for item in value:
            _check(f"{where}[]", item, shape.member)


def _unreadable(problem: str) -> ApiError:
    return ApiError("SerializationException", problem)
