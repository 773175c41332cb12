"""Lists of names, as a user writes them and as a policy holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from org_constructs.model.errors import OrgError

# CDK's encoded tokens: a string, or the one item of a list that CDK expands.
TOKEN = re.compile(r"[$#]\{Token\[")
_EXPANDS = "#{Token["


def sorted_names(value: object, *, what: str, argument: str, sample: str) -> tuple[str, ...]:
    """Return names sorted and without duplicates.

    Args:
        value: what the user gave.
        what: whose argument it is, for the message.
        argument: its name.
        sample: a name that would be right.

    Raises:
        OrgError: `ORG008` for one string, for no list at all, and for an item that is no string.
    """
    if isinstance(value, str):
        raise OrgError(
            "ORG008",
            f"{what}: {argument} is one string, {value!r}; write {argument}=[{value!r}]",
        )
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise OrgError(
            "ORG008",
            f"{what}: {argument} is {value!r}, not a list; write {argument}=[{sample!r}]",
        )
    names = list(value)
    for name in names:
        if not isinstance(name, str):
            raise OrgError(
                "ORG008",
                f"{what}: {argument} has the item {name!r}, which is not a string; "
                f"write {argument}=[{sample!r}]",
            )
    return tuple(sorted(set(names)))


def as_json(names: tuple[str, ...]) -> str | list[str]:
    """Return one name as a string, several as a list, as AWS's own consoles write them.

    A list that CDK expands stays a list: as a string it could not become several names.
    """
    if len(names) == 1 and _EXPANDS not in names[0]:
        return names[0]
    return list(names)
