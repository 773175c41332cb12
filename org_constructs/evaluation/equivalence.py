"""Whether two sets of policies mean the same, over all requests: proved, or refuted by a request.

What tells requests apart is finite: the patterns and conditions that the policies name. All
combinations of them that a request can have are searched, also of actions and values that nobody
knows yet.

Limits: condition keys are taken to be independent of each other, of the action and of the
resource. So `Equal` is never wrong, and the request of a `Different` is decided differently, yet
AWS may never send such a request. A key has one value unless a quantifier is used on it or AWS
documents several, of the type that its operators compare. Of policy variables and of values that
only deployment knows, equal ones are known to be equal; different variables are tried with sample
values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ._boxes import ALLOWED, EXPLICIT, IMPLICIT, Search, Side, TooManyStepsError, settled
from ._cells import UNKNOWN, Example, TooManyCellsError
from ._policies import Level, NamedPolicy, PolicyLike, read_level
from ._requests import more_likely, request_of, with_variables
from ._requirements import (
    BY_SERVICE,
    DEFERRED,
    Box,
    Dimension,
    Several,
    actions_of,
    box_of,
    dimensions,
    others_of,
)
from ._syntax import RCP, SCP, Kind, ParsedPolicy, parse_policy
from .catalogue import Catalogue, catalogue
from .decision import Effect, Request, decide

__all__ = [
    "AtMost",
    "Counterexample",
    "Different",
    "Equal",
    "NotDecided",
    "PolicySet",
    "Verdict",
    "compare",
    "compare_documents",
    "is_at_most",
]

# Two seconds at most, and many times what policies in use need.
_STEPS: Final = 100_000
_FEWER: Final = "; compare fewer statements at once"
# Of all actions together, where each is asked for by itself.
_CELLS: Final = 50_000
_OUTCOMES: Final = {
    Effect.ALLOWED: ALLOWED,
    Effect.EXPLICITLY_DENIED: EXPLICIT,
    Effect.IMPLICITLY_DENIED: IMPLICIT,
}

Levels = Iterable[Level | Sequence[PolicyLike]]
# Whether effects, one for each set of policies, are what must not be.
_Bad = Callable[[tuple[int, ...]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """All policies that decide a request.

    Attributes:
        levels: service control policies on the caller's path, as `decide` takes them.
        resource_levels: resource control policies on the path of the resource's owner.
    """

    levels: Levels = ()
    resource_levels: Levels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A request for which something does not hold, as `decide` has confirmed.

    Attributes:
        request: the request.
        effects: what each set of policies says of it, in their order.
        is_known_action: whether the catalogue has the action; otherwise no action of today may
            tell the policies apart.
    """

    request: Request
    effects: tuple[Effect, ...]
    is_known_action: bool

    def __str__(self) -> str:
        parts = [self.request.action]
        if self.request.resource != "*":
            parts.append(f"on {self.request.resource}")
        parts += [
            f"{key}={', '.join(value) if isinstance(value, list | tuple) else value}"
            for key, value in self.request.context.items()
        ]
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Equal:
    """Both mean the same."""

    holds: bool = field(default=True, init=False)


@dataclass(frozen=True, slots=True)
class AtMost:
    """The first allows nothing that the others do not."""

    holds: bool = field(default=True, init=False)


@dataclass(frozen=True, slots=True)
class Different:
    """They do not; the request shows it.

    Attributes:
        counterexample: a request that is decided differently.
    """

    counterexample: Counterexample
    holds: bool = field(default=False, init=False)


@dataclass(frozen=True, slots=True)
class NotDecided:
    """It could not be told.

    Attributes:
        why: what stands in the way.
    """

    why: str
    holds: None = field(default=None, init=False)


Verdict = Equal | AtMost | Different | NotDecided


def compare(
    first: PolicySet | Levels,
    second: PolicySet | Levels,
    *,
    kinds_of_denial: bool = False,
    actions: Catalogue | None = None,
    limit: int = _STEPS,
) -> Equal | Different | NotDecided:
    """Tell whether two sets of policies mean the same.

    Args:
        first: one set: service control policies by level, root first, or all that decides.
        second: the other.
        kinds_of_denial: whether an explicit and an implicit denial are different.
        actions: the actions that count; every action that may ever exist by default.
        limit: how many steps the search may take.

    Raises:
        PolicySyntaxError: for a policy that AWS would reject.
    """
    relation = _differ_exactly if kinds_of_denial else _differ
    found = _search((first, second), relation, actions=actions, limit=limit)
    return Equal() if found is None else found


def compare_documents(
    first: Iterable[PolicyLike],
    second: Iterable[PolicyLike],
    *,
    actions: Catalogue | None = None,
    limit: int = _STEPS,
) -> Equal | Different | NotDecided:
    """Tell whether documents mean the same wherever they are attached together.

    They deny the same and allow the same, so they may stand for each other at any target.

    Args:
        first: service control policies, in any order.
        second: what may stand for them.
        actions: the actions that count; every action that may ever exist by default.
        limit: how many steps the search may take.

    Raises:
        PolicySyntaxError: for a policy that AWS would reject.
    """
    return compare(
        [list(first)], [list(second)], kinds_of_denial=True, actions=actions, limit=limit
    )


def is_at_most(
    first: PolicySet | Levels,
    *others: PolicySet | Levels,
    actions: Catalogue | None = None,
    limit: int = _STEPS,
) -> AtMost | Different | NotDecided:
    """Tell whether everything that one set of policies allows is allowed by one of the others.

    Args:
        first: service control policies by level, root first, or all that decides.
        others: the sets that may allow what the first allows; usually one.
        actions: the actions that count; every action that may ever exist by default.
        limit: how many steps the search may take.

    Raises:
        PolicySyntaxError: for a policy that AWS would reject.
    """
    found = _search((first, *others), _exceeds, actions=actions, limit=limit)
    return AtMost() if found is None else found


def _differ(outcomes: tuple[int, ...]) -> bool:
    return (outcomes[0] == ALLOWED) is not (outcomes[1] == ALLOWED)


def _differ_exactly(outcomes: tuple[int, ...]) -> bool:
    return outcomes[0] != outcomes[1]


def _exceeds(outcomes: tuple[int, ...]) -> bool:
    return outcomes[0] == ALLOWED and ALLOWED not in outcomes[1:]


def _search(
    sets: Sequence[PolicySet | Levels], bad: _Bad, *, actions: Catalogue | None, limit: int
) -> Different | NotDecided | None:
    """Return the request that must not be, None if there is none."""
    given = [_read(one) for one in sets]
    found = _judged(given, bad, None, actions=actions, limit=limit)
    if not isinstance(found, Different) and any(one.resource_levels for one in given):
        # Resource control policies alone reach what a service of AWS asks by itself.
        reached = [replace(one, levels=()) for one in given]
        found = _judged(reached, bad, BY_SERVICE, actions=actions, limit=limit) or found
    return found


def _judged(
    sets: Sequence[_ReadSet],
    bad: _Bad,
    keys: Mapping[str, str | None] | None,
    *,
    actions: Catalogue | None,
    limit: int,
) -> Different | NotDecided | None:
    """Return the request that must not be, among those with these keys."""
    question = _Question(sets)
    if settled(question.sides, bad) is False:
        return None
    boxes = list(question.boxes)
    rough: TooManyCellsError | None = None
    try:
        try:
            cut = dimensions(boxes, actions, keys)
        except TooManyCellsError as error:
            try:
                found = question.find_by_action(bad, actions, keys, limit, otherwise=error)
            except TooManyCellsError as still:
                rough = still
                cut = dimensions(boxes, actions, keys, rough=True)
                found = _find(cut, len(boxes), question.sides, bad, limit)
        else:
            found = _find(cut, len(boxes), question.sides, bad, limit)
    except (TooManyCellsError, TooManyStepsError) as error:
        return NotDecided(f"{error}{_FEWER}")
    if found is None:
        return None
    request = request_of(found, boxes, question.spelt, actions, is_service=keys is not None)
    answer = _confirmed(request, question, bad, found, rough=rough is not None)
    if rough is not None and isinstance(answer, NotDecided):
        return NotDecided(f"{rough}{_FEWER}")
    return answer


def _find(
    cut: Sequence[Dimension], boxes: int, sides: Sequence[Side], bad: _Bad, limit: int
) -> dict[str, Example] | None:
    """Return examples by what they are examples of; first among what is known in full."""
    stop = sum(dimension.is_known for dimension in cut)
    known = [
        [cell for cell in dimension.cells if not dimension.is_known or cell[1] is not UNKNOWN]
        for dimension in cut
    ]
    found = Search(boxes, known, limit=limit, stop=stop).find(sides, bad)
    if found is None and (
        stop < len(cut) or any(len(k) < len(d.cells) for k, d in zip(known, cut, strict=True))
    ):
        found = Search(boxes, [dimension.cells for dimension in cut], limit=limit).find(sides, bad)
    if found is None:
        return None
    examples: dict[str, Example] = {}
    for number, example in found.items():
        if isinstance(example, Several):
            examples |= dict(example.examples)
        else:
            examples[cut[number].what] = example
    return examples


@dataclass(frozen=True, slots=True)
class _ReadSet:
    """A set whose policies have been read."""

    levels: tuple[tuple[ParsedPolicy, ...], ...]
    resource_levels: tuple[tuple[ParsedPolicy, ...], ...]


class _Question:
    """What is asked of some sets: their boxes, each once."""

    def __init__(self, sets: Sequence[_ReadSet]) -> None:
        self.sets = sets
        self.boxes: dict[Box, int] = {}
        # Condition keys as they are written, by key in lower case.
        self.spelt: dict[str, str] = {}
        self.sides = [self._side(one) for one in sets]

    def _side(self, given: _ReadSet) -> Side:
        """Return which boxes of a set deny and which allow."""
        bound = [self._masks(level) for level in given.levels]
        # AWS's RCPFullAWSAccess is always attached: of these nothing is denied implicitly.
        reached = [self._masks(level) for level in given.resource_levels]
        deny = 0
        for denied, _ in (*bound, *reached):
            deny |= denied
        return Side(deny, tuple(allowed for _, allowed in bound))

    def _masks(self, level: Iterable[ParsedPolicy]) -> tuple[int, int]:
        """Return which boxes deny, and which allow."""
        found = {"Deny": 0, "Allow": 0}
        for policy in level:
            for statement in policy.statements:
                box = box_of(statement, policy.kind)
                found[statement.effect] |= 1 << self.boxes.setdefault(box, len(self.boxes))
                for condition in statement.conditions:
                    self.spelt.setdefault(condition.key.lower(), condition.key)
        return found["Deny"], found["Allow"]

    def find_by_action(
        self,
        bad: _Bad,
        actions: Catalogue | None,
        keys: Mapping[str, str | None] | None,
        limit: int,
        *,
        otherwise: TooManyCellsError,
    ) -> dict[str, Example] | None:
        """Return the same as `_find`, each action by itself: fewer boxes are about one.

        Raises:
            TooManyCellsError: if there are too many cells even so; `otherwise` where all boxes
                are about one action.
        """
        boxes = list(self.boxes)
        seen: set[tuple[Side, ...]] = set()
        cells = 0
        for taken, example in actions_of(boxes, actions).cells:
            some = tuple(side.among(taken) for side in self.sides)
            if some in seen or settled(some, bad) is False:
                continue
            seen.add(some)
            numbers = [n for n in range(len(boxes)) if any(side.has(n) for side in some)]
            if len(numbers) == len(boxes):
                raise otherwise
            everyone = (1 << len(numbers)) - 1
            cut = [
                Dimension("action", ((everyone, example),)),
                *others_of([boxes[n] for n in numbers], keys),
            ]
            cells += sum(len(dimension.cells) for dimension in cut)
            if cells > _CELLS:
                raise otherwise
            sides = [side.numbered(numbers) for side in some]
            found = _find(cut, len(numbers), sides, bad, limit)
            if found is not None:
                return {"action": example, **found} if isinstance(example, str) else found
        return None

    def effects(self, request: Request) -> tuple[Effect, ...]:
        """Return what each set says of a request."""
        return tuple(
            decide(one.levels, request, resource_levels=one.resource_levels).effect
            for one in self.sets
        )


def _read(given: PolicySet | Levels) -> _ReadSet:
    """Read all policies of a set; what only deployment knows is no error here."""
    if not isinstance(given, PolicySet):
        given = PolicySet(levels=given)
    return _ReadSet(_read_levels(given.levels, SCP), _read_levels(given.resource_levels, RCP))


def _read_levels(levels: Levels, kind: Kind) -> tuple[tuple[ParsedPolicy, ...], ...]:
    return tuple(
        tuple(
            _read_policy(policy, kind)
            for policy in (level.policies if isinstance(level, Level) else level)
        )
        for level in levels
    )


def _read_policy(policy: PolicyLike, kind: Kind) -> ParsedPolicy:
    content = policy.content if isinstance(policy, NamedPolicy) else policy
    if isinstance(content, Mapping | str):
        name = policy.name if isinstance(policy, NamedPolicy) else "policy"
        return parse_policy(content, name=name, kind=kind, unknowns="keep")
    return read_level([policy], kind, number=1)[1][0].parsed


def _confirmed(
    request: Request,
    question: _Question,
    bad: _Bad,
    found: Mapping[str, Example],
    *,
    rough: bool,
) -> Different | NotDecided:
    """Return the request that was found, if `decide` judges it as expected."""

    def is_bad(effects: tuple[Effect, ...]) -> bool:
        return bad(tuple(_OUTCOMES[effect] for effect in effects))

    boxes = list(question.boxes)
    effects = question.effects(request)
    # The evaluator takes what only deployment knows for something that nothing equals.
    is_deferred = any(item[0] == DEFERRED for box in boxes for item in box.opaque)
    if DEFERRED in found or UNKNOWN in found.values():
        candidates = (
            () if is_deferred else with_variables(request, boxes, question.spelt, rough=rough)
        )
        request, effects = next(
            ((c, e) for c in candidates if is_bad(e := question.effects(c))), (request, effects)
        )
        if DEFERRED in found or not is_bad(effects):
            return NotDecided(
                "a request that tells them apart would need values that are not known: policy "
                "variables, values that only deployment knows, or values of several types"
            )
    if not is_bad(effects):
        return NotDecided(f"the evaluator does not confirm the request {request.to_json()}")
    if not is_deferred:
        request = more_likely(request, lambda other: question.effects(other) == effects)
    return Different(
        Counterexample(
            request=request, effects=effects, is_known_action=request.action in catalogue()
        )
    )
