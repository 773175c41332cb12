"""What requests can tell apart: values cut into cells in which all patterns and conditions agree.

A cell is a set of atoms, the patterns or conditions that hold in it, with an example. All cells
that some value falls into are found, and the evaluator says what holds for each example, so that
what is proved and what is evaluated cannot disagree.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import pairwise, product
from typing import Final

from ._conditions import Context, compile_condition
from ._matching import resource_matches
from ._operators import OPERATORS
from ._pattern_automata import (
    Glob,
    TooManyStatesError,
    arn_pattern,
    matched_sets,
    text,
    wildcards,
)
from ._syntax import Condition
from ._values import moment, network, number
from .catalogue import Catalogue

__all__ = [
    "FAMILIAR",
    "MISSING",
    "UNKNOWN",
    "Cell",
    "NotExactError",
    "TooManyCellsError",
    "action_cells",
    "key_cell",
    "key_cells",
    "resource_cells",
]

# Those of all known actions, and one more that stands for all others.
_ACTION_SIGNS: Final = "abcdefghijklmnopqrstuvwxyz0123456789-:_"
_NAME: Final = arn_pattern("?*:?*::::").tokens or ()
_COLON: Final = _NAME.index(":")
# Documentation: a service prefix, a colon, a name. Neither holds a colon.
_ACTION: Final = Glob((*_NAME[:_COLON], ":", *_NAME[:_COLON]))
_ARN: Final = arn_pattern("arn:?*:?*:*:*:?*")
# The roles and sessions that policies do not reach.
_SERVICE_LINKED: Final = (
    arn_pattern("arn:*:iam::*:role/aws-service-role/?*"),
    arn_pattern("arn:*:sts::*:assumed-role/AWSServiceRoleFor?*"),
)
# More combinations of values than anybody writes down; found in a moment.
_CELLS: Final = 4096
_STATES: Final = 50_000
_LISTS: Final = 250_000
# Values that requests often have, tried first.
FAMILIAR: Final = {
    "aws:requestedregion": (
        "us-east-1",
        "eu-west-1",
        "eu-central-1",
        "ap-northeast-1",
        "us-west-2",
    ),
    "aws:principalarn": (
        "arn:aws:iam::111122223333:role/Example",
        "arn:aws:iam::111122223333:user/Example",
        "arn:aws:iam::111122223333:root",
    ),
    "aws:principalaccount": ("111122223333",),
    "aws:resourceaccount": ("111122223333",),
    "aws:principalorgid": ("o-a1b2c3d4e5",),
    "aws:resourceorgid": ("o-a1b2c3d4e5",),
}
# Documentation: keys of true and false, and keys of several values.
_BOOLEAN: Final = frozenset(
    {
        "aws:multifactorauthpresent",
        "aws:principalisawsservice",
        "aws:securetransport",
        "aws:viaawsservice",
    }
)
_OF_SEVERAL: Final = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "aws:vpceorgpaths",
    }
)


class Special(Enum):
    """Examples that are no value."""

    MISSING = "the request does not have the key"
    UNKNOWN = "no request is known that does this"


MISSING: Final = Special.MISSING
UNKNOWN: Final = Special.UNKNOWN
Example = str | tuple[str, ...] | Special


@dataclass(frozen=True, slots=True)
class Cell:
    """Values for which the same atoms hold.

    Attributes:
        holds: numbers of these atoms.
        example: one such value.
    """

    holds: frozenset[int]
    example: Example


class TooManyCellsError(Exception):
    """There are more cells than the limit."""


class NotExactError(Exception):
    """The cells of these conditions are not known."""


def action_cells(patterns: Sequence[str], among: Catalogue | None = None) -> list[Cell]:
    """Return the cells of actions; atoms are the patterns.

    Args:
        patterns: the patterns.
        among: the actions that count; every action that may ever exist by default.

    Raises:
        TooManyCellsError: if there are too many.
    """
    if among is not None:
        return _catalogue_cells(patterns, among)
    globs = [wildcards(pattern.lower(), fold=True) for pattern in patterns]
    signs = _ACTION_SIGNS + "".join(
        sorted(set("".join(patterns).lower()).difference(_ACTION_SIGNS, "*?"))
    )
    return _pattern_cells(globs, "actions", among=_ACTION, signs=signs)


def _catalogue_cells(patterns: Sequence[str], among: Catalogue) -> list[Cell]:
    cells: list[tuple[int, frozenset[int]]] = [(among.every, frozenset())]
    for number_of, pattern in enumerate(patterns):
        mask = among.mask(pattern)
        cells = [
            (part, atoms)
            for actions, holds in cells
            for part, atoms in ((actions & mask, holds | {number_of}), (actions & ~mask, holds))
            if part
        ]
    # The lowest bit is the first action.
    return [
        Cell(holds, among.actions[(actions & -actions).bit_length() - 1])
        for actions, holds in cells
    ]


def resource_cells(patterns: Sequence[str]) -> list[Cell]:
    """Return the cells of resources, ARNs or the `*` of what has none; atoms are the patterns.

    Raises:
        TooManyCellsError: if there are too many.
    """
    bare = Cell(frozenset(i for i, p in enumerate(patterns) if resource_matches(p, "*")), "*")
    cells = _pattern_cells([wildcards(p) for p in patterns], "resources", among=_ARN)
    return [bare, *(cell for cell in cells if cell.holds != bare.holds)]


def _pattern_cells(
    globs: Sequence[Glob], what: str, *, among: Glob, signs: str | None = None
) -> list[Cell]:
    try:
        found = matched_sets(globs, among=among, signs=signs, limit=_STATES)
    except TooManyStatesError as error:
        raise TooManyCellsError(f"patterns of {what} have {error}") from error
    return [Cell(holds, example) for holds, example in found.items()]


def key_cells(conditions: Sequence[Condition]) -> list[Cell]:
    """Return the cells of one condition key; atoms are the conditions, all on this key.

    A key has one value, unless a quantifier is used on it or AWS documents several. Its values are
    of the type that its operators compare: numbers, dates, addresses, true or false.

    Raises:
        TooManyCellsError: if there are too many.
        NotExactError: if values of several types are compared in a way that is not understood.
    """
    key = conditions[0].key
    families: set[str] = {str(OPERATORS[c.operator].family) for c in conditions} - {"Null"}
    values = list(dict.fromkeys(_examples(conditions, families)))
    several = key.lower() in _OF_SEVERAL or any(c.quantifier for c in conditions)

    truth = _truth_of(conditions)
    found: dict[frozenset[int], Example] = {}
    if not _familiar(key):
        found[truth()] = MISSING
    for value in values:
        found.setdefault(truth(value), value)
    # Hardly a request lacks these keys.
    found.setdefault(truth(), MISSING)
    if len(_kinds(families)) > 1:
        if several:
            raise NotExactError(f"'{key}' is compared as {' and as '.join(sorted(families))}")
        for holds in _combinations(conditions, values, truth):
            found.setdefault(holds, UNKNOWN)
    if several:
        _add_lists(found, conditions, values, truth)
    return [Cell(holds, example) for holds, example in found.items()]


def key_cell(conditions: Sequence[Condition], value: str | None) -> Cell:
    """Return the cell of one value of a key, None where a request does not have the key."""
    given = () if value is None else (value,)
    return Cell(_truth_of(conditions)(*given), MISSING if value is None else value)


def _truth_of(conditions: Sequence[Condition]) -> Callable[..., frozenset[int]]:
    """Return what tells which conditions on one key hold for its values."""
    key = conditions[0].key
    tests = list(enumerate(map(compile_condition, conditions)))

    def truth(*given: str) -> frozenset[int]:
        context = Context({key: list(given)} if given else {})
        missing: list[str] = []
        return frozenset(number for number, holds in tests if holds(context, missing))

    return truth


def _kinds(families: Iterable[str]) -> set[str]:
    """Return the families that are told apart in cells of their own."""
    kinds = {"Text" if family in ("String", "Arn") else family for family in families}
    # A key that is compared with true and false has no other values, also where text is compared.
    return {"Bool"} if kinds == {"Bool", "Text"} else kinds


def _combinations(
    conditions: Sequence[Condition],
    values: Sequence[str],
    truth: Callable[..., frozenset[int]],
) -> Iterable[frozenset[int]]:
    """Return what holds if each family of operators is asked by itself: no less than can be."""
    family = {
        i: next(iter(_kinds([OPERATORS[c.operator].family]))) for i, c in enumerate(conditions)
    }
    told = [truth(value) for value in (*values, "no value of any type")]
    choices = [
        {frozenset(i for i in holds if family[i] == kind) for holds in told}
        for kind in sorted(set(family.values()))
    ]
    for number_of, combination in enumerate(product(*choices)):
        if number_of > _CELLS:
            raise TooManyCellsError(
                f"conditions on '{conditions[0].key}' have more than {_CELLS} combinations"
            )
        yield frozenset().union(*combination)


def _add_lists(
    found: dict[frozenset[int], Example],
    conditions: Sequence[Condition],
    values: Sequence[str],
    truth: Callable[..., frozenset[int]],
) -> None:
    """Add what several values at once can do: some of them match, or all of them do."""
    # Twice, because an empty text alone counts as no value, and here is one of several.
    alone: dict[frozenset[int], str] = {}
    for value in values:
        alone.setdefault(truth(value, value), value)
    needs_all = frozenset(i for i, c in enumerate(conditions) if _needs_all(c))
    lists: dict[tuple[frozenset[int], frozenset[int]], tuple[str, ...]] = {
        (holds, holds): (value,) for holds, value in alone.items()
    }
    queue = deque(lists)
    while queue:
        if len(lists) > _CELLS or len(lists) * len(alone) > _LISTS:
            raise TooManyCellsError(
                f"lists of values of '{conditions[0].key}' have too many combinations"
            )
        some, every = queue.popleft()
        for holds, value in alone.items():
            key = (some | holds, every & holds)
            if key not in lists:
                lists[key] = (*lists[some, every], value)
                queue.append(key)
    for (some, every), example in lists.items():
        holds = (some - needs_all) | (every & needs_all)
        given = example if len(example) > 1 else example * 2
        if truth(*given) != holds:
            raise NotExactError(f"lists of values of '{conditions[0].key}' are not understood")
        found.setdefault(holds, given)


def _needs_all(condition: Condition) -> bool:
    if condition.quantifier:
        return condition.quantifier == "ForAllValues"
    return OPERATORS[condition.operator].negated


def _examples(conditions: Sequence[Condition], families: set[str]) -> Iterable[str]:
    """Return a value of every cell, as far as each family of operators can tell."""
    if "Bool" in families or conditions[0].key.lower() in _BOOLEAN:
        yield from ("true", "false")
    if _kinds(families) == {"Bool"} or conditions[0].key.lower() in _BOOLEAN:
        return
    if not families:
        yield from _familiar(conditions[0].key)
        yield "x"
    for family in sorted(families - {"String", "Arn", "Bool"}):
        given = [
            value
            for condition in conditions
            if OPERATORS[condition.operator].family == family
            for value in condition.values
        ]
        yield from _OF_FAMILY[family](given)
    if families & {"String", "Arn"}:
        yield from _familiar(conditions[0].key)
        yield from _texts(conditions)


def _familiar(key: str) -> tuple[str, ...]:
    return FAMILIAR.get(key.lower(), ())


def _texts(conditions: Sequence[Condition]) -> Iterable[str]:
    globs: dict[Glob, None] = {}
    arns = False
    for condition in conditions:
        family = OPERATORS[condition.operator].family
        arns |= family == "Arn"
        if family in ("String", "Arn"):
            globs |= {_glob(condition, value): None for value in condition.values}
    # Policies do not reach a service-linked role, whatever they say of it.
    exempt = _SERVICE_LINKED if conditions[0].key.lower() == "aws:principalarn" else ()
    beside = range(len(globs), len(globs) + len(exempt))
    patterns = [*globs, *exempt]
    try:
        # An empty text last: hardly a key ever has one.
        for among in (*([_ARN] if arns else []), wildcards("?*")):
            for holds, example in matched_sets(patterns, among=among, limit=_STATES).items():
                if not holds.intersection(beside):
                    yield example
        yield ""
    except TooManyStatesError as error:
        raise TooManyCellsError(f"values of '{conditions[0].key}' have {error}") from error


def _glob(condition: Condition, value: str) -> Glob:
    operator = condition.operator
    if OPERATORS[operator].family == "Arn":
        return arn_pattern(value)
    if operator.endswith("Like"):
        return wildcards(value)
    fold = operator.endswith("IgnoreCase")
    if fold and not value.isascii():
        raise NotExactError(f"'{value}' is compared without case and is not ASCII")
    return text(value, fold=fold)


def _points(limits: Iterable[Decimal | None], beyond: Decimal) -> list[Decimal]:
    """Return each limit and a point in each stretch between, before and after them."""
    points = sorted({limit for limit in limits if limit is not None})
    between = [(first + second) / 2 for first, second in pairwise(points)]
    if any(middle in points for middle in between):
        raise NotExactError("two limits are too near to each other")
    return [*points, *between, points[0] - beyond, points[-1] + beyond]


def _numbers(values: Sequence[str]) -> list[str]:
    return [format(point, "f") for point in _points(map(number, values), Decimal(1))]


def _dates(values: Sequence[str]) -> list[str]:
    return [_date(point) for point in _points(map(moment, values), Decimal(86400))]


def _date(seconds: Decimal) -> str:
    micro = seconds * 1_000_000
    if micro == micro.to_integral_value():
        try:
            when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micro))
        except OverflowError:
            pass
        else:
            return when.isoformat().replace("+00:00", "Z")
    return format(seconds, "f")


def _addresses(values: Sequence[str]) -> list[str]:
    """Return the first address of every stretch between the ends of the networks."""
    from ipaddress import IPv4Address, IPv6Address

    starts: dict[int, set[int]] = {4: {0}, 6: {0}}
    for value in values:
        block = network(value)
        if block is not None:
            starts[block.version] |= {
                int(block.network_address),
                int(block.broadcast_address) + 1,
            }
    found = [IPv4Address(start) for start in sorted(starts[4]) if start < 1 << 32]
    return [
        *map(str, found),
        *(str(IPv6Address(start)) for start in sorted(starts[6]) if start < 1 << 128),
    ]


def _bytes(values: Sequence[str]) -> list[str]:
    from base64 import b64decode, b64encode

    # Longer than any of them, so it equals none.
    longest = max((b64decode(value) for value in values), key=len)
    return [*values, b64encode(longest + b"x").decode()]


_OF_FAMILY: Final[dict[str, Callable[[Sequence[str]], list[str]]]] = {
    "Numeric": _numbers,
    "Date": _dates,
    "IpAddress": _addresses,
    "Binary": _bytes,
}
