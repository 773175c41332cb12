"""The rules of evaluation a second time: slow, from raw JSON, sharing nothing with the library.

Wildcards are matched sign by sign, dates by the calendar of the standard library, addresses as
integers. It knows no caches, no missing keys and no explanations, only the answer. Documents are
taken to be ones that AWS would accept.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

Signs = list[tuple[str, bool]]  # a sign, and whether it is a wildcard


def answer(levels: list[list[dict[str, Any]]], request: dict[str, Any]) -> str:
    """Return what the levels say of a request of `action`, `resource` and `context`."""
    context = {
        key.lower(): value if isinstance(value, list) else [value]
        for key, value in request["context"].items()
    }
    context = {key: [_text(value) for value in values] for key, values in context.items() if values}
    arn = context.get("aws:principalarn", [""])
    if len(arn) == 1 and re.match("arn:[^:]*:iam::[^:]*:role/aws-service-role/.", arn[0]):
        return "Allowed"
    effects = [
        [
            statement["Effect"]
            for policy in level
            for statement in _listed(policy["Statement"])
            if _applies(statement, request, context, variables=policy["Version"] == "2012-10-17")
        ]
        for level in levels
    ]
    if any("Deny" in level for level in effects):
        return "ExplicitlyDenied"
    return "Allowed" if all("Allow" in level for level in effects) else "ImplicitlyDenied"


def _applies(statement: Any, request: Any, context: Any, *, variables: bool) -> bool:
    action = request["action"].lower()
    if "Action" in statement:
        if not any(_like(_wild(p.lower()), action) for p in _listed(statement["Action"])):
            return False
    elif any(_like(_wild(p.lower()), action) for p in _listed(statement["NotAction"])):
        return False
    if "Resource" in statement or "NotResource" in statement:
        patterns = _listed(statement.get("Resource", statement.get("NotResource")))
        filled = [
            # A variable before the fifth colon is not replaced, and no ARN has such a text there.
            None
            if variables and re.match(r"[^:$]*(:[^:$]*){0,4}\$\{[^{}]*\}", pattern)
            else _filled(pattern, context, variables=variables)
            for pattern in patterns
        ]
        hit = any(signs is not None and _like(signs, request["resource"]) for signs in filled)
        if hit != ("Resource" in statement):
            return False
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            wanted = [_text(value) for value in _listed(values)]
            if not _condition(operator, key.lower(), wanted, context, variables=variables):
                return False
    return True


def _condition(
    operator: str, key: str, wanted: list[str], context: Any, *, variables: bool
) -> bool:
    quantifier, _, name = operator.rpartition(":")
    lenient = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    given = context.get(key)
    if name == "Null":
        return any((w.lower() == "true") == (given in (None, [""])) for w in wanted)
    if given is None or (quantifier and given == [""]):
        if lenient or quantifier == "ForAllValues":
            return True
        return not quantifier and "Not" in name
    if not quantifier and len(given) > 1:
        return False
    results = [
        any(_equals(name.replace("Not", ""), w, g, context, variables=variables) for w in wanted)
        != ("Not" in name)
        for g in given
    ]
    return all(results) if quantifier == "ForAllValues" else any(results)


def _equals(name: str, wanted: str, given: str, context: Any, *, variables: bool) -> bool:
    if name.startswith(("String", "Arn")):
        signs = _filled(wanted, context, variables=variables)
        if signs is None:
            return False
        if name.startswith("Arn"):
            return _arn(signs, given)
        if name == "StringLike":
            return _like(signs, given)
        text = "".join(sign for sign, _ in signs)
        return text.lower() == given.lower() if "IgnoreCase" in name else text == given
    if name == "Bool":
        return given.lower() in ("true", "false") and wanted.lower() == given.lower()
    if name == "IpAddress":
        return _within(wanted, given)
    if name == "BinaryEquals":
        try:
            return base64.b64decode(wanted) == base64.b64decode(given, validate=True)
        except ValueError:
            return False
    read = _number if name.startswith("Numeric") else _moment
    one, other = read(given), read(wanted)
    if one is None or other is None:
        return False
    return {
        "Equals": one == other,
        "LessThan": one < other,
        "LessThanEquals": one <= other,
        "GreaterThan": one > other,
        "GreaterThanEquals": one >= other,
    }[name.removeprefix("Numeric").removeprefix("Date")]


def _arn(signs: Signs, given: str) -> bool:
    parts: list[Signs] = [[]]
    for sign, wild in signs:
        if sign == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append((sign, wild))
    texts = given.split(":", 5)
    return len(parts) == len(texts) == 6 and all(map(_like, parts, texts))


def _wild(pattern: str) -> Signs:
    return [(sign, sign in "*?") for sign in pattern]


def _filled(pattern: str, context: Any, *, variables: bool) -> Signs | None:
    if not variables:
        return _wild(pattern)
    signs: Signs = []
    rest = pattern
    while rest:
        end = rest.find("}")
        if not rest.startswith("${") or end < 0:
            signs += _wild(rest[0])
            rest = rest[1:]
            continue
        inner, rest = rest[2:end], rest[end + 1 :]
        key, comma, default = inner.partition(",")
        values = context.get(key.strip().lower(), [])
        if inner in ("*", "?", "$"):
            text = inner
        elif len(values) == 1:
            text = values[0]
        elif comma:
            text = default.strip()[1:-1]
        else:
            return None
        signs += [(sign, False) for sign in text]
    return signs


def _like(signs: Signs, text: str) -> bool:
    """Follow every way in which the signs fit, one sign of the text at a time."""
    places = {0}
    for letter in [*text, ""]:
        queue = list(places)
        while queue:
            place = queue.pop()
            if place < len(signs) and signs[place] == ("*", True) and place + 1 not in places:
                places.add(place + 1)
                queue.append(place + 1)
        if not letter:
            return len(signs) in places
        following = set()
        for place in places:
            if place == len(signs):
                continue
            sign, wild = signs[place]
            if wild and sign == "*":
                following.add(place)
            elif wild or sign == letter:
                following.add(place + 1)
        places = following
    return False


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None


def _moment(text: str) -> Fraction | None:
    if text.replace(".", "", 1).isdigit() and len(text) != 4:
        return Fraction(text)
    padded = {4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text)
    try:
        when = datetime.fromisoformat(padded)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86400 + since.seconds + Fraction(since.microseconds, 1_000_000)


def _within(block: str, given: str) -> bool:
    base, _, size = block.partition("/")
    try:
        start, address = ipaddress.ip_address(base), ipaddress.ip_address(given)
    except ValueError:
        return False
    free = start.max_prefixlen - int(size or start.max_prefixlen)
    return start.version == address.version and int(start) >> free == int(address) >> free


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
