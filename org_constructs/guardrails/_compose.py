"""Several guardrails made into the one policy of a target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from org_constructs.model.errors import OrgError

from ._guardrail import Guardrail

_DESCRIPTION_LENGTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """The document of some guardrails.

    Attributes:
        guardrails: what it is made of, equal ones once, by id.
        content: the policy document.
        description: lists the guardrails, at most 512 characters.
        sizes: characters of each guardrail's statements, minified, by guardrail id.
    """

    guardrails: tuple[Guardrail, ...]
    content: dict[str, Any]
    description: str
    sizes: dict[str, int]


def compose(guardrails: Sequence[Guardrail], *, where: str) -> Composition:
    """Compose guardrails into one policy document.

    Statements stand in the order of guardrail ids, whatever the order given.

    Raises:
        OrgError: `ORG008` for something that is no guardrail; `ORG113` when two different
            guardrails have a Sid in common.
    """
    checked_guardrails(guardrails, where)
    for guardrail in guardrails:
        if isinstance(guardrail, type) or not isinstance(guardrail, Guardrail):
            shown = (
                f"the class {guardrail.__name__}"
                if isinstance(guardrail, type)
                else repr(guardrail)
            )
            raise OrgError(
                "ORG008",
                f"{where}: {shown} is not a guardrail; give values such as DenyLeaveOrganization()",
            )
    distinct = tuple(sorted(dict.fromkeys(guardrails), key=lambda g: (g.id, repr(g))))
    content, sizes = _rendered(distinct, where)
    return Composition(
        guardrails=distinct,
        content=content,
        description=_describe([guardrail.id for guardrail in distinct]),
        sizes=sizes,
    )


def checked_guardrails(guardrails: Any, where: str) -> Sequence[Guardrail]:
    """Return `guardrails` if it is a list or tuple.

    Raises:
        OrgError: `ORG008`.
    """
    if isinstance(guardrails, str) or not isinstance(guardrails, Sequence):
        raise OrgError(
            "ORG008",
            f"{where}: guardrails is {type(guardrails).__name__}, not a list; "
            "give a list such as [DenyLeaveOrganization()]",
        )
    return guardrails


def _rendered(
    guardrails: tuple[Guardrail, ...], where: str
) -> tuple[dict[str, Any], dict[str, int]]:
    owners: dict[str, Guardrail] = {}
    rendered: list[dict[str, Any]] = []
    sizes: dict[str, int] = {}
    for guardrail in guardrails:
        statements = _statements(guardrail)
        for statement in statements:
            sid = statement.get("Sid")
            other = owners.setdefault(sid, guardrail) if sid else guardrail
            if other is not guardrail:
                raise OrgError(
                    "ORG113",
                    f"{where}: {other!r} and {guardrail!r} both have a statement '{sid}'; "
                    "keep one of them, or tell them apart with sid_suffix=",
                )
        sizes[guardrail.id] = sum(
            len(json.dumps(s, separators=(",", ":"), ensure_ascii=False)) for s in statements
        )
        rendered += statements
    return {"Version": "2012-10-17", "Statement": rendered}, sizes


@lru_cache(maxsize=256)
def _statements(guardrail: Guardrail) -> tuple[dict[str, Any], ...]:
    """Render a guardrail once, however many targets it is attached to."""
    return tuple(statement.to_json() for statement in guardrail.statements())


def _describe(ids: Sequence[str]) -> str:
    text = f"Guardrails: {', '.join(ids)}"
    return text if len(text) <= _DESCRIPTION_LENGTH else f"{text[: _DESCRIPTION_LENGTH - 1]}…"
