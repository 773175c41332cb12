"""The boundary to jsii: only plain lists, dicts, strings, numbers and booleans pass.

jsii crashes on tuples, sets, dataclasses and plain enums, drops `None` in nested values without
a word, and turns `1.0` into `1`; type checkers see none of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any

import aws_cdk as cdk

from .model.errors import OrgError

# Marks of CDK's encoded tokens; testing for them here saves a call to Node per value.
_TOKEN_MARKS = ("${Token[", "#{Token[")


def is_token(value: object) -> bool:
    """Tell whether a string stands for a value that only CloudFormation knows."""
    return isinstance(value, str) and any(mark in value for mark in _TOKEN_MARKS)


def plain(value: Any, *, where: str) -> Any:
    """Return `value` as plain data that jsii carries unchanged.

    Args:
        value: data of any depth; sets are sorted, tuples become lists, string enums strings.
        where: whose value it is, for the message.

    Raises:
        OrgError: `ORG009` for `None` and for types that have no plain form.
    """
    if isinstance(value, Enum):
        return plain(value.value, where=where)
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): plain(item, where=f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(plain(item, where=where) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(item, where=f"{where}[{index}]") for index, item in enumerate(value)]
    if hasattr(value, "__jsii_type__"):
        # An IResolvable, such as Fn.import_value or Lazy.any: CDK renders it.
        return value
    raise OrgError(
        "ORG009",
        f"{where}: {value!r} has no JSON form; give strings, numbers, booleans, lists and mappings",
    )


def tag_list(tags: Mapping[str, str] | None, *, where: str) -> list[cdk.CfnTag] | None:
    """Return tags as CloudFormation takes them, sorted by key.

    Raises:
        OrgError: `ORG012` for a key or value that AWS refuses.
    """
    if not tags:
        return None
    if not isinstance(tags, Mapping):
        raise OrgError(
            "ORG012", f"{where}: tags is {tags!r}, not a mapping; give tags={{'key': 'value'}}"
        )
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise OrgError("ORG012", f"{where}: tag {key!r}: {value!r} is not a pair of strings")
        if is_token(key) or is_token(value):
            continue
        if not 1 <= len(key) <= 128 or len(value) > 256:  # noqa: PLR2004
            raise OrgError(
                "ORG012",
                f"{where}: tag {key!r} is too long; a key has 1 to 128 characters, a value 0 to 256",
            )
        if key.lower().startswith("aws:"):
            raise OrgError("ORG012", f"{where}: tag {key!r} begins with 'aws:', which AWS reserves")
    return [cdk.CfnTag(key=key, value=tags[key]) for key in sorted(tags)]
