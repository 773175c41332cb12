"""Checks of parameters by themselves: presence, length and form, as the API's model states them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .api_model import OperationModel, Shape
from .errors import invalid_input
from .state import Json

# Reasons that AWS has for one kind of parameter (model).
_ENUM_REASONS = {
    "PolicyType": "INVALID_ENUM_POLICY_TYPE",
    "EffectivePolicyType": "INVALID_ENUM_POLICY_TYPE",
}
_PATTERN_REASONS = {
    "PolicyTargetId": "INVALID_PATTERN_TARGET_ID",
    "PolicyId": "INVALID_SYNTAX_POLICY_ID",
    "RoleName": "INVALID_ROLE_NAME",
}
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "list": list,
    "structure": dict,
    "timestamp": (int, float, str),
}


def check_parameters(params: Json, model: OperationModel) -> None:
    """Refuse a call whose parameters AWS refuses without looking at the organization.

    Raises:
        ApiError: `InvalidInputException`.
    """
    _check_members("", params, model.members, model.required)


def _check_members(
    where: str, values: Json, members: Mapping[str, Shape], required: Iterable[str]
) -> None:
    for name in required:
        if values.get(name) is None:
            raise invalid_input(f"{where}{name} is required.", "INPUT_REQUIRED")
    for name, value in values.items():
        shape = members.get(name)
        # AWS ignores parameters that it does not know.
        if shape is not None and value is not None:
            _check(f"{where}{name}", value, shape)


def _check(name: str, value: object, shape: Shape) -> None:
    expected = _PYTHON_TYPES[shape.type]
    if not isinstance(value, expected) or isinstance(value, bool):
        raise invalid_input(f"{name} is not a {shape.type}.", "INVALID_PATTERN")
    if isinstance(value, dict):
        _check_members(f"{name}.", value, shape.members, shape.required)
    elif isinstance(value, list):
        for item in value:
            _check_item(name, item, shape)
    elif isinstance(value, int | float):
        _check_value(name, value, shape)
    elif isinstance(value, str):
        _check_string(name, value, shape)


def _check_item(name: str, item: object, shape: Shape) -> None:
    if shape.member is None:
        return
    if shape.member.choices and item not in shape.member.choices:
        raise invalid_input(
            f"{name} has the invalid value {item!r}; allowed are "
            f"{', '.join(shape.member.choices)}.",
            "INVALID_LIST_MEMBER",
        )
    _check(f"{name}[]", item, shape.member)


def _check_value(name: str, value: float, shape: Shape) -> None:
    if shape.shortest is not None and value < shape.shortest:
        raise invalid_input(
            f"{name} is {value}, at least {shape.shortest} is needed.", "MIN_VALUE_EXCEEDED"
        )
    if shape.longest is not None and value > shape.longest:
        raise invalid_input(
            f"{name} is {value}, at most {shape.longest} is allowed.", "MAX_VALUE_EXCEEDED"
        )


def _check_string(name: str, value: str, shape: Shape) -> None:
    if shape.choices and value not in shape.choices:
        raise invalid_input(
            f"You specified an invalid value for {name}: {value!r} is not one of "
            f"{', '.join(shape.choices)}.",
            _ENUM_REASONS.get(shape.name, "INVALID_ENUM"),
        )
    if shape.shortest is not None and len(value) < shape.shortest:
        raise invalid_input(
            f"{name} has {len(value)} characters, at least {shape.shortest} are needed.",
            "MIN_LENGTH_EXCEEDED",
        )
    if shape.longest is not None and len(value) > shape.longest:
        raise invalid_input(
            f"{name} has {len(value)} characters, at most {shape.longest} are allowed.",
            "MAX_LENGTH_EXCEEDED",
        )
    if shape.pattern is not None and not shape.pattern.fullmatch(value):
        raise invalid_input(
            f"You provided a value that does not match the required pattern: {name} {value!r} "
            f"does not match {shape.pattern.pattern}",
            _PATTERN_REASONS.get(shape.name, "INVALID_PATTERN"),
        )
