"""AWS Organizations quotas as dated data: each has a value, a date and a source.

AWS changes them (the size and the number of SCPs doubled on 2026-05-15), so no quota is a
constant in code: they stand in `data/quotas.json`, and a caller overrides what AWS has granted
to one organization.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .errors import OrgError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One quota of AWS Organizations.

    Attributes:
        name: key in `data/quotas.json`, such as `scp_characters`.
        value: the limit, in `unit`.
        unit: what is counted.
        adjustable: whether AWS raises it on request.
        since: date (ISO 8601) from which the value is known to hold, when known.
        source: where AWS documents it.
        service_quota: its code in Service Quotas, where AWS tells the value that is applied.
    """

    name: str
    value: int
    unit: str
    adjustable: bool
    since: str | None
    source: str
    service_quota: str | None = None


@cache
def default_quotas() -> Mapping[str, Quota]:
    """Return every known quota by name, as AWS documents it for a new organization."""
    # Late, because it imports half of the standard library.
    from importlib import resources

    raw = json.loads(resources.files(__package__).joinpath("data/quotas.json").read_text("utf-8"))
    return {
        name: Quota(
            name=name,
            value=entry["value"],
            unit=entry["unit"],
            adjustable=entry["adjustable"],
            since=entry.get("since"),
            source=raw["sources"][entry["source"]],
            service_quota=entry.get("service_quota"),
        )
        for name, entry in raw["quotas"].items()
    }


def quota(name: str, overrides: Mapping[str, int] | None = None) -> int:
    """Return the value of one quota.

    Args:
        name: a key of `default_quotas()`.
        overrides: values that hold for this organization, by quota name.

    Raises:
        OrgError: `ORG013` when the quota is unknown or an override is not a positive integer.
    """
    known = default_quotas()
    for key, value in (overrides or {}).items():
        if key not in known:
            raise OrgError(
                "ORG013", f"quota {key!r} is unknown; known are {', '.join(sorted(known))}"
            )
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise OrgError("ORG013", f"quota {key!r}: {value!r} is not a positive integer")
    if name not in known:
        raise OrgError("ORG013", f"quota {name!r} is unknown; known are {', '.join(sorted(known))}")
    return (overrides or {}).get(name, known[name].value)
