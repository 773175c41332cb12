"""Properties of a custom resource, checked before AWS is asked: CloudFormation sends strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .errors import SettingError

ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
ROOT_ID: Final = re.compile(r"r-[0-9a-z]{4,32}")
# The model's characters of a service principal, in the form that all of them have.
SERVICE_PRINCIPAL: Final = re.compile(
    r"(?=.{1,128}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws|amazon)\.[a-z]+(\.[a-z]+)?"
)


def checked(properties: Mapping[str, Any], name: str, pattern: re.Pattern[str], sample: str) -> str:
    """Return a property that has the form `pattern`.

    Raises:
        SettingError: it is missing or has another form.
    """
    value = properties.get(name)
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    shown = "is missing" if value is None else f"{value!r} does not have the form {pattern.pattern}"
    raise SettingError(f"property {name} {shown}; give one such as {sample}")


def is_set(properties: Mapping[str, Any], name: str) -> bool:
    """Tell whether a property that is true or false is true; one that is missing is false.

    Raises:
        SettingError: it is neither.
    """
    value = properties.get(name, "false")
    if value in ("true", "false"):
        return bool(value == "true")
    raise SettingError(f"property {name} is {value!r}; give 'true' or 'false'")


def turns_off(properties: Mapping[str, Any]) -> bool:
    """Tell whether the removal of a setting turns off what it has turned on."""
    return is_set(properties, "TurnOffOnRemoval")
