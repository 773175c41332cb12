"""A policy document, as a value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from org_constructs.model.errors import OrgError

from .statement import Statement

VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A policy document: statements in the order given, which has no meaning for AWS.

    Attributes:
        statements: one or more; no two of them have the same Sid.

    Raises:
        OrgError: `ORG009`.
    """

    statements: Sequence[Statement]

    def __post_init__(self) -> None:
        statements = tuple(self.statements)
        if not statements:
            raise OrgError("ORG009", "document: statements is empty; give at least one Statement")
        for statement in statements:
            if not isinstance(statement, Statement):
                raise OrgError(
                    "ORG009",
                    f"document: {statement!r} is not a Statement; give Statement(…), or "
                    "Statement.from_json(…) for its JSON form",
                )
        for sid, count in Counter(s.sid for s in statements if s.sid).items():
            if count > 1:
                raise OrgError(
                    "ORG009",
                    f"document: {count} statements have the sid '{sid}'; give each its own, for a "
                    "guardrail by sid_suffix=",
                )
        object.__setattr__(self, "statements", statements)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Document:
        """Read a document in its JSON form; a lone statement may stand without a list.

        Raises:
            OrgError: `ORG009` for another version, or an element that a document does not have.
        """
        if set(content) != {"Version", "Statement"} or content["Version"] != VERSION:
            raise OrgError(
                "ORG009",
                f"document: Version is {content.get('Version')!r} and the elements are "
                f"{', '.join(content)}; write Version '{VERSION}' and Statement",
            )
        raw = content["Statement"]
        statements = [raw] if isinstance(raw, Mapping) else raw
        return cls(statements=[Statement.from_json(statement) for statement in statements])

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "Version": VERSION,
            "Statement": [statement.to_json() for statement in self.statements],
        }

    def minified(self) -> str:
        """Return the JSON text without white space between its elements."""
        return json.dumps(self.to_json(), separators=(",", ":"), ensure_ascii=False)

    @property
    def characters(self) -> int:
        """Size of the minified text, which AWS compares with its quota.

        Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
        """
        return len(self.minified())
