"""What the policies of an organization leave open: all known actions, in many places, at once.

The answers are those of `org_constructs.evaluation.decide`, which explains one request. Here each
statement becomes a set of actions, a bit for each, and its conditions are evaluated once for a
place, not once for every action: a matrix of all actions in all Regions takes milliseconds.

Only actions of the catalogue are in the sets. An action that it does not know is decided by
`decide`, in `EffectivePermissions.effect`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import and_, or_
from typing import Any, NamedTuple

from ._conditions import Context, compile_condition
from ._exemptions import resource_exemption, service_exemption
from ._matching import template_of
from ._policies import Level, PolicyLike, read_level
from ._statements import Question, _resource_test
from ._syntax import RCP, SCP, Kind, ParsedStatement
from .action_set import ActionSet
from .catalogue import Catalogue, catalogue
from .decision import Effect, Request, _listed, decide

Levels = Iterable[Level | Sequence[PolicyLike]]
# No request has this action; what is asked with it depends on the rest of the request alone.
_NO_ACTION = "no:Action"
_ANSWERS_KEPT = 4096


class Place(NamedTuple):
    """Where, and by whom, a cell of a matrix is asked.

    Attributes:
        region: value of `aws:RequestedRegion`; None when the request has none.
        principal_arn: value of `aws:PrincipalArn`; None when the request has none.
    """

    region: str | None = None
    principal_arn: str | None = None


class EffectivePermissions:
    """What the policies on the path of an account leave open to it.

    As service and resource control policies never grant anything, this is the most that a
    principal can be allowed, not what it is allowed.

    Args:
        levels: as for `decide`: service control policies, the root's first, the account's last.
        resource_levels: resource control policies, likewise.
        management_account: as for `decide`.
        catalogue: the actions that are known; the library's own by default.

    Raises:
        PolicySyntaxError: for a policy that AWS would reject.
        OrgError: `ORG032` for levels that are none.
    """

    def __init__(
        self,
        levels: Levels,
        *,
        resource_levels: Levels = (),
        management_account: str | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.catalogue = catalogue or _carried()
        self._levels = _listed(levels)
        self._resource_levels = _listed(resource_levels)
        self._management_account = management_account
        self._callers = _Path(self._levels, SCP, self.catalogue)
        self._owners = _Path(self._resource_levels, RCP, self.catalogue)

    def allowed(
        self,
        *,
        region: str | None = None,
        principal_arn: str | None = None,
        resource: str = "*",
        context: Mapping[str, Any] | None = None,
    ) -> ActionSet:
        """Return the actions that `decide` calls `Allowed`.

        Raises:
            OrgError: `ORG031` for a resource, Region, principal or context that none can be.
        """
        return self._set(self._cell(_question(region, principal_arn, resource, context))[0])

    def explicitly_denied(
        self,
        *,
        region: str | None = None,
        principal_arn: str | None = None,
        resource: str = "*",
        context: Mapping[str, Any] | None = None,
    ) -> ActionSet:
        """Return the actions that a statement denies; what neither set has is denied implicitly.

        Raises:
            OrgError: `ORG031`, as for `allowed`.
        """
        return self._set(self._cell(_question(region, principal_arn, resource, context))[1])

    def effect(
        self,
        action: str,
        *,
        region: str | None = None,
        principal_arn: str | None = None,
        resource: str = "*",
        context: Mapping[str, Any] | None = None,
    ) -> Effect:
        """Return the effect of one request, whether the catalogue knows its action or not.

        Raises:
            OrgError: `ORG031`, as for `Request`.
        """
        position = self.catalogue.index(action) if isinstance(action, str) else None
        if position is None:
            request = Request(
                action=action,
                resource=resource,
                region=region,
                principal_arn=principal_arn,
                context=context or {},
            )
            return decide(
                self._levels,
                request,
                resource_levels=self._resource_levels,
                management_account=self._management_account,
            ).effect
        allowed, denied = self._cell(_question(region, principal_arn, resource, context))
        if denied >> position & 1:
            return Effect.EXPLICITLY_DENIED
        return Effect.ALLOWED if allowed >> position & 1 else Effect.IMPLICITLY_DENIED

    def matrix(
        self,
        regions: Iterable[str | None] = (None,),
        *,
        principals: Iterable[str | None] = (None,),
        resource: str = "*",
        context: Mapping[str, Any] | None = None,
    ) -> PermissionMatrix:
        """Return what is allowed in each Region to each principal.

        Raises:
            OrgError: `ORG031`, as for `allowed`.
        """
        every_region = list(regions)
        return PermissionMatrix(
            {
                Place(region, principal_arn): self.allowed(
                    region=region, principal_arn=principal_arn, resource=resource, context=context
                )
                for principal_arn in principals
                for region in every_region
            }
        )

    def _cell(self, question: Question) -> tuple[int, int]:
        """Return the actions that are allowed, and those that a statement denies."""
        every = self.catalogue.every
        allowed, denied = every, 0
        if self._callers and not service_exemption(question, self._management_account):
            allowed, denied = self._callers.open(question), self._callers.denied(question)
        if self._owners:
            reached = self._reached(question)
            if reached:
                denied |= reached & self._owners.denied(question)
        return allowed & ~denied, denied

    def _reached(self, question: Question) -> int:
        """Return the actions that resource control policies reach."""
        reached = _reached_by_rcps(self.catalogue)
        if not reached:
            return 0
        # What is left to exempt is the principal or the resource, whatever the action is.
        action = self.catalogue.key((reached & -reached).bit_length() - 1)
        asked = Question(action, question.resource, question.context)
        return 0 if resource_exemption(asked, self._management_account) else reached

    def _set(self, mask: int) -> ActionSet:
        return ActionSet(mask, self.catalogue)


@dataclass(frozen=True, slots=True)
class PermissionMatrix:
    """Sets of actions by place; `-` says what one has that another has not, place by place.

    Attributes:
        cells: the actions of each place.

    Raises:
        KeyError: from `|`, `&` and `-`, when the matrices are not of the same places.
    """

    cells: Mapping[Place, ActionSet] = field(default_factory=dict)

    def at(self, region: str | None = None, principal_arn: str | None = None) -> ActionSet:
        """Return the actions of a place.

        Raises:
            KeyError: for a place that the matrix does not have.
        """
        return self.cells[Place(region, principal_arn)]

    def __iter__(self) -> Iterator[Place]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __bool__(self) -> bool:
        """Tell whether any place has an action."""
        return any(self.cells.values())

    def __or__(self, other: PermissionMatrix) -> PermissionMatrix:
        return PermissionMatrix({place: one | two for place, one, two in self._pairs(other)})

    def __and__(self, other: PermissionMatrix) -> PermissionMatrix:
        return PermissionMatrix({place: one & two for place, one, two in self._pairs(other)})

    def __sub__(self, other: PermissionMatrix) -> PermissionMatrix:
        return PermissionMatrix({place: one - two for place, one, two in self._pairs(other)})

    def everywhere(self) -> ActionSet:
        """Return the actions that every place has; without places, none."""
        return reduce(and_, self.cells.values()) if self.cells else ActionSet(0)

    def anywhere(self) -> ActionSet:
        """Return the actions that any place has."""
        return reduce(or_, self.cells.values()) if self.cells else ActionSet(0)

    def places_of(self, action: str) -> list[Place]:
        """Return the places that have an action of the catalogue."""
        return [place for place, actions in self.cells.items() if action in actions]

    def grouped(self) -> list[tuple[list[Place], ActionSet]]:
        """Return places with equal actions together, in the order of their first places."""
        groups: dict[int, tuple[list[Place], ActionSet]] = {}
        for place, actions in self.cells.items():
            groups.setdefault(actions.mask, ([], actions))[0].append(place)
        return list(groups.values())

    def _pairs(self, other: PermissionMatrix) -> Iterator[tuple[Place, ActionSet, ActionSet]]:
        if self.cells.keys() != other.cells.keys():
            place = next(iter(self.cells.keys() ^ other.cells.keys()))
            raise KeyError(
                f"matrix: {place} is in one of the two only; make both of the same Regions and "
                "principals"
            )
        for place, actions in self.cells.items():
            yield place, actions, other.cells[place]


class _Path:
    """The statements of all levels of a path, compiled to sets of actions."""

    def __init__(self, levels: Iterable[Any], kind: Kind, known: Catalogue) -> None:
        self._denied = 0
        self._denying: list[_Rule] = []
        # What each level always allows, and the statements that allow under a condition.
        self._levels: list[tuple[int, list[_Rule]]] = []
        for number, level in enumerate(levels, 1):
            always, allowing = 0, []
            for policy in read_level(level, kind, number=number)[1]:
                for statement in policy.parsed.statements:
                    rule = _Rule(statement, known)
                    if statement.effect == "Deny":
                        if rule.always:
                            self._denied |= rule.actions
                        else:
                            self._denying.append(rule)
                    elif rule.always:
                        always |= rule.actions
                    else:
                        allowing.append(rule)
            self._levels.append((always, allowing))

    def __bool__(self) -> bool:
        return bool(self._levels)

    def denied(self, question: Question) -> int:
        """Return the actions that any statement denies."""
        denied = self._denied
        for rule in self._denying:
            if rule.holds(question):
                denied |= rule.actions
        return denied

    def open(self, question: Question) -> int:
        """Return the actions that every level allows."""
        found = -1
        for always, allowing in self._levels:
            allowed = always
            for rule in allowing:
                if rule.holds(question):
                    allowed |= rule.actions
            found &= allowed
        return found


class _Rule:
    """A statement: the actions that it is about, and when it holds."""

    __slots__ = ("_answers", "_keys", "_resource", "_tests", "actions", "always")

    def __init__(self, statement: ParsedStatement, known: Catalogue) -> None:
        self.actions = 0
        for pattern in statement.actions or statement.not_actions:
            self.actions |= known.mask(pattern)
        if not statement.actions:
            self.actions = known.every & ~self.actions
        self._resource = _resource_test(statement)
        self._tests = [
            compile_condition(condition, variables=statement.variables)
            for condition in statement.conditions
        ]
        self.always = self._resource is None and not self._tests
        self._keys = () if self.always else tuple(sorted(_keys_of(statement)))
        self._answers: dict[Any, bool] = {}

    def holds(self, question: Question) -> bool:
        """Tell whether resource and conditions are those of the statement.

        An answer is kept by what it depends on: a condition on the principal is evaluated once
        for all Regions.
        """
        values = question.context.values
        asked = (self._resource and question.resource, *map(values.get, self._keys))
        answer = self._answers.get(asked)
        if answer is None:
            missing: list[str] = []
            answer = (self._resource is None or self._resource(question, missing)) and all(
                test(question.context, missing) for test in self._tests
            )
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            self._answers[asked] = answer
        return answer


def _keys_of(statement: ParsedStatement) -> set[str]:
    """Return the keys, in lower case, that the answer of a statement can depend on."""
    keys = {condition.key.lower() for condition in statement.conditions}
    texts = [*statement.resources, *statement.not_resources]
    texts += [value for condition in statement.conditions for value in condition.values]
    for text in texts:
        template = template_of(text)
        if template is not None:
            keys |= {part[0] for part in template.parts if not isinstance(part, str)}
    return keys


def _question(
    region: str | None,
    principal_arn: str | None,
    resource: str,
    context: Mapping[str, Any] | None,
) -> Question:
    request = Request(
        action=_NO_ACTION,
        resource=resource,
        region=region,
        principal_arn=principal_arn,
        context=context or {},
    )
    return request._question  # noqa: SLF001 - one room


@lru_cache(maxsize=4)
def _reached_by_rcps(known: Catalogue) -> int:
    """Return the actions that resource control policies reach, whoever asks."""
    from org_constructs.policies.types.resource_control_policy import supported_services

    services = reduce(or_, (known.mask(f"{name}:*") for name in supported_services()), 0)
    nobody = Context({})
    return known.mask_of(
        action
        for action in known.keys_of(services)
        if not resource_exemption(Question(action, "*", nobody), None)
    )


# `catalogue` is the name of an argument, too.
_carried = catalogue
