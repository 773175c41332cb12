"""The values that condition operators compare, read from text: numbers, dates, addresses, bytes.

Each reader returns None for a text of another form. A policy with such a value is an error, a
request with one is a request whose value equals nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal
    from ipaddress import IPv4Network, IPv6Network

# They are compiled when the first value of their kind is read.
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
# https://www.w3.org/TR/NOTE-datetime, which AWS names; a space for the T and a missing zone are
# met in practice and read as T and as UTC (inference).
_DATE = (
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?"
    r"([Zz]|[+-]\d\d:?\d\d)?)?)?)?"
)
_SECONDS = r"\d+(?:\.\d+)?"
# CIDR as AWS names it: no netmask after the slash, which ipaddress would read, and no zone.
_NETWORK = r"[0-9A-Fa-f:.]+(?:/\d{1,3})?"


@lru_cache(maxsize=4096)
def number(text: str) -> Decimal | None:
    """Return an integer or decimal number, exactly."""
    from decimal import Decimal

    return Decimal(text) if re.fullmatch(_NUMBER, text, re.ASCII) else None


@lru_cache(maxsize=4096)
def boolean(text: str) -> bool | None:
    """Return true or false, whose case has no meaning."""
    return {"true": True, "false": False}.get(text.lower())


@lru_cache(maxsize=4096)
def moment(text: str) -> Decimal | None:
    """Return a date as seconds since 1970: a date of ISO 8601, or the seconds themselves.

    Four digits are a year, as W3C has it; any other number is seconds. A time without a zone is
    UTC.
    """
    from datetime import UTC, datetime, timedelta, timezone
    from decimal import Decimal

    match = re.fullmatch(_DATE, text, re.ASCII)
    if match is None:
        return number(text) if re.fullmatch(_SECONDS, text, re.ASCII) else None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    offset = timedelta()
    if zone and zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        if zone[0] == "-":
            offset = -offset
    # A leap second is the first of the next minute.
    leap = second == "60"
    try:
        when = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            59 if leap else int(second or 0),
            tzinfo=timezone(offset),
        )
    except ValueError:
        return None
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(since.days * 86400 + since.seconds + leap) + Decimal(fraction or 0)


@lru_cache(maxsize=4096)
def network(text: str) -> IPv4Network | IPv6Network | None:
    """Return an address or a block of addresses, of IPv4 or IPv6."""
    from ipaddress import ip_network

    try:
        return ip_network(text, strict=False) if re.fullmatch(_NETWORK, text, re.ASCII) else None
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def binary(text: str) -> bytes | None:
    """Return the bytes that a text of base64 stands for."""
    from base64 import b64decode

    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None
