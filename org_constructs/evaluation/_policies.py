"""The policies of a level, in the forms in which they may be given, each read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from org_constructs.model.errors import OrgError

from ._shown import shown
from ._syntax import Kind, ParsedPolicy, PolicySyntaxError, parse_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """A policy with what is known of it beside its content.

    Attributes:
        name: its name.
        content: the document, its JSON text, or what `parse_policy` has made of it.
        path: where it stands in the organization.
        guardrails: ids of the guardrails that it is made of, so that a statement can be named by
            its guardrail.
    """

    name: str
    content: Mapping[str, Any] | str | ParsedPolicy
    path: str = ""
    guardrails: Sequence[str] = ()


# A document, its JSON text, a policy that was read, or anything with `name` and `content`.
PolicyLike = Mapping[str, Any] | str | ParsedPolicy | NamedPolicy | Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The policies of a root, OU or account, with its name.

    Attributes:
        name: how explanations name it.
        policies: what is attached to it.
    """

    name: str
    policies: Sequence[PolicyLike]


class ReadPolicy:
    """A policy that was read, with what is known of it."""

    __slots__ = ("guardrails", "name", "parsed", "path")

    def __init__(
        self, parsed: ParsedPolicy, name: str, path: str = "", guardrails: Sequence[str] = ()
    ) -> None:
        self.parsed = parsed
        self.name = name
        self.path = path
        self.guardrails = tuple(guardrails)

    def guardrail_of(self, sid: str) -> str:
        """Return the guardrail that made a statement, nothing if it is not known."""
        return _guardrail(sid, self.guardrails) if sid else ""


@lru_cache(maxsize=4096)
def _guardrail(sid: str, guardrails: tuple[str, ...]) -> str:
    """Return the id whose words a Sid begins with, a suffix at its end; the longest if several."""
    for name in sorted(guardrails, key=len, reverse=True):
        words = name.split("-")
        for split in range(len(words), 0, -1):
            begin, end = "".join(words[:split]).lower(), "".join(words[split:]).lower()
            rest = sid.lower().removeprefix(begin)
            if len(rest) < len(sid) and rest.endswith(end):
                return name
    return ""


def read_level(
    level: Level | Sequence[PolicyLike], kind: Kind, *, number: int
) -> tuple[str, list[ReadPolicy]]:
    """Return the name and the policies of a level.

    Raises:
        PolicySyntaxError: for a policy that AWS would reject.
        OrgError: `ORG032` for what is no level.
    """
    if isinstance(level, Level):
        name, policies = level.name, level.policies
    else:
        name, policies = "", level
    if isinstance(policies, str | Mapping) or not isinstance(policies, Iterable):
        raise OrgError(
            "ORG032",
            f"decide: level {number} is {shown(policies)}; give a list of policies, empty when nothing "
            "is attached",
        )
    return name, [
        _read(policy, kind, f"level {number} policy {place}")
        for place, policy in enumerate(policies, 1)
    ]


def _read(policy: PolicyLike, kind: Kind, place: str) -> ReadPolicy:
    # The first is what it nearly always is, and asked in no time.
    if type(policy) is dict or isinstance(policy, Mapping | str):
        return ReadPolicy(_parsed(policy, kind, place), place)
    if isinstance(policy, ParsedPolicy):
        return ReadPolicy(_of_kind(policy, kind), policy.name)
    content = getattr(policy, "content", None)
    if content is None and hasattr(policy, "to_json"):
        return ReadPolicy(_parsed(policy.to_json(), kind, place), place)
    if content is None:
        raise OrgError(
            "ORG032",
            f"decide: {place} is {shown(policy)}; give a policy document, its JSON text, or "
            "NamedPolicy(name=…, content=…)",
        )
    name = str(getattr(policy, "name", "") or place)
    parsed = (
        _of_kind(content, kind)
        if isinstance(content, ParsedPolicy)
        else _parsed(content, kind, name)
    )
    return ReadPolicy(
        parsed,
        name,
        str(getattr(policy, "path", "") or ""),
        getattr(policy, "guardrails", ()) or (),
    )


def _of_kind(policy: ParsedPolicy, kind: Kind) -> ParsedPolicy:
    if policy.kind != kind:
        raise PolicySyntaxError(
            f"is a {policy.kind}; give a {kind} at this place", policy=policy.name
        )
    return policy


# A document that was changed since is read again: it is compared with a copy of what was read,
# which takes a few microseconds where reading takes hundreds.
_CACHE: OrderedDict[tuple[int, str], tuple[Any, Any, ParsedPolicy]] = OrderedDict()
_CACHE_SIZE = 2048


def _parsed(content: Mapping[str, Any] | str, kind: Kind, name: str) -> ParsedPolicy:
    if isinstance(content, str):
        return _parsed_text(content, kind, name)
    key = id(content), kind
    cached = _CACHE.get(key)
    if cached is not None and cached[0] is content and cached[1] == content:
        return cached[2]
    parsed = parse_policy(content, name=name, kind=kind)
    _CACHE[key] = content, _copy(content), parsed
    if len(_CACHE) > _CACHE_SIZE:
        _CACHE.popitem(last=False)
    return parsed


@lru_cache(maxsize=2048)
def _parsed_text(content: str, kind: Kind, name: str) -> ParsedPolicy:
    return parse_policy(content, name=name, kind=kind)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copy(item) for item in value) if type(value) in (list, tuple) else value
    return value
