"""Statements as boxes, and the dimensions in which they have requirements.

What cannot be followed exactly (policy variables, what only deployment knows) is a dimension of
its own that holds or not: less can be told, but nothing wrong. Keys are taken to be independent of
each other, and of action and resource.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from org_constructs.policies.types.resource_control_policy import supported_services

from ._cells import (
    MISSING,
    UNKNOWN,
    Cell,
    Example,
    NotExactError,
    TooManyCellsError,
    action_cells,
    key_cell,
    key_cells,
    resource_cells,
)
from ._syntax import RCP, Condition, Kind, ParsedStatement
from .catalogue import Catalogue

__all__ = [
    "BY_SERVICE",
    "DEFERRED",
    "RETIRE_GRANT",
    "VARIABLE",
    "Box",
    "Dimension",
    "Names",
    "Several",
    "actions_of",
    "box_of",
    "dimensions",
    "others_of",
]

T = TypeVar("T")
# Documentation: no resource control policy affects it.
RETIRE_GRANT: Final = "kms:retiregrant"
# What stands for a dimension of which only `holds` and `does not hold` are known.
VARIABLE: Final = "a policy variable"
DEFERRED: Final = "known at deployment"
Opaque = tuple[str, Hashable, bool]
_PRINCIPAL: Final = "aws:principalarn"
_SERVICE: Final = "aws:principalisawsservice"
# What a request has that a service of AWS makes by itself: service control policies do not reach
# it (documentation).
BY_SERVICE: Final[Mapping[str, str | None]] = {_SERVICE: "true", _PRINCIPAL: None}


@dataclass(frozen=True, slots=True)
class Several:
    """Examples of several keys that are not independent of each other."""

    examples: tuple[tuple[str, Example], ...]


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an element takes: those of the patterns, or all others."""

    patterns: frozenset[str]
    others: bool = False

    def takes(self, matched: frozenset[str]) -> bool:
        return bool(self.patterns & matched) is not self.others


@dataclass(frozen=True, slots=True)
class Box:
    """What a statement requires of a request; equal boxes take the same requests.

    Attributes:
        kind: type of the policy: not every request is subject to a resource control policy.
        actions: patterns of actions.
        resources: patterns of resources; None where each will do.
        conditions: all of them have to hold.
        opaque: requirements that are only known to be the same where they are equal.
    """

    kind: Kind
    actions: Names
    resources: Names | None
    conditions: frozenset[Condition]
    opaque: frozenset[Opaque]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing by which boxes tell requests apart.

    Attributes:
        what: `action`, `resource`, the condition key; `VARIABLE` or `DEFERRED` for what is opaque.
        cells: for each cell the boxes that take it, a bit for each, and an example.
    """

    what: str
    cells: tuple[tuple[int, Example | Several], ...]

    @property
    def is_known(self) -> bool:
        """Whether it is known which requests are in which cell."""
        return self.what not in (VARIABLE, DEFERRED)


def box_of(statement: ParsedStatement, kind: Kind) -> Box:
    """Return what a statement requires."""
    opaque: set[Opaque] = set()
    names = statement.resources or statement.not_resources
    resources = Names(frozenset(names), others=not statement.resources) if names else None
    if what := _opaque(names):
        opaque.add((what, resources, statement.variables))
        resources = None
    elif resources == Names(frozenset({"*"})):
        resources = None
    conditions: set[Condition] = set()
    for condition in statement.conditions:
        plain = _plain(condition)
        if what := _opaque(plain.values):
            opaque.add((what, plain, statement.variables))
        else:
            conditions.add(plain)
    actions = statement.actions or statement.not_actions
    return Box(
        kind=kind,
        actions=Names(
            frozenset(action.lower() for action in actions), others=not statement.actions
        ),
        resources=resources,
        conditions=frozenset(conditions),
        opaque=frozenset(opaque),
    )


def _opaque(texts: Iterable[str]) -> str:
    """Return why it is not known what texts stand for; nothing if it is known."""
    # As the reader keeps what only deployment knows.
    if any(text.startswith(('{"Ref"', '{"Fn::')) or "#{Token[" in text for text in texts):
        return DEFERRED
    return VARIABLE if any("${" in text for text in texts) else ""


def _plain(condition: Condition) -> Condition:
    """Return a condition without what makes no difference: order of values, case of the key."""
    return Condition(
        operator=condition.operator,
        quantifier=condition.quantifier,
        if_exists=condition.if_exists,
        key=condition.key.lower(),
        values=tuple(sorted(set(condition.values))),
    )


def dimensions(
    boxes: Sequence[Box],
    actions: Catalogue | None = None,
    given: Mapping[str, str | None] | None = None,
    *,
    rough: bool = False,
) -> list[Dimension]:
    """Return all dimensions in which some box has a requirement, actions first.

    Args:
        boxes: the boxes.
        actions: the actions that count; every action that may ever exist by default.
        given: what is known of the keys of all requests, None for a key that they do not have;
            by default, that no service of AWS asks by itself.
        rough: whether requirements of which there are too many cells are only known to be the
            same where they are equal.

    Raises:
        TooManyCellsError: if there are too many cells.
    """
    return [actions_of(boxes, actions), *others_of(boxes, given, rough=rough)]


def others_of(
    boxes: Sequence[Box],
    given: Mapping[str, str | None] | None = None,
    *,
    rough: bool = False,
) -> list[Dimension]:
    """Return all dimensions but that of actions; arguments and errors as for `dimensions`."""
    opaque = [set(box.opaque) for box in boxes]
    found: list[Dimension] = []
    if any(box.resources for box in boxes):
        try:
            found.append(_resources(boxes))
        except TooManyCellsError:
            if not rough:
                raise
            for number, box in enumerate(boxes):
                if box.resources:
                    opaque[number].add((VARIABLE, box.resources, True))
    keys = sorted({condition.key for box in boxes for condition in box.conditions})
    for key in keys:
        per_box = [[c for c in box.conditions if c.key == key] for box in boxes]
        atoms = list(dict.fromkeys(_in_order(c for some in per_box for c in some)))
        try:
            cells = [key_cell(atoms, given[key])] if given and key in given else key_cells(atoms)
        except (NotExactError, TooManyCellsError) as error:
            if isinstance(error, TooManyCellsError) and not rough:
                raise
            for number, conditions in enumerate(per_box):
                opaque[number] |= {(VARIABLE, condition, True) for condition in conditions}
            continue
        needs = [frozenset(map(atoms.index, some)) for some in per_box]
        found.append(_key(key, cells, needs))
    if not given:
        found = _without_services(found)
    for requirement in dict.fromkeys(item for some in opaque for item in _in_order(some)):
        needing = _mask(requirement in some for some in opaque)
        everyone = (1 << len(boxes)) - 1
        found.append(
            Dimension(requirement[0], ((everyone & ~needing, UNKNOWN), (everyone, UNKNOWN)))
        )
    return found


def _in_order(items: Iterable[T]) -> list[T]:
    """Return items in an order that is always the same."""
    return sorted(items, key=repr)


def _mask(taken: Iterable[bool]) -> int:
    return sum(1 << box for box, takes in enumerate(taken) if takes)


def _key(key: str, cells: Iterable[Cell], needs: Sequence[frozenset[int]]) -> Dimension:
    return Dimension(
        key, tuple((_mask(need <= cell.holds for need in needs), cell.example) for cell in cells)
    )


def _without_services(found: list[Dimension]) -> list[Dimension]:
    """Leave out that a service asks by itself: it is known by two keys together."""
    by_what = {dimension.what: dimension for dimension in found}
    if not {_PRINCIPAL, _SERVICE} <= by_what.keys():
        return found
    cells: list[tuple[int, Example | Several]] = []
    for takes, principal in by_what[_PRINCIPAL].cells:
        for also, service in by_what[_SERVICE].cells:
            if (principal, service) == (MISSING, "true"):
                continue
            unknown = UNKNOWN in (principal, service)
            both = Several(((_PRINCIPAL, principal), (_SERVICE, service)))  # type: ignore[arg-type]
            cells.append((takes & also, UNKNOWN if unknown else both))
    joint = Dimension(f"{_PRINCIPAL} and {_SERVICE}", tuple(cells))
    return [
        joint if dimension.what == _PRINCIPAL else dimension
        for dimension in found
        if dimension.what != _SERVICE
    ]


def actions_of(boxes: Sequence[Box], among: Catalogue | None) -> Dimension:
    """Return the dimension of actions; errors as for `dimensions`."""
    patterns = {pattern for box in boxes for pattern in box.actions.patterns}
    reached: frozenset[str] = frozenset()
    if any(box.kind == RCP for box in boxes):
        # Documentation: resource control policies reach some services only.
        reached = frozenset(f"{service}:*" for service in supported_services())
        patterns |= {*reached, RETIRE_GRANT}
    listed = sorted(patterns)
    found: list[tuple[int, Example]] = []
    for cell in action_cells(listed, among):
        matched = frozenset(listed[atom] for atom in cell.holds)
        in_reach = bool(reached & matched) and RETIRE_GRANT not in matched
        takes = ((box.kind != RCP or in_reach) and box.actions.takes(matched) for box in boxes)
        found.append((_mask(takes), cell.example))
    return Dimension("action", tuple(found))


def _resources(boxes: Sequence[Box]) -> Dimension:
    listed = sorted({p for box in boxes if box.resources for p in box.resources.patterns})
    found: list[tuple[int, Example]] = []
    for cell in resource_cells(listed):
        matched = frozenset(listed[atom] for atom in cell.holds)
        takes = (box.resources is None or box.resources.takes(matched) for box in boxes)
        found.append((_mask(takes), cell.example))
    return Dimension("resource", tuple(found))
