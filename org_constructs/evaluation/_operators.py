"""The condition operators of IAM: what each compares, and how its name is written.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["String", "Numeric", "Date", "Bool", "Binary", "IpAddress", "Arn", "Null"]


@dataclass(frozen=True, slots=True)
class Operator:
    """One condition operator, without quantifier and `IfExists`.

    Attributes:
        name: as AWS writes it.
        family: what kind of values it compares.
        negated: whether it holds where its positive twin does not.
        variables: whether policy variables are replaced in its values (documentation: operators
            of strings and ARNs only).
    """

    name: str
    family: Family
    negated: bool = False

    @property
    def variables(self) -> bool:
        """Whether policy variables are replaced in its values."""
        return self.family in ("String", "Arn")


OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("ArnEquals", "Arn"),
        Operator("ArnLike", "Arn"),
        Operator("ArnNotEquals", "Arn", negated=True),
        Operator("ArnNotLike", "Arn", negated=True),
        Operator("BinaryEquals", "Binary"),
        Operator("Bool", "Bool"),
        Operator("DateEquals", "Date"),
        Operator("DateGreaterThan", "Date"),
        Operator("DateGreaterThanEquals", "Date"),
        Operator("DateLessThan", "Date"),
        Operator("DateLessThanEquals", "Date"),
        Operator("DateNotEquals", "Date", negated=True),
        Operator("IpAddress", "IpAddress"),
        Operator("NotIpAddress", "IpAddress", negated=True),
        Operator("Null", "Null"),
        Operator("NumericEquals", "Numeric"),
        Operator("NumericGreaterThan", "Numeric"),
        Operator("NumericGreaterThanEquals", "Numeric"),
        Operator("NumericLessThan", "Numeric"),
        Operator("NumericLessThanEquals", "Numeric"),
        Operator("NumericNotEquals", "Numeric", negated=True),
        Operator("StringEquals", "String"),
        Operator("StringEqualsIgnoreCase", "String"),
        Operator("StringLike", "String"),
        Operator("StringNotEquals", "String", negated=True),
        Operator("StringNotEqualsIgnoreCase", "String", negated=True),
        Operator("StringNotLike", "String", negated=True),
    )
}

QUANTIFIERS = {"": "", "forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}
_BY_LOWER = {name.lower(): name for name in OPERATORS}
_WRITTEN = re.compile(r"(?:([A-Za-z]+):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)


def read_operator(written: str) -> tuple[str, str, bool] | None:
    """Return base name, quantifier and whether `IfExists` is there; None for an unknown operator.

    AWS's own samples write operators in several cases (documentation), so case has no meaning.
    """
    match = _WRITTEN.fullmatch(written)
    if match is None:
        return None
    name = _BY_LOWER.get(match[2].lower())
    quantifier = QUANTIFIERS.get((match[1] or "").lower())
    if name is None or quantifier is None:
        return None
    return name, quantifier, match[3] is not None
