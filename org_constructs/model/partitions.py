"""Partitions and Regions of AWS as dated data, so that a mistyped Region is refused by name.

The data come from the SDK's own description of the partitions and are written by
`scripts/generate_global_services.py`; `partitions.json` names the version it was made from.

Source: https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from .errors import OrgError

# A value that CDK fills in at synthesis or deployment: a string, or the one item of a list.
_TOKEN = re.compile(r"[$#]\{Token\[")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+){1,3}-[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A group of Regions with its own accounts, credentials and ARN prefix.

    Attributes:
        name: second part of every ARN, such as `aws` or `aws-cn`.
        regions: codes of its Regions, sorted.
        organizations_region: where the endpoint of AWS Organizations lives, and where its events
            appear: `us-east-1` in `aws`. Global services sign for this Region unless they say
            otherwise.
        dns_suffix: what host names of its endpoints end with.
        region_pattern: the form of Region codes, for Regions that are newer than the data.
    """

    name: str
    regions: tuple[str, ...]
    organizations_region: str
    dns_suffix: str
    region_pattern: str


@cache
def partitions() -> Mapping[str, Partition]:
    """Return every known partition by name."""
    return MappingProxyType(
        {
            name: Partition(
                name=name,
                regions=tuple(entry["regions"]),
                organizations_region=entry["organizations_region"],
                dns_suffix=entry["dns_suffix"],
                region_pattern=entry["region_pattern"],
            )
            for name, entry in _raw()["partitions"].items()
        }
    )


def partition_of(region: str) -> Partition | None:
    """Return the partition of a Region, or None when nothing is known about it.

    A Region that is newer than the data belongs to the partition whose Regions are named in that
    way, which is also how the SDKs decide: `eu-west-9` is in `aws`, `us-gov-north-1` in
    `aws-us-gov`.
    """
    for partition in partitions().values():
        if region in partition.regions:
            return partition
    for partition in partitions().values():
        if re.fullmatch(partition.region_pattern, region, re.ASCII):
            return partition
    return None


def check_region(
    value: str, *, what: str, unlisted: Collection[str] = (), unlisted_name: str = ""
) -> str:
    """Return `value` if it is the code of a Region.

    A mistyped Region in a Deny statement is not refused by AWS: it matches no request, and the
    Region that was meant stays denied. A CDK token is returned as it is.

    Args:
        value: the code, such as `eu-west-1`.
        what: which value it is, for the message, such as `RegionDeny: allowed_regions`.
        unlisted: codes that are accepted although the data do not have them, for a Region that
            is newer than this library; each must have the form of a Region code.
        unlisted_name: the argument by which a user names such Regions, for the message.

    Raises:
        OrgError: `ORG006`.
    """
    if not isinstance(value, str):
        raise OrgError("ORG006", f"{what}: {value!r} is not a string; give one such as 'eu-west-1'")
    if _TOKEN.search(value):
        return value
    known = [region for partition in partitions().values() for region in partition.regions]
    if value in known:
        return value
    if value in unlisted and _REGION.fullmatch(value):
        return value
    close = nearest_region(value)
    remedy = f"did you mean '{close}'" if close else "give one such as 'eu-west-1'"
    if unlisted_name and _REGION.fullmatch(value):
        remedy += f"; a region that is newer than this data is named in {unlisted_name}= as well"
    raise OrgError(
        "ORG006", f"{what}: region '{value}' is unknown to botocore {_raw()['botocore']}; {remedy}"
    )


def has_region_form(value: str) -> bool:
    """Tell whether a text has the form of a Region's code, known or not."""
    return _REGION.fullmatch(value) is not None


def nearest_region(value: str) -> str | None:
    """Return the known Region whose code is most like a mistyped one, if any is."""
    known = [region for partition in partitions().values() for region in partition.regions]
    written = re.sub(r"[\s_]+", "-", value.strip().lower())
    written = re.sub(r"(?<=[a-z])(?=[0-9])", "-", written)
    found = difflib.get_close_matches(written, sorted(known), n=1, cutoff=0.7)
    return found[0] if found else None


@cache
def _raw() -> Mapping[str, Any]:
    # Late, because it imports half of the standard library.
    from importlib import resources

    text = resources.files(__package__).joinpath("data/partitions.json").read_text("utf-8")
    raw: Mapping[str, Any] = json.loads(text)
    return raw
