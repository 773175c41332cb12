"""Whether two sets of policies mean the same, over all requests: proved, or refuted by a request.

What tells requests apart is finite: the patterns and conditions that the policies name. All
combinations of them that a request can have are searched, also of actions and values that nobody
knows yet.

Limits: condition keys are taken to be independent of each other, of the action and of the
resource. So `Equal` is never wrong, and the request of a `Different` is decided differently, yet
AWS may never send such a request. Policy variables and values that only deployment knows are
followed only as far as both sides have the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ._boxes import ALLOWED, EXPLICIT, IMPLICIT, Search, Side, TooManyStepsError, settled
from ._cells import UNKNOWN, Example, Special, TooManyCellsError
from ._policies import Level, NamedPolicy, PolicyLike, read_level
from ._requirements import BY_SERVICE, DEFERRED, Box, Dimension, Several, box_of, dimensions
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

_STEPS: Final = 200_000
_EFFECTS: Final = {
    ALLOWED: Effect.ALLOWED,
    EXPLICIT: Effect.EXPLICITLY_DENIED,
    IMPLICIT: Effect.IMPLICITLY_DENIED,
}
# Tried first for an example, since many know them.
_WELL_KNOWN: Final = ("ec2:Run*", "s3:Get*", "iam:Create*", "ec2:*", "s3:*", "iam:*", "*")

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
        limit: how many combinations may be tried.

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
        limit: how many combinations may be tried.

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
        limit: how many combinations may be tried.

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
    question = _Question()
    sides = [question.side(one) for one in sets]
    if settled(sides, bad) is False:
        return None
    boxes = list(question.boxes)
    try:
        cut = dimensions(boxes, actions, keys)
        found = _find(cut, len(boxes), sides, bad, limit)
    except (TooManyCellsError, TooManyStepsError) as error:
        return NotDecided(f"{error}; compare fewer statements at once")
    if found is None:
        return None
    certain = {key: value for key, value in (keys or {}).items() if value is not None}
    return _confirmed({**found, **certain}, question, sets, bad, actions, keys)


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
    """The boxes of all sets, each once."""

    def __init__(self) -> None:
        self.boxes: dict[Box, int] = {}

    def side(self, given: _ReadSet) -> Side:
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
        return found["Deny"], found["Allow"]


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
    found: Mapping[str, Example],
    question: _Question,
    sets: Sequence[_ReadSet],
    bad: _Bad,
    actions: Catalogue | None,
    keys: Mapping[str, str | None] | None,
) -> Different | NotDecided:
    """Return the request that was found, if `decide` judges it as expected."""
    values = {what: e for what, e in found.items() if not isinstance(e, Special)}
    if not keys and values.get("aws:principalisawsservice") == "true":
        # A service that asks by itself is exempt; on behalf of a principal it is not.
        values.setdefault("aws:principalarn", "arn:aws:iam::111122223333:role/Example")
    action = _action(values.pop("action", None), question, actions)
    resource = values.pop("resource", "*")
    request = Request(
        action=action,
        resource=resource if isinstance(resource, str) else "*",
        context={
            _written(key): list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
        },
    )
    effects = tuple(
        decide(one.levels, request, resource_levels=one.resource_levels).effect for one in sets
    )
    outcome = tuple(next(o for o, e in _EFFECTS.items() if e is effect) for effect in effects)
    # The evaluator takes what only deployment knows for something that nothing equals.
    if DEFERRED in found or (not bad(outcome) and UNKNOWN in found.values()):
        return NotDecided(
            "a request that tells them apart would need values that are not known: policy "
            "variables, values that only deployment knows, or values of several types"
        )
    if not bad(outcome):
        return NotDecided(f"the evaluator does not confirm the request {request.to_json()}")
    return Different(
        Counterexample(request=request, effects=effects, is_known_action=action in catalogue())
    )


def _written(key: str) -> str:
    return _SPELT.get(key, key)


_SPELT: Final = {
    key.lower(): key
    for key in (
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:ResourceOrgID",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIp",
        "aws:SourceVpc",
        "aws:TagKeys",
    )
}


def _action(found: Any, question: _Question, actions: Catalogue | None) -> str:
    """Return an action that exists and that the same boxes take, else the one that was found."""
    known = actions or catalogue()
    alike = known.every
    for box in question.boxes if found else ():
        taken = 0
        for pattern in box.actions.patterns:
            taken |= known.mask(pattern)
        if box.actions.others:
            taken = known.every & ~taken
        alike &= taken if _takes(box, str(found)) else known.every & ~taken
        if box.kind == RCP:
            # Only the services that were found are surely in reach.
            alike &= known.mask(f"{str(found).partition(':')[0]}:*")
    if not alike:
        return str(found)
    for pattern in _WELL_KNOWN:
        preferred = alike & known.mask(pattern)
        if preferred:
            return known.actions[(preferred & -preferred).bit_length() - 1]
    return known.actions[(alike & -alike).bit_length() - 1]


def _takes(box: Box, action: str) -> bool:
    from ._matching import action_matches

    matched = any(action_matches(pattern, action) for pattern in box.actions.patterns)
    return matched is not box.actions.others
